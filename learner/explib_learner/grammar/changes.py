"""How a call that worked differs from the one that failed: what it is, whether a call does it, and in words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from explib_learner.checks.names import heeded
from explib_learner.grammar.families.textual import pattern
from explib_learner.grammar.files import edited
from explib_learner.grammar.records import Scalar
from explib_learner.grammar.refusals import asked_in
from explib_learner.grammar.trace import Call
from explib_learner.writing.templates import argument, code, shown, used

Change: TypeAlias = tuple[str, ...]
"""(pass, argument) · (leave out, argument) · (set, argument, value) · (form, argument, pattern) · (heed, argument,
what the refusal asks) · (as told, command line) · (use, tool) · (first, tool)."""

_SOON = 4
"""Calls after a failure among which its cure is looked for."""
_MOST_CHANGES = 2
_FORM, _FORM_WORDS = 40, 3
_PROSE_WORDS = 3
"""Words from which a value is a text of the one task: not it is the lesson, but what its refusal asks for."""
_IDENTIFIER = re.compile(r"\d{3}")
"""Marks values that name one thing: they are data of a task, no lesson for others."""
_WORD = re.compile(r"[\w./:@+=-]{3,}")


def changes_of(calls: Sequence[Call], at: int) -> list[tuple[Change, bool]]:
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
    if working.name == plain:
        return []
    given = {str(part) for name, value in working.arguments.items() for part in (name, value)}
    for line in failing.text[:4000].splitlines():
        _, command, rest = line.partition(f"{plain} ")
        words = rest.split()
        if command and words and set(words) <= given:
            return [(("as told", " ".join((plain, *words))), False)]
    return []


def _differences(failing: Call, working: Call) -> list[tuple[Change, bool]]:
    old, new = failing.arguments, working.arguments
    names = [name for name in {**old, **new} if not name.startswith("#") and old.get(name) != new.get(name)]
    if not names or len(names) > _MOST_CHANGES:
        return []
    asks = asked_in(failing.text)
    found = [_difference(name, old, new, asks) for name in names]
    return [(change, vary) for change, vary in found if _is_lesson(change)]


def _is_lesson(change: Change) -> bool:
    """Whether it says what others can do: no name of one thing, no refusal that asks for nothing."""
    kind, *_, told = change
    return not _IDENTIFIER.search(told) if kind == "set" else kind != "heed" or told != ""


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


def option_of(call: Call, change: Change) -> str | None:
    """What a call has in the place that a cure changes; a cure by another call changes none."""
    kind, name, *_ = change
    if kind in ("use", "first", "heed", "as told"):
        return ""
    value = call.arguments.get(name)
    if value is None:
        return None
    return pattern(str(value))[:_FORM] if kind == "form" else "" if kind == "leave out" else shown(value)


def does(call: Call, before: Sequence[Call], tool: str, change: Change) -> bool:
    """Whether a call, behind those `before` it, does as the change says."""
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
    if kind in ("pass", "leave out"):
        return (call.arguments.get(name) is None) == (kind == "leave out")
    return option_of(call, change) == rest[0]


def options_of(change: Change, tool: str) -> tuple[str, str]:
    """What worked and what did not, as commands."""
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
