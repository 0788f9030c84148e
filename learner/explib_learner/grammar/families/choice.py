"""Which row of a list was chosen: by its place, by a column's extreme, by the value of a column."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from explib_learner.grammar.family import Phrase, PredicateFamily, Readings, merged
from explib_learner.grammar.keys import Names, Test
from explib_learner.grammar.reading import ARGUMENT, TASK, Instance, Reading
from explib_learner.grammar.records import Scalar
from explib_learner.writing.templates import argument, code, compared


class Extreme(PredicateFamily):
    """(tool, argument, lister, list, column): the chosen row is lowest, highest or neither; column "" is the place."""

    name, rank, cuts = "extreme", 1, False

    def read(self, reading: Reading) -> Readings:
        """The rank among the rows, for columns that differ in them."""
        return merged(self._pairs(reading))

    def _pairs(self, reading: Reading) -> Iterator[tuple[Names, Instance]]:
        for at, tool, name, lister, rows, row in reading.choices:
            place = rows.rows.index(row)
            where = "lowest" if place == 0 else "highest" if place == len(rows.rows) - 1 else "between"
            yield (tool, name, lister, rows.path, ""), Instance(where, at)
            for column, value in row.items():
                rank = _rank(value, [other[column] for other in rows.rows if column in other])
                if rank:
                    yield (tool, name, lister, rows.path, column), Instance(rank, at)

    def phrase(self, names: Names, test: Test) -> Phrase:
        """Words for a choice."""
        tool, name, lister, _, column = names
        situation = _situation(tool, name, lister)
        if column:
            which = {"lowest": "the lowest", "highest": "the highest"}.get(str(test.value), "a middle")
            what = f"the one with {which} {code(column)}"
        else:
            which = {"lowest": "the first", "highest": "the last"}.get(str(test.value), "a middle one")
            what = f"{which} in the list"
        return Phrase(situation, f"take {what}", f"do not simply take {what}")


def _situation(tool: str, name: str, lister: str) -> str:
    return f"you choose {argument(name)} for {code(tool)} from {code(lister)}"


def _rank(value: Scalar, column: Sequence[Scalar]) -> str | None:
    if isinstance(value, bool):
        return None
    kind = str if isinstance(value, str) else float
    others = [other for other in column if isinstance(other, kind) and not isinstance(other, bool)]
    if len(others) < 2 or len(set(others)) < 2 or (kind is str and not str(value)[:1].isdigit()):
        return None
    ordered = sorted(others, key=str) if kind is str else sorted(others, key=float)
    if value == ordered[0]:
        return "lowest"
    return "highest" if value == ordered[-1] else "between"


class Chosen(PredicateFamily):
    """(tool, argument, lister, list, column): the value that the chosen row has in a column where rows differ."""

    name, rank, cuts = "chosen", 2, True

    def read(self, reading: Reading) -> Readings:
        """The value."""
        return merged(
            ((tool, name, lister, rows.path, column), Instance(value, at))
            for at, tool, name, lister, rows, row in reading.choices
            for column, value in row.items()
            if len({other.get(column) for other in rows.rows}) > 1
        )

    def phrase(self, names: Names, test: Test) -> Phrase:
        """Words for a property of the chosen."""
        tool, name, lister, _, column = names
        situation = _situation(tool, name, lister)
        return Phrase(
            situation,
            f"take one whose {code(column)} {compared(test)}",
            f"take one whose {code(column)} {compared(test.opposite)}",
        )


class Margin(PredicateFamily):
    """(tool, argument, lister, list, column, fact…): the chosen row's number minus one asked for."""

    name, rank, cuts = "margin", 2, True

    def read(self, reading: Reading) -> Readings:
        """The difference to each other number of the call and of the task."""
        return merged(self._pairs(reading))

    def _pairs(self, reading: Reading) -> Iterator[tuple[Names, Instance]]:
        for at, tool, name, lister, rows, row in reading.choices:
            asked = [(fact, value) for fact, value in reading.facts(at).items() if fact[0] in (ARGUMENT, TASK)]
            for column, value in row.items():
                if isinstance(value, float):
                    for fact, other in asked:
                        if isinstance(other, float):
                            yield (tool, name, lister, rows.path, column, *fact), Instance(value - other, at)

    def phrase(self, names: Names, test: Test) -> Phrase:
        """Words for room to spare."""
        tool, name, lister, _, column, *fact = names
        situation = _situation(tool, name, lister)
        asked = argument(fact[1]) if fact[0] == ARGUMENT else f"the task's {code(fact[1])}"
        value = test.value if isinstance(test.value, float) else 0.0
        base = asked if not value else f"{asked} {'plus' if value > 0 else 'minus'} {abs(value):.10g}"
        at, below = ("equal to", "other than") if test.kind == "is" else ("at least", "below")
        return Phrase(
            situation, f"take one with {code(column)} {at} {base}", f"take one with {code(column)} {below} {base}"
        )
