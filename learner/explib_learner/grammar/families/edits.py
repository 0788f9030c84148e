"""Files: which kinds are changed, and what is done before and after a change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from explib_learner.grammar.family import Phrase, PredicateFamily, Readings, merged
from explib_learner.grammar.keys import Names, Test
from explib_learner.grammar.reading import WHOLE, Instance, Reading
from explib_learner.writing.templates import code, used


class Changed(PredicateFamily):
    """(kind): a file of the kind is changed."""

    name, rank, cuts = "changed", 2, False

    def read(self, reading: Reading) -> Readings:
        """True for each kind that is."""
        return {(kind,): [Instance(True, WHOLE)] for kind in reading.changes}

    def absent(self, names: Names, reading: Reading) -> Sequence[Instance]:
        """False where any file was changed."""
        return [Instance(False, WHOLE)] if reading.changes else ()

    def phrase(self, names: Names, test: Test) -> Phrase:
        """Words for a kind of file."""
        return Phrase("you change files", f"change {code(names[0])} too", f"leave {code(names[0])} as it is")


class AroundChange(PredicateFamily):
    """(before | after, kind, tool): a tool or command is used before the first, after the last change of the kind."""

    name, rank, cuts = "around change", 1, False

    def read(self, reading: Reading) -> Readings:
        """True for each tool so used."""
        return merged(self._pairs(reading))

    def _pairs(self, reading: Reading) -> Iterator[tuple[Names, Instance]]:
        for kind, (first, last) in reading.changes.items():
            for tool, at in reading.first.items():
                if at < first:
                    yield ("before", kind, tool), Instance(True, first)
            for tool, at in reading.last.items():
                if at > last:
                    yield ("after", kind, tool), Instance(True, last)

    def absent(self, names: Names, reading: Reading) -> Sequence[Instance]:
        """False where a file of the kind was changed."""
        side, kind, _ = names
        places = reading.changes.get(kind)
        return () if places is None else [Instance(False, places[0] if side == "before" else places[1])]

    def phrase(self, names: Names, test: Test) -> Phrase:
        """Words for what surrounds a change."""
        side, kind, tool = names
        what = f"you change {code(kind)}" if kind else "you change files"
        when = "before it" if side == "before" else "after the last change"
        return Phrase(what, f"{used(tool)} {when}", f"do not {used(tool)} {when}")
