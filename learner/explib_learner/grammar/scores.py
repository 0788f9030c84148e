"""How well a split explains rewards: t of every column, also of every column under every condition."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]

NOISE_FLOOR = 0.03
"""Least standard deviation of a reward about its explanation: the sum of effects is never quite the law."""
_PRIOR_DEGREES = 6.0
"""Degrees of freedom with which the variance of all rewards enters that of a split: small sides look tight by luck."""


def scores(met: Floats, taken: Floats, rewards: Floats, least: int) -> Floats:
    """t of each split for each arrangement of the rewards: columns × arrangements.

    `met` and `taken` are columns × attempts with 0 and 1, `rewards` attempts × arrangements, each of mean 0.
    """
    sizes = met.sum(1)[:, None]
    ones = taken.sum(1)[:, None]
    return _t(sizes, ones, met @ rewards, taken @ rewards, met @ rewards**2, rewards, least)


def score(column: NDArray[np.int8], rewards: Floats, least: int) -> float:
    """t of one column of 1, 0 and -1 (not met) for rewards of mean 0."""
    met, taken = (column >= 0).astype(np.float64), (column == 1).astype(np.float64)
    return float(scores(met[None], taken[None], rewards[:, None], least)[0, 0])


class ConditionalScores:
    """t of each split under each condition; sizes are counted once."""

    def __init__(self, met: Floats, taken: Floats, narrowed: Floats) -> None:
        self._met, self._taken = met, taken
        self.narrowed = narrowed
        """Attempts × conditions."""
        self._sizes, self._ones = met @ narrowed, taken @ narrowed

    def of(self, rewards: Floats, least: int) -> Floats:
        """Score columns × conditions for rewards of mean 0."""
        r = rewards[:, None]
        first, second = self.narrowed * r, self.narrowed * r**2
        return _t(self._sizes, self._ones, self._met @ first, self._taken @ first, self._met @ second, r, least)


def _t(
    sizes: Floats, ones: Floats, total: Floats, ones_total: Floats, squares: Floats,
    rewards: Floats, least: int,
) -> Floats:  # fmt: skip
    zeros = sizes - ones
    enough = (ones >= least) & (zeros >= least)
    n1, n0 = np.where(enough, ones, 1.0), np.where(enough, zeros, 1.0)
    mean1, mean0 = ones_total / n1, (total - ones_total) / n0
    spread = np.maximum(squares - n1 * mean1**2 - n0 * mean0**2, 0.0)
    prior = np.maximum(np.mean(rewards**2, axis=0), NOISE_FLOOR**2)
    variance = (spread + _PRIOR_DEGREES * prior) / (np.maximum(n1 + n0 - 2.0, 0.0) + _PRIOR_DEGREES)
    t = (mean1 - mean0) / np.sqrt(np.maximum(variance * (1.0 / n1 + 1.0 / n0), 1e-300))
    result: Floats = np.where(enough, t, 0.0)
    return result
