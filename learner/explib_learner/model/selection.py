"""Which attempts a model is asked about: what a run costs is decided here.

Everything depends on the claimed groups, on attempts not newer than theirs, and on the codebook alone, so that a run
that is repeated asks for the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from statistics import pvariance

from explib.models.decisions import CodebookEntry, Decision
from explib.models.groups import GroupAttempts
from explib.models.trajectories import Attempt
from explib_learner.analyst import Batch
from explib_learner.grammar.coding import is_coded
from explib_learner.grammar.grammar import Grammar
from explib_learner.grammar.reading import Reading
from explib_learner.grammar.trace import trace_of
from explib_learner.lessons import REFUTED_BELOW, REFUTING_WITNESSES

CONTRASTED_FULLY = 25
"""Attempts of a library up to which every group is contrasted: below, the fit believes little."""
CONTRASTED_LATER = 100
"""Attempts beyond, for each so many of which one group is: that whose rewards the believed decisions explain least."""
UNEXPLAINED = 0.5
"""Share of a group's variance of rewards from which it fits badly."""
FIRST_POINTS = 20
"""Graded attempts of a library at which points are named blind for the first time; again at each doubling."""
POINT_ATTEMPTS = 8
"""Attempts of one such call."""
CODED_AT_ONCE = 48
"""Attempts of one run, the newest, that are read for decisions in words."""
REREAD_EACH = 50
"""Graded attempts with which doubtful codes get a second look."""
BACKFILLED = 12
"""Earlier attempts, the newest, that new decisions are coded for."""


def order_of(attempt: Attempt) -> tuple[float, str]:
    """Attempts by age."""
    return attempt.trajectory.created_at, attempt.trajectory.id


def is_graded(attempt: Attempt) -> bool:
    """Whether the attempt has a reward."""
    return attempt.trajectory.reward is not None


def claimed(batch: Batch) -> list[Attempt]:
    """The attempts of the batch's groups, oldest first."""
    return sorted((attempt for each in batch.groups for attempt in each.attempts), key=order_of)


def earlier(batch: Batch) -> list[Attempt]:
    """The library's other attempts that are not newer than those, oldest first."""
    own = claimed(batch)
    ids = {attempt.trajectory.id for attempt in own}
    newest = order_of(own[-1]) if own else (0.0, "")
    return [each for each in batch.history if each.trajectory.id not in ids and order_of(each) <= newest]


def contrasted(batch: Batch) -> list[GroupAttempts]:
    """The groups to be contrasted: all of a young library, later those that fit worst."""
    letters = {(code.decision_id, code.trajectory_id): code.letter for code in batch.codes}
    before = seen = sum(map(is_graded, earlier(batch)))
    coded = {code.trajectory_id for code in batch.codes}
    named = {group_id for entry in batch.codebook for group_id in entry.decision.named_from}
    asked = [
        group
        for group in batch.groups
        if _differs(group.graded)
        and not ((seen >= CONTRASTED_FULLY or group.group.id in named) and _is_coded(group, coded))
    ]
    first: list[GroupAttempts] = []
    later: list[tuple[float, GroupAttempts]] = []
    for group in asked:
        if seen < CONTRASTED_FULLY:
            first.append(group)
            seen += len(group.graded)
        elif (unexplained := _unexplained(group, batch.codebook, letters)) > UNEXPLAINED:
            later.append((unexplained, group))
    later.sort(key=lambda each: (-each[0], each[1].group.id))
    after = before + sum(map(is_graded, claimed(batch)))
    return [*first, *(group for _, group in later[: after // CONTRASTED_LATER - before // CONTRASTED_LATER])]


def blind_calls(batch: Batch) -> list[list[Attempt]]:
    """The attempts of each call that names points blind: at 20, 40, 80, … attempts the newest, of many tasks."""
    before = [attempt for attempt in earlier(batch) if is_graded(attempt)]
    graded = [*before, *(attempt for attempt in claimed(batch) if is_graded(attempt))]
    calls: list[list[Attempt]] = []
    size = FIRST_POINTS
    while size <= len(graded):
        if size > len(before):
            upto = _of_many_tasks(graded[:size])
            calls += [upto[-2 * POINT_ATTEMPTS : -POINT_ATTEMPTS]] if size == FIRST_POINTS else []
            calls += [upto[-POINT_ATTEMPTS:]]
        size *= 2
    return [call for call in calls if call]


def read_so_far(batch: Batch) -> list[Attempt]:
    """All attempts that this run may look at, oldest first."""
    return sorted((*earlier(batch), *claimed(batch)), key=order_of)


def is_settled(entry: CodebookEntry) -> bool:
    """Whether enough attempts of either side have shown that a decision hardly matters: no more are read for it."""
    verdict = entry.verdict
    if verdict is None or verdict.state != "unknown":
        return False
    return verdict.witnesses >= REFUTING_WITNESSES and verdict.inclusion < REFUTED_BELOW


def may_meet(attempt: Attempt, decisions: Sequence[Decision]) -> bool:
    """Whether one of the decisions speaks of no tool, or of one that the attempt used."""
    used = {call.name for step in attempt.steps for call in step.calls}
    return any(not each.tools or used.intersection(each.tools) for each in decisions)


def is_reread(batch: Batch) -> bool:
    """Whether doubtful codes are due for a second look."""
    before = sum(map(is_graded, earlier(batch)))
    return before // REREAD_EACH < (before + sum(map(is_graded, claimed(batch)))) // REREAD_EACH


def unread_sessions(batch: Batch) -> list[Attempt]:
    """The claimed attempts that nobody graded, where that is so of most of the library's."""
    own = claimed(batch)
    everything = [*earlier(batch), *own]
    if 2 * sum(map(is_graded, everything)) >= len(everything):
        return []
    return [attempt for attempt in own if not is_graded(attempt)]


def _differs(attempts: Sequence[Attempt]) -> bool:
    return len({attempt.reward for attempt in attempts}) > 1


def _is_coded(group: GroupAttempts, coded: Set[str]) -> bool:
    """Whether the group had contrast when it was learned, and has not doubled since."""
    known = [attempt for attempt in group.graded if attempt.trajectory.id in coded]
    return _differs(known) and len(group.graded) < 2 * len(known)


def _of_many_tasks(attempts: Sequence[Attempt]) -> list[Attempt]:
    """At most two attempts of a group, the newest, oldest first."""
    taken: dict[str, int] = {}
    chosen: list[Attempt] = []
    for attempt in reversed(attempts):
        group_id = attempt.trajectory.group_id
        taken[group_id] = taken.get(group_id, 0) + 1
        if taken[group_id] <= 2:
            chosen.append(attempt)
    return chosen[::-1]


def _unexplained(
    group: GroupAttempts, codebook: Sequence[CodebookEntry], letters: Mapping[tuple[str, str], str]
) -> float:
    """The share of the variance of a group's rewards that the believed decisions leave."""
    rewards = [attempt.reward for attempt in group.graded]
    left = [attempt.reward - _expected(attempt, codebook, letters) for attempt in group.graded]
    return pvariance(left) / pvariance(rewards)


def _expected(attempt: Attempt, codebook: Sequence[CodebookEntry], letters: Mapping[tuple[str, str], str]) -> float:
    """What the believed decisions say that the attempt's choices are worth."""
    grammar, reading = Grammar(), Reading(trace_of(attempt))
    worth = 0.0
    for entry in codebook:
        decision, verdict = entry.decision, entry.verdict
        if verdict is None or verdict.state != "believed" or verdict.merged_into is not None:
            continue
        if decision.speaks_for_itself:  # the joint fit, whose effects these are, has no word on it
            continue
        if is_coded(decision.key):
            letter: str | None = grammar.code_reading(decision, reading)
        else:
            letter = letters.get((decision.id, attempt.trajectory.id))
        worth += verdict.effect * (letter == verdict.better)
    return worth
