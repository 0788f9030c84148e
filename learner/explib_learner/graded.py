"""Attempts as the fit reads them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from explib.models.decisions import GradedAttempt
from explib.models.libraries import LibrarySettings
from explib.models.trajectories import REWARD_WEIGHTS, Attempt


def graded_attempts(attempts: Sequence[Attempt], settings: LibrarySettings) -> list[GradedAttempt]:
    """Those that have a reward, as a share of the library's range; an attempt alone in its group is a lone one."""
    width = settings.reward_max - settings.reward_min
    graded = [attempt.trajectory for attempt in attempts if attempt.trajectory.reward is not None]
    sizes = Counter(attempt.group_id for attempt in graded)
    return [
        GradedAttempt(
            trajectory_id=attempt.id,
            reward=((attempt.reward or 0.0) - settings.reward_min) / width,
            group_id=attempt.group_id if sizes[attempt.group_id] > 1 else None,
            source=attempt.reward_source or "agent",
            weight=REWARD_WEIGHTS[attempt.reward_source or "agent"],
        )
        for attempt in graded
    ]
