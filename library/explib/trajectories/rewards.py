"""What counts as a reward."""

from __future__ import annotations

import math

from explib.errors import InvalidReward
from explib.models.libraries import LibrarySettings
from explib.models.trajectories import REWARD_WEIGHTS, RewardSource


def checked_reward(reward: float, settings: LibrarySettings) -> float:
    """The reward as a float. Raises InvalidReward where it isn't finite or is outside the library's range."""
    low, high = settings.reward_min, settings.reward_max
    if not math.isfinite(reward):
        raise InvalidReward(
            f"The reward is {reward}: pass a finite number from {low:g} to {high:g}, "
            "or leave it out and call report_reward when it is known."
        )
    if not low <= reward <= high:
        raise InvalidReward(
            f"The reward {reward:g} is outside this library's range of {low:g} to {high:g}: rescale it."
        )
    return float(reward) + 0.0  # -0.0 becomes 0.0: SQLite does not keep the sign


def yields(source: RewardSource, stored: RewardSource | None) -> bool:
    """Tell that a reward counts for less than the stored one, by who says it: the stored one then stays."""
    return stored is not None and REWARD_WEIGHTS[source] < REWARD_WEIGHTS[stored]
