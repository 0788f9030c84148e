"""Which option of a predicate an attempt took: by code, exact, blind to the reward."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

from explib_learner.grammar.catalogue import FAMILIES
from explib_learner.grammar.family import PredicateFamily, Readings
from explib_learner.grammar.keys import Condition, Names, Predicate, Test, predicate_of
from explib_learner.grammar.reading import WORD, Facts, Instance, Reading

Letter: TypeAlias = Literal["a", "b"]


def readings_of(family: PredicateFamily, reading: Reading) -> Readings:
    """All that a family reads from an attempt, read once."""
    if family.name not in reading.memo:
        reading.memo[family.name] = family.read(reading)
    return reading.memo[family.name]


def instances(family_name: str, names: Names, reading: Reading) -> Sequence[Instance]:
    """The values that an attempt shows of a family's names. Raises ValueError for a family that doesn't exist."""
    family = FAMILIES.get(family_name)
    if family is None:
        raise ValueError(f"the grammar has no family {family_name!r}: name the decisions again")
    found = readings_of(family, reading).get(names, ())
    return [*found, *_rest(found, family.absent(names, reading))]


def _rest(found: Sequence[Instance], absent: Sequence[Instance]) -> list[Instance]:
    """Calls that showed nothing, beside those of the same attempt that did."""
    anchors = {instance.anchor for instance in found}
    return [instance for instance in absent if instance.anchor not in anchors]


def predicate_in(key: str) -> Predicate | None:
    """The predicate that a decision's key is, whoever named it; None where the decision is in words or a cure."""
    try:
        predicate = predicate_of(key)
    except ValueError:
        return None
    return predicate if predicate.family in FAMILIES else None


def is_coded(key: str) -> bool:
    """Whether a decision's key is a predicate that codes attempts."""
    predicate = predicate_in(key)
    return predicate is not None and not predicate.is_open


def letter(predicate: Predicate, reading: Reading) -> Letter | None:
    """The option of most calls that met the situation; None where none met it, or as many took either."""
    found = instances(predicate.family, predicate.names, reading)
    return majority(predicate.test, within(predicate.condition, found, reading))


def within(condition: Condition | None, found: Sequence[Instance], reading: Reading) -> Sequence[Instance]:
    """The instances at which a condition holds."""
    if condition is None:
        return found
    return [instance for instance in found if holds(condition, instance.anchor, reading)]


def holds(condition: Condition, anchor: int, reading: Reading) -> bool:
    """Whether a condition holds at a call."""
    return holds_of(condition, reading.facts(anchor))


def holds_of(condition: Condition, facts: Facts) -> bool:
    """Whether a condition holds of facts; a word that the task doesn't say is a fact too, a missing field is none."""
    value = facts.get(condition.fact)
    if value is None:
        return condition.fact[0] == WORD and condition.test.kind == "not"
    return condition.test.holds(value)


def majority(test: Test, found: Sequence[Instance]) -> Letter | None:
    """The answer of most instances, None on a tie or without any."""
    yes = sum(test.holds(instance.value) for instance in found)
    if 2 * yes == len(found):
        return None
    return "a" if 2 * yes > len(found) else "b"
