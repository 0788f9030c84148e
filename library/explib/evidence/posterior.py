"""What is believed of a lift, and with which probability an experience is served because of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

from explib.evidence.sums import ScoreSums

LIFT_SCALE = 0.06
"""τ: the standard deviation of experiences' lifts before anything is known of one."""
REVISION_SCALE = 0.08
"""τ for whole revisions."""
PRIOR_SQUARES = 1.0
PRIOR_WEIGHT = 5.0
"""The first guess of the scores' variance per weight is PRIOR_SQUARES / PRIOR_WEIGHT = .2, worth this much weight."""
STEEPNESS = 2.0
"""How strongly what is believed moves the probability of serving; 1 would be Thompson's sampling."""
LEAST_PRIORITY = 0.001
NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class Posterior:
    """A normal belief about a lift."""

    mean: float
    deviation: float

    @property
    def helps(self) -> float:
        """P(lift > 0)."""
        return NORMAL.cdf(self.mean / self.deviation)

    @property
    def inclination(self) -> float:
        """Φ(2μ/s): the probability of serving before the library's floor and ceiling."""
        return NORMAL.cdf(STEEPNESS * self.mean / self.deviation)

    @property
    def priority(self) -> float:
        """μ + s, by which relevance is multiplied for the shortlist: what is good or little known comes first."""
        return max(self.mean + self.deviation, LEAST_PRIORITY)


def score_variance(sums: ScoreSums) -> float:
    """σ² = (V + 1)/(W + 5): the variance of a score per weight, estimated from the scores' own squares."""
    return (max(sums.v, 0.0) + PRIOR_SQUARES) / (max(sums.w, 0.0) + PRIOR_WEIGHT)  # taking back can leave −1e-17


def posterior(sums: ScoreSums, scale: float = LIFT_SCALE, prior: float = 0.0) -> Posterior:
    """The conjugate normal posterior of a lift with prior N(prior, scale²) under S/W ~ N(lift, σ²/W)."""
    precision = max(sums.w, 0.0) / score_variance(sums)
    squared = 1 / (1 / scale**2 + precision)
    return Posterior(squared * (prior / scale**2 + precision * sums.sure_lift), math.sqrt(squared))
