"""A second look at codes: the attempts whose rewards the codes explain worst are read again, without their rewards."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import fmean

from explib.models.decisions import Code, CodebookEntry, Decision, GradedAttempt
from explib_learner.analyst import Coder

WORST, BEST = 8, 4
"""Attempts that fit worst, and those that fit best among which they are mixed."""
LIKELY = 0.15
"""Probability of mattering from which a decision in words is worth a second look."""
MOST_DECISIONS = 8


def doubtful(
    coder: Coder, entries: Sequence[CodebookEntry], codes: Sequence[Code], graded: Sequence[GradedAttempt]
) -> Mapping[str, Sequence[Decision]]:
    """Trajectory id → the coder's likely decisions, for attempts whose rewards all decisions explain worst or best."""
    judged = [(each.verdict.inclusion, each.decision) for each in entries if each.verdict is not None]
    likely = [pair for pair in judged if pair[0] >= LIKELY and coder.codes(pair[1])]
    asked = [decision for _, decision in sorted(likely, key=lambda pair: -pair[0])[:MOST_DECISIONS]]
    ids = {decision.id for decision in asked}
    read = {code.trajectory_id for code in codes if code.decision_id in ids}
    left = _unexplained(entries, codes, graded)
    ranked = sorted((each for each in left if each in read), key=lambda each: (-abs(left[each]), each))
    chosen = ranked[:WORST] + ranked[WORST:][-BEST:]
    return dict.fromkeys(chosen, asked)


def _unexplained(
    entries: Sequence[CodebookEntry], codes: Sequence[Code], graded: Sequence[GradedAttempt]
) -> dict[str, float]:
    """What the decisions leave of each attempt's reward, beside the mean of its group or of all lone ones."""
    better = {each.decision.id: each.verdict for each in entries}
    told: dict[str, float] = defaultdict(float)
    for code in codes:
        verdict = better.get(code.decision_id)
        if verdict is not None and code.letter == verdict.better:
            told[code.trajectory_id] += verdict.inclusion * verdict.effect
    strata: dict[str | None, dict[str, float]] = defaultdict(dict)
    for attempt in graded:
        strata[attempt.group_id][attempt.trajectory_id] = attempt.reward - told[attempt.trajectory_id]
    return {name: each - fmean(members.values()) for members in strata.values() for name, each in members.items()}
