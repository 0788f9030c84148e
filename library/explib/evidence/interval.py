"""Intervals that stay valid however often one looks, and how many rewards an answer still takes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

from explib.evidence.posterior import LIFT_SCALE, PRIOR_SQUARES, PRIOR_WEIGHT, posterior
from explib.evidence.sums import ScoreSums

ALPHA = 0.05
"""How often, at most, an interval may ever exclude the truth over all the times that somebody looks."""
RHO = 2.0
"""Where the sequence is tightest: at about this much ΣX², some tens of rewards."""
EVEN_WEIGHT = 0.25
"""p(1 − p) of a fair coin."""
MOST_REWARDS = 10_000_000
MOST_KEPT = 1_000
"""Answers of `rewards_needed`: most lessons of a large library have the same sums, of no rewards."""
_SIGNIFICANT = 2


@dataclass(frozen=True, slots=True)
class Interval:
    """A lift and where it can be, as shares of the reward's range (−1 to 1)."""

    mean: float
    low: float
    high: float

    def times(self, range_: float) -> Interval:
        """The same in rewards, for a library whose rewards have this range."""
        return Interval(self.mean * range_, self.low * range_, self.high * range_)

    @property
    def excludes_zero(self) -> bool:
        """Whether the sign is settled."""
        return self.low > 0 or self.high < 0


def interval(sums: ScoreSums, alpha: float = ALPHA) -> Interval:
    """The confidence sequence (S ± √((V + ρ)·ln((V + ρ)/(ρ·α²)))) / W, wider by what forgery may have moved (`slack`).

    Robbins' normal mixture for self-normalised sums (Robbins 1970; de la Peña, Klass and Lai 2004; Howard, Ramdas,
    McAuliffe and Sekhon 2021, "Time-uniform, nonparametric, nonasymptotic confidence sequences").
    """
    if sums.w <= 0:
        return Interval(0.0, -1.0, 1.0)
    spread = _radius(sums.v, alpha) / sums.w + sums.slack
    return Interval(*(min(max(sums.lift + by, -1.0), 1.0) for by in (0.0, -spread, spread)))


def _radius(v: float, alpha: float) -> float:
    mass = max(v, 0.0) + RHO
    return math.sqrt(mass * math.log(mass / (RHO * alpha**2)))


@lru_cache(maxsize=MOST_KEPT)
def rewards_needed(sums: ScoreSums, scale: float = LIFT_SCALE, weight_each: float | None = None) -> int:
    """About how many more rewards settle the sign, to two digits, at the size that is now believed (at least `scale`).

    Solves d·W(n) = radius(V(n)) with weight and squares growing as they did so far (before the first: a fair coin), and
    slack falling as the radius does.
    """
    weight = weight_each or (sums.w + PRIOR_WEIGHT * EVEN_WEIGHT) / (sums.n + PRIOR_WEIGHT)
    squares = weight * (sums.v + PRIOR_SQUARES) / (sums.w + PRIOR_WEIGHT)
    size = max(abs(posterior(sums, scale).mean), scale) / (1 + sums.slack * max(sums.w, 0.0) / _radius(sums.v, ALPHA))
    low, high = 0, MOST_REWARDS
    while low < high:
        middle = (low + high) // 2
        if size * (sums.w + weight * middle) >= _radius(sums.v + squares * middle, ALPHA):
            high = middle
        else:
            low = middle + 1
    return _rounded(low)


def _rounded(count: int) -> int:
    step = int(10 ** max(len(str(count)) - _SIGNIFICANT, 0))
    return -(-count // step) * step
