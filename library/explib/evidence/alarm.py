"""The alarm: rewards that have fallen lately put every lesson of a library in doubt for a while.

Where nearly all is served, the randomised sums are slow to see a lesson that stops helping. A fall of the rewards
themselves is seen soon; it says nothing of its cause, so it decides nothing but where to experiment: while it lasts,
lessons are served at most every other time and their earlier evidence counts little, and the draws find the cause.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from math import sqrt

from explib.evidence.sums import ScoreSums

RECENT = 100
"""Rewards whose mean is compared with that of the earlier ones."""
FEWEST_EARLIER = 100
DEVIATIONS = 3.0
"""Of 60 rewards and 2.5 deviations it rang twice as often for nothing, which cost a good library .04 of its gain."""
LASTS = 150
"""Rewards for which lessons stay in doubt."""
SURPRISES_READ = 600
"""Newest rewards that are looked at."""
FADED_WEIGHT = 10.0
"""Most weight that the evidence of a lesson has meanwhile."""


def is_alarmed(surprises: Sequence[float]) -> bool:
    """Whether, within the last LASTS rewards, the mean of RECENT was so far under the mean of all before them.

    `surprises`: reward less baseline of the newest rewards, oldest first.
    """
    sums = [0.0, *accumulate(surprises)]
    squares = [0.0, *accumulate(value * value for value in surprises)]
    first = max(FEWEST_EARLIER + RECENT, len(surprises) - LASTS + 1)
    return any(_has_fallen(sums, squares, end) for end in range(first, len(surprises) + 1))


def _has_fallen(sums: Sequence[float], squares: Sequence[float], end: int) -> bool:
    earlier = end - RECENT
    mean = sums[earlier] / earlier
    variance = max(squares[earlier] / earlier - mean**2, 1e-12)
    fall = mean - (sums[end] - sums[earlier]) / RECENT
    return fall > DEVIATIONS * sqrt(variance / RECENT + variance / earlier)


def faded(sums: ScoreSums) -> ScoreSums:
    """The evidence with at most FADED_WEIGHT."""
    if sums.w <= FADED_WEIGHT:
        return sums
    share = FADED_WEIGHT / sums.w
    return ScoreSums(sums.s * share, FADED_WEIGHT, sums.v * share, int(sums.n * share), sums.slack)
