"""The score of one reward, and the four sums that are all that is kept of the scores.

A server that decides at random, with a known probability, what it serves, measures what serving does: for an
experience that was served (z = 1) or withheld (z = 0) with probability p before reward r, and a baseline m that was
fixed before the draw, X = (z − p)(r − m) has the expectation p(1 − p) · lift, whatever m is and however p came about.
This is the randomised (design-based) estimator of Neyman (1923) and Robins' g-estimating equation for one binary
treatment; a good m makes it precise, a bad one leaves it right.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

KAPPA = 2.0
"""Pseudo-rewards by which a task's mean is drawn to its library's, and the library's to the middle of the range."""
MIDDLE = 0.5


@dataclass(frozen=True, slots=True)
class ScoreSums:
    """S = ΣX, W = Σp(1 − p), V = ΣX², and how many rewards they come from. Adding and taking back are + and −."""

    s: float = 0.0
    w: float = 0.0
    v: float = 0.0
    n: int = 0
    slack: float = 0.0
    """By how much forged rewards may have moved the lift; only `belief.believed_sums` knows."""

    def __add__(self, other: ScoreSums) -> ScoreSums:
        w, slack = self.w + other.w, 0.0
        if self.slack or other.slack:
            slack = (self.slack * self.w + other.slack * other.w) / w
        return ScoreSums(self.s + other.s, w, self.v + other.v, self.n + other.n, slack)

    def __sub__(self, other: ScoreSums) -> ScoreSums:
        return ScoreSums(self.s - other.s, self.w - other.w, self.v - other.v, self.n - other.n)

    @property
    def lift(self) -> float:
        """The unbiased estimate S / W; 0 where nothing was randomised."""
        return self.s / self.w if self.w > 0 else 0.0

    @property
    def sure_lift(self) -> float:
        """What is left of the lift when `slack` is taken off it."""
        return math.copysign(max(abs(self.lift) - self.slack, 0.0), self.lift)


NOTHING = ScoreSums()


def score(*, served: bool, probability: float, outcome: float, baseline: float) -> ScoreSums:
    """What one outcome (a reward from 0 to 1) adds; nothing where chance had no say (probability 0 or 1)."""
    weight = probability * (1 - probability)
    if weight <= 0:
        return NOTHING
    x = (served - probability) * (outcome - baseline)
    return ScoreSums(x, weight, x * x, 1)


def baseline(group_total: float, group_rewards: int, library_total: float, library_rewards: int) -> float:
    """The mean reward of the task's group shrunk to the library's, fixed at the time of the retrieval."""
    middle = (library_total + KAPPA * MIDDLE) / (library_rewards + KAPPA)
    return (group_total + KAPPA * middle) / (group_rewards + KAPPA)
