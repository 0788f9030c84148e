"""Predicates of the grammar as a model writes them: `before(get_rate, book)`, `value(book, seats) >= ? if word(group)`.

The names may be fewer than the grammar's own, and paths shorter: what is left out is filled in from what attempts show.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from explib.models.decisions import Decision, DecisionSource
from explib_learner.grammar.catalogue import FAMILIES
from explib_learner.grammar.coding import instances, letter, readings_of
from explib_learner.grammar.grammar import decision_of
from explib_learner.grammar.keys import OPEN, TRUE, Condition, Names, Predicate, Test, TestKind
from explib_learner.grammar.reading import ARGUMENT, FIELD, TASK, WORD, Reading
from explib_learner.grammar.records import Scalar

_CONDITION = re.compile(rf"\s+(?:if|when)\s+(?=(?:not\s+)?(?:{FIELD}|{ARGUMENT}|{WORD}|{TASK})\s*\()")
_TEST = re.compile(r"(!=|>=|<|==?)\s*(.+)", re.DOTALL)
_KINDS: dict[str, TestKind] = {"=": "is", "==": "is", "!=": "not", ">=": "least", "<": "below"}
_QUOTES = "`'\" "
_UNNAMED = {("extreme", "place"): "", ("source", "task"): "", ("beside", "none"): ""}
"""Words for what the grammar leaves empty."""
_BAD_NAMES = (ValueError, IndexError, KeyError, TypeError)
"""What a family raises that is given names or a value of another form than its own."""


def decision_in_code(text: str, source: DecisionSource, readings: Sequence[Reading]) -> Decision:
    """The decision that a written predicate is, in the words of its family; its id is its key, as of other new ones.

    Raises ValueError, with the reason, for a text that is no predicate or that splits none of the attempts.
    """
    predicate = _filled_in(_read(text), readings)
    try:
        decision = decision_of(predicate)
        splits = _has_bounds(predicate, readings) if predicate.is_open else _varies(predicate, readings)
    except _BAD_NAMES as error:
        raise ValueError(f"`{text}` has other names or another value than `{predicate.family}` takes") from error
    if not splits:
        raise ValueError(f"`{text}` never varies")
    return replace(decision, id=decision.key, source=source)


def _read(text: str) -> Predicate:
    """A predicate by its parts, with the names as they are written."""
    main, *rest = _CONDITION.split(text.strip().strip("`"), maxsplit=1)
    family, names, test = _parts(main)
    if family not in FAMILIES:
        raise ValueError(f"`{text}` is of no family that there is")
    named = tuple(_UNNAMED.get((family, name), name) for name in names)
    asked = test or TRUE
    positive = asked.opposite if asked.kind in ("not", "below") else asked
    return Predicate(family, named, positive, _condition(rest[0]) if rest else None)


def _condition(text: str) -> Condition:
    plain = text.strip().removeprefix("not ")
    kind, names, test = _parts(plain)
    fact = (kind, *(name.casefold() if kind in (WORD, TASK) else name for name in names))
    asked = test or TRUE
    return Condition(fact, asked if plain == text.strip() else asked.opposite)


def _parts(text: str) -> tuple[str, list[str], Test | None]:
    """`family(name, kind(name, …)) = value` in its parts; inner brackets only make names easier to read."""
    head, opened, tail = text.partition("(")
    end = _closing(tail)
    if not opened or end is None:
        raise ValueError(f"`{text}` has not the form `family(name, …)`")
    names = [name.strip(_QUOTES) for name in re.split(r"[(),]", tail[:end])]
    said = tail[end + 1 :].strip()
    test = _TEST.fullmatch(said)
    if said and test is None:
        raise ValueError(f"`{text}` must end with its brackets, or with =, != , >= or < and a value")
    asked = Test(_KINDS[test[1]], _value(test[2], test[1])) if test else None
    return head.strip().casefold().replace("_", " "), [name for name in names if name], asked


def _closing(text: str) -> int | None:
    depth = 1
    for at, sign in enumerate(text):
        depth += (sign == "(") - (sign == ")")
        if depth == 0:
            return at
    return None


def _value(text: str, operator: str) -> Scalar:
    plain = text.strip().strip("`")
    if plain == OPEN:
        if operator not in (">=", "<"):
            raise ValueError("only a bound may be left open")
        return OPEN
    try:
        value = json.loads(plain)
    except ValueError:
        value = plain.strip(_QUOTES)
    if isinstance(value, bool | str):
        return value
    if isinstance(value, int | float):
        return float(value)
    raise ValueError(f"`{text}` is no value that can be compared")


def _filled_in(predicate: Predicate, readings: Sequence[Reading]) -> Predicate:
    """The same with the names that attempts show for what is meant."""
    family = FAMILIES[predicate.family]
    shown = (names for reading in readings for names in readings_of(family, reading))
    predicate = replace(predicate, names=_meant(predicate.names, shown))
    condition = predicate.condition
    if condition is None or condition.fact[0] != FIELD:
        return predicate
    facts = (fact for reading in readings for at in _anchors(predicate, reading) for fact in reading.facts(at))
    return replace(predicate, condition=Condition(_meant(condition.fact, facts), condition.test))


def _anchors(predicate: Predicate, reading: Reading) -> set[int]:
    try:
        return {instance.anchor for instance in instances(predicate.family, predicate.names, reading)}
    except _BAD_NAMES:
        return set()  # the names are refused with the decision's words


def _meant(said: Names, shown: Iterable[Names]) -> Names:
    """The names that most attempts show among those that have what is said in its order; else what is said."""
    fitting = Counter(names for names in shown if _fits(said, names))
    return min(fitting, key=lambda names: (names != said, -fitting[names], len(names), names), default=said)


def _fits(said: Names, names: Names) -> bool:
    """Whether the names begin and end with what is said, and have the rest of it between in its order."""
    if not said or not names or said[0] != names[0] or not _names(said[-1], names[-1]):
        return False
    left = list(said)
    for name in names:
        if left and _names(left[0], name):
            left.pop(0)
    return not left


def _names(said: str, name: str) -> bool:
    """Whether a name, or the end of a path, is what is said."""
    return said == name or (bool(said) and name.endswith((f".{said}", f"[].{said}")))


def _varies(predicate: Predicate, readings: Sequence[Reading]) -> bool:
    return {"a", "b"} <= {letter(predicate, reading) for reading in readings}


def _has_bounds(predicate: Predicate, readings: Sequence[Reading]) -> bool:
    return all(len(values) > 1 for values in open_values(predicate, readings))


def open_values(predicate: Predicate, readings: Sequence[Reading]) -> list[frozenset[float]]:
    """The numbers among which each open bound is to be cut: of the test, then of the condition."""
    found = [
        (instance, reading)
        for reading in readings
        for instance in instances(predicate.family, predicate.names, reading)
    ]
    condition = predicate.condition
    values: list[frozenset[float]] = []
    if predicate.test.value == OPEN:
        values.append(frozenset(each.value for each, _ in found if isinstance(each.value, float)))
    if condition is not None and condition.test.value == OPEN:
        facts = (reading.facts(each.anchor).get(condition.fact) for each, reading in found)
        values.append(frozenset(value for value in facts if isinstance(value, float)))
    return values
