"""What failed and what then worked, inside one attempt: a changed call, another command, or a step in between."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from explib.models.decisions import CURED, Decision, Option
from explib_learner.checks.names import heeded
from explib_learner.grammar.failures import environmental
from explib_learner.grammar.families.textual import pattern
from explib_learner.grammar.files import edited
from explib_learner.grammar.keys import canonical, id_of
from explib_learner.grammar.records import Scalar
from explib_learner.grammar.trace import AttemptTrace, Call
from explib_learner.writing.templates import argument, code, shown, used

Change: TypeAlias = tuple[str, ...]
"""(pass, argument) · (leave out, argument) · (set, argument, value) · (form, argument, pattern) · (heed, argument,
what the refusal asks) · (as told, command line) · (use, tool) · (first, tool)."""
Strength: TypeAlias = Literal["believed", "candidate"]

BELIEVED_FROM = 2
"""Attempts in which a cure must be seen to be believed."""
_SOON = 4
"""Calls after a failure among which its cure is looked for."""
_MOST_CHANGES = 2
_FORM, _FORM_WORDS = 40, 3
_PROSE_WORDS = 3
"""Words from which a value is a text of the one task: not it is the lesson, but what its refusal asks for."""
_LONGEST_REFUSAL = 120
_VALUE = re.compile(r"'[^'\n]{1,80}'|\"[^\"\n]{1,80}\"|`[^`\n]{1,80}`|\S*\d\S*")
_IDENTIFIER = re.compile(r"\d{3}")
"""Marks values that name one thing: they are data of a task, no lesson for others."""
_WORD = re.compile(r"[\w./:@+=-]{3,}")
_PLAIN = str.maketrans("`“”", "'''")
"""Signs that a quoted refusal may not have, as plain ones."""
_TELLING = re.compile(r"error|fail|denied|refus|invalid|must|requir|not |unknown|missing|expected|use ", re.IGNORECASE)
_ASKING = re.compile(
    r"\b(?:must|requir\w*|should|needs?|expect\w*|ha(?:s|ve) to|missing|there is no|only|at (?:least|most)|use)\b",
    re.IGNORECASE,
)
"""What a refusal says that tells what is wanted."""


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


def masked(line: str) -> str:
    """A line with quoted texts and whatever has a digit replaced by an ellipsis."""
    return " ".join(_VALUE.sub("…", line).split())[:_LONGEST_REFUSAL]


def refusal_line(text: str) -> str:
    """The line of a failing result that says why, masked."""
    return masked(_telling_line(text))


def _telling_line(text: str) -> str:
    """The first line with a telling word, else the last one."""
    lines = [line.strip() for line in text[:4000].splitlines() if line.strip()]
    telling = [line for line in lines if _TELLING.search(line)]
    return (telling or lines[-1:] or [""])[0]


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
        changes = _changes(calls, at)
        for change, vary in changes:
            if (call.name, change) not in seen:
                seen.add((call.name, change))
                yield _Seen(trace.trajectory_id, call.name, change, call, vary, len(changes) == 1)


def _changes(calls: Sequence[Call], at: int) -> list[tuple[Change, bool]]:
    """How the first call for the same purpose that worked differs from the failed one; with "only its value does"."""
    failing = calls[at]
    later = [call for call in calls[at + 1 : at + 1 + _SOON] if not (call.failed and call.name == failing.name)]
    for position, call in enumerate(later):
        if call.failed:
            continue
        if call.fingerprint == failing.fingerprint:
            between = [other for other in later[:position] if not other.failed]
            if not between or any(edited(other) for other in between):
                return []
            return [(("first", between[-1].name), False)]
        if call.name == failing.name:
            return _told(failing, call) or _differences(failing, call)
        if _same_purpose(failing, call) and not any(other.name == failing.name for other in calls[at + 1 :]):
            return [(("use", call.name), False)]
    return []


def _told(failing: Call, working: Call) -> list[tuple[Change, bool]]:
    """The command line that worked, where the refusal told it word for word."""
    plain = working.name.removeprefix("$ ")
    given = {str(part) for name, value in working.arguments.items() for part in (name, value)}
    for line in failing.text[:4000].splitlines():
        _, command, rest = line.partition(f"{plain} ")
        words = rest.split()
        if working.name != plain and command and words and set(words) <= given:
            return [(("as told", " ".join((plain, *words))), False)]
    return []


def _differences(failing: Call, working: Call) -> list[tuple[Change, bool]]:
    old, new = failing.arguments, working.arguments
    names = [name for name in {**old, **new} if not name.startswith("#") and old.get(name) != new.get(name)]
    if not names or len(names) > _MOST_CHANGES:
        return []
    line = " ".join(_telling_line(failing.text).split())[:_LONGEST_REFUSAL].translate(_PLAIN)
    asks = line if _ASKING.search(line) else ""
    found = [_difference(name, old, new, asks) for name in names]
    return [(change, vary) for change, vary in found if _is_lesson(change)]


def _is_lesson(change: Change) -> bool:
    """Whether it says what others can do: no name of one thing, no refusal that asks for nothing."""
    return not (change[0] == "set" and _IDENTIFIER.search(change[2])) and change[0] + change[-1] != "heed"


def _difference(name: str, old: Mapping[str, Scalar], new: Mapping[str, Scalar], asks: str) -> tuple[Change, bool]:
    if name not in old:
        return ("pass", name), False
    if name not in new:
        return ("leave out", name), False
    before, after = old[name], new[name]
    if isinstance(before, str) and isinstance(after, str) and pattern(before) != pattern(after):
        named = any(sign.isdigit() for sign in after) and len(after.split()) <= _FORM_WORDS
        if named:
            return ("form", name, pattern(after)[:_FORM]), False
    if isinstance(after, str) and len(after.split()) >= _PROSE_WORDS:
        return ("heed", name, asks), True
    return ("set", name, shown(after)), True


def _same_purpose(failing: Call, other: Call) -> bool:
    """The refusal names the other; or both are tools that share a value, or commands that do and are alike."""
    if failing.name.startswith("$ ") != other.name.startswith("$ "):
        return False
    plain = other.name.removeprefix("$ ")
    program, *actions = plain.split()
    if _names(failing.text, plain):
        return True
    alike = not set(actions).isdisjoint(failing.name.split()[2:])
    if failing.name.startswith("$ "):
        return alike or (_names(failing.text, program) and not _words(failing).isdisjoint(_words(other)))
    return not _words(failing).isdisjoint(_words(other))


def _names(text: str, command: str) -> bool:
    return re.search(rf"(?<![\w-]){re.escape(command)}(?![\w-])", text[:4000]) is not None


def _words(call: Call) -> frozenset[str]:
    texts = [value for value in call.arguments.values() if isinstance(value, str) and len(value) <= 200]
    return frozenset(word for text in texts for word in _WORD.findall(text))


def _fails_anyway(trace: AttemptTrace, seen: _Seen) -> bool:
    """Whether a call that does as the cure says is refused all the same, and for the same reason."""
    return any(
        call.failed
        and _does(call, trace.calls[:at], seen.tool, seen.change)
        and refusal_line(call.text) == seen.refusal
        for at, call in enumerate(trace.calls)
    )


def _works_anyway(trace: AttemptTrace, seen: Sequence[_Seen]) -> bool:
    """Whether a call works in spite of what was changed elsewhere: there it may have failed by chance."""
    first = seen[0]
    failing = {_option(each.failing, first.change) for each in seen}
    return any(
        call.name == first.tool
        and not call.failed
        and _option(call, first.change) in failing
        and not _does(call, trace.calls[:at], first.tool, first.change)
        for at, call in enumerate(trace.calls)
    )


def _taken(trace: AttemptTrace, seen: Sequence[_Seen]) -> str | None:
    """The option that an attempt took first; None where only the cure itself shows that the situation arose."""
    tool, change = seen[0].tool, seen[0].change
    if change[0] in ("use", "heed"):
        return None
    failing = {_option(each.failing, change) for each in seen}
    for at, call in enumerate(trace.calls):
        if _does(call, trace.calls[:at], tool, change):
            return "a"
        if call.name == tool and _option(call, change) in failing:
            return "b"
    return None


def _option(call: Call, change: Change) -> str | None:
    """What a call has in the place that a cure changes; a cure by another call changes none."""
    kind, name, *_ = change
    if kind in ("use", "first", "heed", "as told"):
        return ""
    value = call.arguments.get(name)
    if value is None:
        return None
    return pattern(str(value))[:_FORM] if kind == "form" else "" if kind == "leave out" else shown(value)


def _does(call: Call, before: Sequence[Call], tool: str, change: Change) -> bool:
    kind, name, *rest = change
    if kind == "use":
        return call.name == name
    if call.name != tool:
        return False
    if kind == "first":
        return any(other.name == name for other in before)
    if kind == "heed":
        return not call.failed
    if kind == "as told":
        return {*name.split()} <= {*tool.split(), *(str(part) for pair in call.arguments.items() for part in pair)}
    value = call.arguments.get(name)
    if kind == "pass":
        return value is not None
    if kind == "leave out":
        return value is None
    if value is None:
        return False
    return (pattern(str(value))[:_FORM] if kind == "form" else shown(value)) == rest[0]


def _decision(tool: str, change: Change) -> Decision:
    key = canonical(["cure", tool, list(change)])
    yes, no = _options(change, tool)
    options = (Option("a", yes), Option("b", no), Option(CURED, f"{yes}, only once it has failed otherwise"))
    return Decision(
        id=id_of(key),
        key=key,
        source="grammar",
        situation=f"you are about to {used(tool)}",
        options=options,
        tools=tuple(dict.fromkeys((tool, change[1]) if change[0] in ("use", "first") else (tool,))),
    )


def _options(change: Change, tool: str) -> tuple[str, str]:
    kind, name, *rest = change
    match kind:
        case "pass":
            return f"pass {argument(name)}", f"do not pass {argument(name)}"
        case "leave out":
            return f"do not pass {argument(name)}", f"pass {argument(name)}"
        case "set":
            return f"set {argument(name)} to {rest[0]}", f"set {argument(name)} to something else"
        case "form":
            return (
                f"write {argument(name)} in the form {code(rest[0])} (9 a digit, a or A letters)",
                "write it otherwise",
            )
        case "heed":
            return f"write {argument(name)} {heeded(rest[0])}", f"write {argument(name)} otherwise"
        case "as told":
            return f"run {code(name)}", f"{used(tool)} otherwise"
        case "first":
            return f"{used(name)} first", f"{used(tool)} straight away"
    return f"{used(name)} instead", f"{used(tool)} all the same"
