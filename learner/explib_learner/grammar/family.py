"""The seam of the grammar: a family of predicates reads values from a trace and knows the words for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from explib_learner.grammar.keys import Names, Test
from explib_learner.grammar.reading import Instance, Reading

Readings: TypeAlias = Mapping[Names, Sequence[Instance]]


@dataclass(frozen=True, slots=True)
class Phrase:
    """The words for a test: the situation as it follows "When", and both options as commands."""

    situation: str
    yes: str
    no: str


class PredicateFamily(Protocol):
    """A kind of predicate. One added later is a class in a module of `families/` and a line in the catalogue."""

    name: str
    rank: int
    """Plainness, 0 the plainest: of equal splits the plainest describes them."""
    cuts: bool
    """True where numbers are compared with bounds, False where only recurring values count."""

    def read(self, reading: Reading) -> Readings:
        """Read all values that one attempt shows, by the names that they are about."""
        ...

    def absent(self, names: Names, reading: Reading) -> Sequence[Instance]:
        """Read the values of the calls that don't show these names; none unless a family says otherwise."""
        return ()

    def phrase(self, names: Names, test: Test) -> Phrase:
        """Put a test of these names into words."""
        ...


def merged(pairs: Iterable[tuple[Names, Instance]]) -> dict[Names, list[Instance]]:
    """Collect instances under their names."""
    readings: dict[Names, list[Instance]] = {}
    for names, instance in pairs:
        readings.setdefault(names, []).append(instance)
    return readings
