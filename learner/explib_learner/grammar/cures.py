"""What failed and what then worked, inside one attempt: a changed call, another command, or a step in between."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from explib.models.decisions import CURED, Decision, Option
from explib_learner.grammar.changes import Change, changes_of, does, option_of, options_of
from explib_learner.grammar.failures import environmental
from explib_learner.grammar.keys import canonical, id_of
from explib_learner.grammar.refusals import refusal_line
from explib_learner.grammar.trace import AttemptTrace, Call
from explib_learner.writing.templates import used

Strength: TypeAlias = Literal["believed", "candidate"]

BELIEVED_FROM = 2
"""Attempts in which a cure must be seen to be believed."""


@dataclass(frozen=True, slots=True)
class Cure:
    """A decision of which one attempt, or several, took both options: first the failing, then the working one."""

    decision: Decision
    """Option a is what worked."""
    refusal: str
    """The telling line of the failing result, values masked; the reason of the lesson."""
    shown_by: tuple[str, ...]
    """Ids of the attempts in which it failed and was cured."""
    against: tuple[str, ...]
    """Ids of attempts in which what worked here failed as well, or what failed here worked."""
    letters: Mapping[str, str]
    """Attempt id → the option that it took first, or CURED; absent where it did not meet the situation."""
    strength: Strength

    @property
    def is_sure(self) -> bool:
        """Whether it is believed, and no attempt speaks against it."""
        return self.strength == "believed" and not self.against


@dataclass(frozen=True, slots=True)
class _Seen:
    trajectory_id: str
    tool: str
    change: Change
    failing: Call
    values_vary: bool
    is_alone: bool
    """Nothing else was changed."""

    @property
    def refusal(self) -> str:
        """The telling line of the failing result, masked."""
        return refusal_line(self.failing.text)


def cures(traces: Sequence[AttemptTrace]) -> list[Cure]:
    """All cures, those seen most often first. Failures of the environment, and what a mere retry cured, are none."""
    sightings: defaultdict[tuple[str, Change], list[_Seen]] = defaultdict(list)
    for trace in traces:
        for seen in _sightings(trace):
            sightings[seen.tool, seen.change].append(seen)
    found = [cure for seen in sightings.values() if (cure := _cure(seen, traces)) is not None]
    return sorted(found, key=lambda cure: (-len(cure.shown_by), cure.decision.key))


def told_by(cure: Cure, decision: Decision, met: Sequence[tuple[str, AttemptTrace]]) -> bool:
    """Whether a decision only tells a cure by an earlier step once more: of its two calls, or seen from another step.

    `met` holds the decision's option of each attempt that met its situation.
    """
    _, tool, (kind, name, *_) = json.loads(cure.decision.key)
    if kind != "first":
        return False
    if {*decision.tools} == {tool, name}:
        return True
    pairs = {(letter, _precedes(trace.calls, name, tool)) for letter, trace in met}
    return pairs in ({("a", True), ("b", False)}, {("a", False), ("b", True)})


def _precedes(calls: Sequence[Call], name: str, tool: str) -> bool | None:
    """Whether a call of `name` stands before the last of `tool`; None where that is not called."""
    names = [call.name for call in calls]
    if tool not in names:
        return None
    return name in names[: len(names) - 1 - names[::-1].index(tool)]


def _cure(seen: Sequence[_Seen], traces: Sequence[AttemptTrace]) -> Cure | None:
    seen = [each for each in seen if each.is_alone] or seen
    reason, _ = Counter(each.refusal for each in seen).most_common(1)[0]
    first = next(each for each in seen if each.refusal == reason)
    ids = tuple(dict.fromkeys(each.trajectory_id for each in seen))
    if first.values_vary and len(ids) < BELIEVED_FROM:
        return None
    against = tuple(
        trace.trajectory_id for trace in traces if _fails_anyway(trace, first) or _works_anyway(trace, seen)
    )
    if len(against) >= len(ids):
        return None
    strength: Strength = "believed" if len(ids) >= BELIEVED_FROM and 4 * len(against) <= len(ids) else "candidate"
    taken = ((trace.trajectory_id, _taken(trace, seen)) for trace in traces)
    letters = {attempt: letter for attempt, letter in taken if letter is not None} | dict.fromkeys(ids, CURED)
    return Cure(_decision(first.tool, first.change), reason, ids, against, letters, strength)


def _sightings(trace: AttemptTrace) -> Iterator[_Seen]:
    calls = trace.calls
    seen: set[tuple[str, Change]] = set()
    for at, call in enumerate(calls):
        if not call.failed or environmental(call.text):
            continue
        changes = changes_of(calls, at)
        for change, vary in changes:
            if (call.name, change) not in seen:
                seen.add((call.name, change))
                yield _Seen(trace.trajectory_id, call.name, change, call, vary, len(changes) == 1)


def _fails_anyway(trace: AttemptTrace, seen: _Seen) -> bool:
    """Whether a call that does as the cure says is refused all the same, and for the same reason."""
    reason = seen.refusal
    return any(
        call.failed and does(call, trace.calls[:at], seen.tool, seen.change) and refusal_line(call.text) == reason
        for at, call in enumerate(trace.calls)
    )


def _works_anyway(trace: AttemptTrace, seen: Sequence[_Seen]) -> bool:
    """Whether a call works in spite of what was changed elsewhere: there it may have failed by chance."""
    first = seen[0]
    failing = {option_of(each.failing, first.change) for each in seen}
    return any(
        call.name == first.tool
        and not call.failed
        and option_of(call, first.change) in failing
        and not does(call, trace.calls[:at], first.tool, first.change)
        for at, call in enumerate(trace.calls)
    )


def _taken(trace: AttemptTrace, seen: Sequence[_Seen]) -> str | None:
    """The option that an attempt took first; None where only the cure itself shows that the situation arose."""
    tool, change = seen[0].tool, seen[0].change
    if change[0] in ("use", "heed"):
        return None
    failing = {option_of(each.failing, change) for each in seen}
    for at, call in enumerate(trace.calls):
        if does(call, trace.calls[:at], tool, change):
            return "a"
        if call.name == tool and option_of(call, change) in failing:
            return "b"
    return None


def _decision(tool: str, change: Change) -> Decision:
    key = canonical(["cure", tool, list(change)])
    yes, no = options_of(change, tool)
    options = (Option("a", yes), Option("b", no), Option(CURED, f"{yes}, only once it has failed otherwise"))
    return Decision(
        id=id_of(key),
        key=key,
        source="grammar",
        situation=f"you are about to {used(tool)}",
        options=options,
        tools=tuple(dict.fromkeys((tool, change[1]) if change[0] in ("use", "first") else (tool,))),
    )
