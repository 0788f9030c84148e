"""Numbers that are computed: from two others, rounded, or in steps."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import combinations

from explib_learner.grammar.families.provenance import named, numbers_beside, sources
from explib_learner.grammar.family import Phrase, PredicateFamily, Readings, merged
from explib_learner.grammar.keys import Names, Test
from explib_learner.grammar.reading import Instance, Reading, calls_of
from explib_learner.writing.templates import argument, shown, used

_MOST_SOURCES = 14
_STEPS = (1.0, 5.0, 10.0, 50.0, 100.0)
_NEAR = 1e-6
_SIGNS = {"product": "times", "sum": "plus", "difference": "minus", "quotient": "divided by", "reverse": "under"}


class Computed(PredicateFamily):
    """(tool, argument, operation, length of the first fact, facts…): a number made of two others."""

    name, rank, cuts = "computed", 3, False

    def read(self, reading: Reading) -> Readings:
        """`exact`, `up` or `down` where an operation gives the number, as it is or rounded."""
        return merged(self._pairs(reading))

    def _pairs(self, reading: Reading) -> Iterator[tuple[Names, Instance]]:
        for at, call in enumerate(reading.trace.calls):
            for name, number in call.arguments.items():
                if not isinstance(number, float) or abs(number) <= 1:
                    continue
                facts = [(fact, value) for fact, value in sources(reading, at, name) if _useful(value)]
                for (one, a), (two, b) in combinations(facts[:_MOST_SOURCES], 2):
                    for operation, result in _results(float(a), float(b)):
                        how = _rounded(number, result)
                        if how:
                            yield (call.name, name, operation, str(len(one)), *one, *two), Instance(how, at)

    def absent(self, names: Names, reading: Reading) -> Sequence[Instance]:
        """`other` where all three numbers are there."""
        one, two = _facts(names)
        return [
            Instance("other", at)
            for at, call in calls_of(reading, names[0])
            if isinstance(call.arguments.get(names[1]), float)
            and _useful(reading.facts(at).get(one))
            and _useful(reading.facts(at).get(two))
        ]

    def phrase(self, names: Names, test: Test) -> Phrase:
        """Words for a computation."""
        one, two = _facts(names)
        operation = names[2]
        first, second = (named(two), named(one)) if operation == "reverse" else (named(one), named(two))
        sign = _SIGNS["quotient" if operation == "reverse" else operation]
        rounding = {"up": ", rounded up", "down": ", rounded down"}.get(str(test.value), "")
        made = f"{first} {sign} {second}{rounding}"
        subject = argument(names[1])
        if test.value == "other":
            return Phrase(f"you {used(names[0])}", f"do not pass {made} as {subject}", f"pass {made} as {subject}")
        return Phrase(f"you {used(names[0])}", f"pass {made} as {subject}", f"do not pass {made} as {subject}")


def _useful(value: object) -> bool:
    return isinstance(value, float) and abs(value) not in (0.0, 1.0)


def _facts(names: Names) -> tuple[Names, Names]:
    length = int(names[3])
    return names[4 : 4 + length], names[4 + length :]


def _results(a: float, b: float) -> Iterator[tuple[str, float]]:
    yield "product", a * b
    yield "sum", a + b
    yield "difference", a - b
    yield "quotient", a / b
    yield "reverse", b / a


def _rounded(number: float, result: float) -> str | None:
    if math.isclose(number, result, rel_tol=_NEAR):
        return "exact"
    if abs(result) > 1e9 or number != round(number) or abs(number - result) >= 1:
        return None
    return "up" if number > result else "down"


class Rounded(PredicateFamily):
    """(tool, argument, fact…): a broken number of an answer is passed as it is, rounded up or down."""

    name, rank, cuts = "rounded", 1, False

    def read(self, reading: Reading) -> Readings:
        """`kept`, `up` or `down`."""
        return merged(
            (names, Instance("kept" if number == source else how, at))
            for names, number, source, at in numbers_beside(reading)
            if source % 1 and (how := _rounded(number, source))
        )

    def phrase(self, names: Names, test: Test) -> Phrase:
        """Words for rounding."""
        subject, source = argument(names[1]), named(names[2:])
        situation = f"you {used(names[0])} and {source} is no whole number"
        if test.value == "kept":
            return Phrase(situation, f"pass it unrounded as {subject}", f"round it in {subject}")
        return Phrase(situation, f"round it {test.value} in {subject}", f"do not round it {test.value} in {subject}")


class Steps(PredicateFamily):
    """(tool, argument, step): the number is a multiple of the step."""

    name, rank, cuts = "steps", 3, False

    def read(self, reading: Reading) -> Readings:
        """True or False for every step."""
        return merged(
            ((call.name, name, shown(step)), Instance(number % step == 0, at))
            for at, call in enumerate(reading.trace.calls)
            for name, number in call.arguments.items()
            if isinstance(number, float) and not name.startswith("#")
            for step in _STEPS
        )

    def phrase(self, names: Names, test: Test) -> Phrase:
        """Words for a step."""
        subject = argument(names[1])
        what = "a whole number" if names[2] == "1" else f"a multiple of {names[2]}"
        return Phrase(f"you {used(names[0])}", f"make {subject} {what}", f"do not make {subject} {what}")
