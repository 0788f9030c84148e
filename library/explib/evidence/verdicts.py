"""What follows from the sums: labels for readers, and when an experience or a revision comes, stays or goes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from explib.evidence.interval import Interval, interval, rewards_needed
from explib.evidence.posterior import LIFT_SCALE, REVISION_SCALE, Posterior, posterior
from explib.evidence.sums import ScoreSums
from explib.text.words import number_of

Status: TypeAlias = Literal["candidate", "active", "retired"]
Decision: TypeAlias = Literal["promote", "retire", "restore"]
TrialDecision: TypeAlias = Literal["accept", "roll back"]

HELPS = frozenset({"likely helps", "proven"})
"""Labels of what is known to help."""
FEWEST_REWARDS = 30
LIKELY = 0.9
RETIRE_BELOW = 0.05
RESTORE_FROM = 0.2
"""Well above RETIRE_BELOW, so that one late reward does not turn a verdict to and fro."""
FEWEST_FOR_TRIAL = 40
ACCEPT_ABOVE = 0.95
ROLL_BACK_BELOW = 0.05
LONGEST_TRIAL = 1500
"""Rewards after which a revision that has shown no cost stays: so small a difference is not worth half the servings."""


@dataclass(frozen=True, slots=True)
class LiftSummary:
    """All that can be said of one lift."""

    sums: ScoreSums
    belief: Posterior
    interval: Interval
    label: str


@dataclass(frozen=True, slots=True)
class StatusChange:
    """A change of status, with the numbers and the rule that it rests on."""

    decision: Decision
    reason: str


def lift_summary(sums: ScoreSums) -> LiftSummary:
    """The posterior, the interval and the label of one experience."""
    belief, span = posterior(sums), interval(sums)
    return LiftSummary(sums, belief, span, _label(sums, belief, span))


def _label(sums: ScoreSums, belief: Posterior, span: Interval) -> str:
    if span.low > 0:
        return "proven"
    if span.high < 0:
        return "proven to harm"
    if sums.n >= FEWEST_REWARDS and belief.helps >= LIKELY:
        return "likely helps"
    if sums.n >= FEWEST_REWARDS and belief.helps <= 1 - LIKELY:
        return "likely harms"
    if span.low > -LIFT_SCALE and span.high < LIFT_SCALE:
        return "little difference"
    return f"not known yet: about {number_of(rewards_needed(sums), 'more reward')}"


def status_change(sums: ScoreSums, status: Status) -> StatusChange | None:
    """Whether an experience of this status changes it by its evidence.

    `retired` means here: retired by evidence before; what a person or the learner retired is not asked about.
    """
    belief, span = posterior(sums), interval(sums)
    enough = sums.n >= FEWEST_REWARDS
    harms = (enough and belief.helps < RETIRE_BELOW) or span.high < 0
    if status != "retired" and harms:
        rule = "the interval lies below 0" if span.high < 0 else f"P(helps) < {RETIRE_BELOW:g}"
        return StatusChange("retire", f"{numbers(sums)}. Rule: {rule}")
    if status == "candidate" and enough and belief.helps >= LIKELY:
        return StatusChange("promote", f"{numbers(sums)}. Rule: P(helps) ≥ {LIKELY:g}")
    if status == "retired" and not harms and belief.helps >= RESTORE_FROM:
        return StatusChange(
            "restore", f"{numbers(sums)}. Rule: retired by evidence, and now P(helps) ≥ {RESTORE_FROM:g}"
        )
    return None


def trial_outcome(sums: ScoreSums) -> tuple[TrialDecision, str] | None:
    """Whether the trial of a revision against the one before it has ended, how, and why."""
    chance = posterior(sums, REVISION_SCALE).helps
    if sums.n < FEWEST_FOR_TRIAL:
        return None
    said = numbers(sums, REVISION_SCALE)
    if chance < ROLL_BACK_BELOW:
        return "roll back", f"{said}. Rule: P(helps) < {ROLL_BACK_BELOW:g}"
    if chance > ACCEPT_ABOVE:
        return "accept", f"{said}. Rule: P(helps) > {ACCEPT_ABOVE:g}"
    if sums.n >= LONGEST_TRIAL:
        return "accept", f"{said}. Rule: no cost shown in {LONGEST_TRIAL:,} rewards"
    return None


def numbers(sums: ScoreSums, scale: float = LIFT_SCALE) -> str:
    """The evidence in one line, e.g. `lift −0.071 (−0.160 to +0.018), P(helps) .03, 212 rewards`."""
    span, belief = interval(sums), posterior(sums, scale)
    return (
        f"lift {span.mean:+.3f} ({span.low:+.3f} to {span.high:+.3f}), P(helps) {belief.helps:.3f}, "
        f"{number_of(sums.n, 'reward')}"
    )


def reporting_is_biased(reported: ScoreSums, what: str = "it is") -> str | None:
    """Why nothing can be claimed, or None: whether a reward was reported depends on whether `what` was served.

    The same score, with "was a reward reported?" as its outcome: every recorded retrieval enters as not reported, and
    is corrected when its reward comes.
    """
    span = interval(reported)
    if not span.excludes_zero:
        return None
    direction = "more" if span.mean > 0 else "less"
    return (
        f"nothing can be claimed: rewards are reported {direction} often when {what} served ({span.mean:+.0%}, "
        f"{span.low:+.0%} to {span.high:+.0%}), so those that came are not those of all tasks: "
        "report the reward of every attempt, failed ones too"
    )
