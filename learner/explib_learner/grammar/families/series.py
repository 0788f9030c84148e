"""The order in which one tool is used on several things."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from explib_learner.grammar.family import Phrase, PredicateFamily, Readings, merged
from explib_learner.grammar.keys import Names, Test
from explib_learner.grammar.reading import ARGUMENT, FIELD, Instance, Reading, calls_of
from explib_learner.grammar.records import Scalar
from explib_learner.writing.templates import argument, field, shown, used


class Sorted(PredicateFamily):
    """(tool, fact…): over its uses, an argument or a field of what they concern rises, falls or does neither."""

    name, rank, cuts = "sorted", 2, False

    def read(self, reading: Reading) -> Readings:
        """The direction, where the values differ."""
        return merged(self._pairs(reading))

    def _pairs(self, reading: Reading) -> Iterator[tuple[Names, Instance]]:
        for tool, places in reading.of.items():
            if len(places) < 2:
                continue
            known = [reading.facts(at) for at in places]
            for fact in known[0]:
                if fact[0] in (FIELD, ARGUMENT) and all(fact in facts for facts in known):
                    direction = _direction([facts[fact] for facts in known])
                    if direction:
                        yield (tool, *fact), Instance(direction, places[0])

    def phrase(self, names: Names, test: Test) -> Phrase:
        """Words for a direction."""
        tool, kind, *rest = names
        by = field(rest[0], rest[1]) if kind == FIELD else f"its {argument(rest[0])}"
        how = {"rises": "lowest first", "falls": "highest first"}.get(str(test.value), "in mixed order")
        return Phrase(f"you {used(tool)} several times", f"go by {by}, {how}", f"do not go by {by}, {how}")


class Opening(PredicateFamily):
    """(tool, fact…): the value at the first of several uses."""

    name, rank, cuts = "opening", 3, False

    def read(self, reading: Reading) -> Readings:
        """The first value of an argument or field that differs between the uses."""
        return merged(self._pairs(reading))

    def _pairs(self, reading: Reading) -> Iterator[tuple[Names, Instance]]:
        for tool in reading.of:
            calls = calls_of(reading, tool)
            for name, value in calls[0][1].arguments.items() if len(calls) > 1 else ():
                if len({call.arguments.get(name) for _, call in calls}) > 1:
                    yield (tool, name), Instance(value, calls[0][0])

    def phrase(self, names: Names, test: Test) -> Phrase:
        """Words for a beginning."""
        subject = f"{argument(names[1])} {shown(test.value)}"
        return Phrase(f"you {used(names[0])} several times", f"begin with {subject}", f"do not begin with {subject}")


def _direction(values: Sequence[Scalar]) -> str | None:
    numbers = [value for value in values if isinstance(value, float)]
    texts = [value for value in values if isinstance(value, str)]
    if len(numbers) == len(values) and len(set(numbers)) > 1:
        steps = [later - earlier for earlier, later in pairwise(numbers)]
    elif len(texts) == len(values) and len(set(texts)) > 1:
        steps = [float((later > earlier) - (later < earlier)) for earlier, later in pairwise(texts)]
    else:
        return None
    if all(step >= 0 for step in steps):
        return "rises"
    return "falls" if all(step <= 0 for step in steps) else "mixed"
