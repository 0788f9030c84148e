"""With which probability a lesson is served: by how it was learned, by the library as a whole, and by its own rewards.

A learned lesson is no coin: what was borne out twice helps far more often than not. So the belief that serving acts on
begins with a mean μ0 by how the lesson was learned, shifted by what all lessons of the library have shown together, and
little is withheld of what is believed to help. That belief moves probabilities only. Labels, P(helps), promotion and
retirement rest on the rewards alone (`posterior` with a prior mean of 0), or a prior would pass for a measurement.
Worked out by simulation: docs/evidence.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from explib.evidence.posterior import LIFT_SCALE, NORMAL, STEEPNESS, Posterior, score_variance
from explib.evidence.sums import ScoreSums
from explib.models.decisions import Verdict
from explib.models.experiences import LessonClass, Support

FLOOR, CEILING = 0.1, 0.97
DOUBTED_CEILING = 0.5
"""Highest probability of what is under suspicion."""
BORNE_OUT_MEAN = 0.06
"""μ0 of class A."""
SHIFT_SCALE = 0.04
"""The standard deviation of a library's shift before anything is known of it."""
WITHHELD = 0.5
"""Believed lessons that one retrieval withholds on average, at most, unless the library is in doubt as a whole."""
WITNESSES, GROUPS, LONE_ATTEMPTS = 2, 2, 6
"""What a believed decision needs for class A: so many witnesses, in so many groups or among so many lone attempts."""
CANDIDATE_INCLUSION = 0.5
USELESS_SHARES = tuple(tenths / 10 for tenths in range(8))
"""Shares of a library's learned lessons that may not help, all as probable before anything is known."""


def lesson_class(
    *, pinned: bool, support: Support, verdict: Verdict | None = None, option: str | None = None
) -> LessonClass:
    """The class of a lesson by how it was learned.

    A: borne out in two groups or many lone attempts, or written or approved by a person. B: seen once, or read from
    attempts that nobody graded. C: nothing is known of its origin. D: attempts contradict it. A lesson of a decision is
    read by the decision's newest verdict.
    """
    if pinned:
        return "A"
    if verdict is not None and (verdict.followed or verdict.others):
        return _class_of_decision(verdict, option)
    if verdict is not None:
        return "B" if support.supporting > support.contradicting else "C"
    if support.contradicting > support.supporting:
        return "D"
    if support.groups >= GROUPS and support.supporting > support.contradicting:
        return "A"
    return "B" if support.groups else "C"


def _class_of_decision(verdict: Verdict, option: str | None) -> LessonClass:
    if verdict.better is not None and option is not None and verdict.better != option:
        return "D"
    if verdict.state == "believed" and verdict.witnesses >= WITNESSES and is_met_again(verdict):
        return "A"
    seen = verdict.state in ("believed", "one of") or verdict.inclusion >= CANDIDATE_INCLUSION
    return "B" if seen else "C"


def is_met_again(verdict: Verdict | None) -> bool:
    """Whether a lesson's situation was met often enough to be borne out twice; without a verdict nobody knows."""
    return verdict is not None and (verdict.groups >= GROUPS or verdict.lone >= LONE_ATTEMPTS)


def once_seen_mean(borne_out: int, seen_once: int) -> float:
    """μ0 of class B, from the library's lessons of class A and those of class B that could have been borne out twice.

    The share h that doesn't help is as probable as it explains these counts: a lesson that helps is borne out twice
    with .45, another with .10. Where nothing is known it is .03.
    """
    weights = [(0.45 - 0.35 * h) ** borne_out * (0.55 + 0.35 * h) ** seen_once for h in USELESS_SHARES]
    means = [0.09 * (0.55 * (1 - h) - 0.45 * h) / (0.55 * (1 - h) + 0.9 * h) for h in USELESS_SHARES]
    mean = sum(weight * each for weight, each in zip(weights, means, strict=True)) / sum(weights)
    return min(max(mean, 0.0), BORNE_OUT_MEAN)


def first_means(borne_out: int, seen_once: int) -> dict[LessonClass, float]:
    """μ0 of each class in a library with so many lessons of class A and (that could have become A) B."""
    return {"A": BORNE_OUT_MEAN, "B": once_seen_mean(borne_out, seen_once), "C": 0.0, "D": 0.0}


@dataclass(slots=True)
class ClassTotals:
    """Running sums over a library's lessons of one class."""

    precision: float = 0.0
    """Σ 1/v, v = τ² + σ²/W: over lessons with rewards."""
    weighted_lift: float = 0.0
    """Σ (S/W)/v."""
    served: float = 0.0

    def add(self, sums: ScoreSums, served: float, sign: int) -> None:
        """Enter a lesson (`sign` 1), or take it back (−1)."""
        self.served += sign * served
        if sums.w > 0:
            precision = sign / (LIFT_SCALE**2 + score_variance(sums) / sums.w)
            self.precision += precision
            self.weighted_lift += precision * sums.sure_lift


@dataclass(frozen=True, slots=True)
class Shift:
    """By how much the lessons of a library are better (worse) than they were learned to be, as a normal belief."""

    mean: float = 0.0
    deviation: float = SHIFT_SCALE


NO_SHIFT = Shift()


def library_shift(
    totals: Mapping[LessonClass, ClassTotals],
    means: Mapping[LessonClass, float],
    holdout: ScoreSums,
    retrievals: float,
) -> Shift:
    """The shift δ by the lifts of all lessons, and by what was held out (`holdout`) of `retrievals` that were not."""
    precision = 1 / SHIFT_SCALE**2 + sum(each.precision for each in totals.values())
    pull = sum(each.weighted_lift - means[name] * each.precision for name, each in totals.items())
    served = sum(each.served for each in totals.values())
    if holdout.w > 0 and served > 0 and retrievals > 0:
        each_time = served / retrievals
        expected = sum(means[name] * each.served for name, each in totals.items()) / retrievals
        noise = score_variance(holdout) / (holdout.w * each_time**2) + LIFT_SCALE**2 / each_time
        precision += 1 / noise
        pull += (holdout.sure_lift - expected) / each_time / noise
    return Shift(pull / precision, precision**-0.5)


def serving_probability(belief: Posterior, floor: float = FLOOR, ceiling: float = CEILING) -> float:
    """p = clip(Φ(2μ/s), floor, ceiling): ½ for what nothing is known of; never so small that nothing is learned."""
    return min(max(belief.inclination, floor), ceiling)


def within_budget(
    probabilities: Sequence[float], beliefs: Sequence[Posterior], first_mean: float, shift: Shift
) -> list[float]:
    """The probabilities of one shortlist, raised where more of the believed lessons would be withheld than may be.

    The budget is the greater of WITHHELD and D · (believed lessons), D the probability that the library as a whole does
    nothing (by steep Φ, as for one lesson); `first_mean` is the mean μ0 of its lessons.
    """
    believed = [
        belief.mean > 0 and probability > DOUBTED_CEILING
        for belief, probability in zip(beliefs, probabilities, strict=True)
    ]
    withheld = sum(1 - p for p, counts in zip(probabilities, believed, strict=True) if counts)
    doubt = NORMAL.cdf(-STEEPNESS * (first_mean + shift.mean) / shift.deviation)
    budget = max(WITHHELD, doubt * sum(believed))
    if withheld <= budget:
        return list(probabilities)
    share = budget / withheld
    return [1 - (1 - p) * share if counts else p for p, counts in zip(probabilities, believed, strict=True)]
