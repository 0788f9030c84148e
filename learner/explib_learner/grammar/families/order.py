"""Which tools are used, how often, in which order and in whose place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from explib_learner.grammar.family import Phrase, PredicateFamily, Readings, merged
from explib_learner.grammar.keys import Names, Test
from explib_learner.grammar.reading import WHOLE, Instance, Reading
from explib_learner.writing.templates import shown, used


class Used(PredicateFamily):
    """(tool): the attempt uses it at all."""

    name, rank, cuts = "used", 3, False

    def read(self, reading: Reading) -> Readings:
        """True for each tool that was used."""
        return {(tool,): [Instance(True, WHOLE)] for tool in reading.first}

    def absent(self, names: Names, reading: Reading) -> Sequence[Instance]:
        """False: it could have been used."""
        return [Instance(False, WHOLE)]

    def phrase(self, names: Names, test: Test) -> Phrase:
        """Words for use and non-use."""
        return Phrase("you work on such a task", f"{used(names[0])} before you finish", f"do not {used(names[0])}")


class Before(PredicateFamily):
    """(a, b): where b is used, a is used before its first use."""

    name, rank, cuts = "before", 0, False

    def read(self, reading: Reading) -> Readings:
        """True for each pair in that order."""
        pairs = reading.first.items()
        return {(a, b): [Instance(True, at)] for b, at in pairs for a, earlier in pairs if earlier < at}

    def absent(self, names: Names, reading: Reading) -> Sequence[Instance]:
        """False where b was used."""
        at = reading.first.get(names[1])
        return () if at is None or names[0] == names[1] else [Instance(False, at)]

    def phrase(self, names: Names, test: Test) -> Phrase:
        """Words for the order."""
        a, b = map(used, names)
        return Phrase(f"you {b}", f"{a} first", f"do not {a} before it")


class After(PredicateFamily):
    """(a, b): where b is used, a is used after its last use."""

    name, rank, cuts = "after", 0, False

    def read(self, reading: Reading) -> Readings:
        """True for each pair in that order."""
        pairs = reading.last.items()
        return {(a, b): [Instance(True, at)] for b, at in pairs for a, later in pairs if later > at}

    def absent(self, names: Names, reading: Reading) -> Sequence[Instance]:
        """False where b was used."""
        at = reading.last.get(names[1])
        return () if at is None or names[0] == names[1] else [Instance(False, at)]

    def phrase(self, names: Names, test: Test) -> Phrase:
        """Words for what follows."""
        a, b = map(used, names)
        return Phrase(f"you {b}", f"{a} afterwards", f"do not {a} afterwards")


class Precedes(PredicateFamily):
    """(a, b): where both are used, the first use of a comes before that of b."""

    name, rank, cuts = "precedes", 0, False

    def read(self, reading: Reading) -> Readings:
        """One instance for each pair in alphabetical order."""
        tools = sorted(reading.first.items())
        pairs = [(a, i, b, j) for a, i in tools for b, j in tools if a < b]
        return {(a, b): [Instance(i < j, max(i, j))] for a, i, b, j in pairs}

    def phrase(self, names: Names, test: Test) -> Phrase:
        """Words for either order."""
        a, b = map(used, names)
        return Phrase(f"you {a} and {b}", f"{a} first, then the other", f"{b} first, then the other")


class Beside(PredicateFamily):
    """(previous | next, tool): the tool used right before the first, or right after the last use of it."""

    name, rank, cuts = "beside", 2, False

    def read(self, reading: Reading) -> Readings:
        """The name of the neighbour, empty at the ends."""
        return merged(self._neighbours(reading))

    def _neighbours(self, reading: Reading) -> Iterator[tuple[Names, Instance]]:
        calls = reading.trace.calls
        for tool, at in reading.first.items():
            yield ("previous", tool), Instance(calls[at - 1].name if at else "", at)
        for tool, at in reading.last.items():
            yield ("next", tool), Instance(calls[at + 1].name if at + 1 < len(calls) else "", at)

    def phrase(self, names: Names, test: Test) -> Phrase:
        """Words for what stands right beside."""
        side, tool = names
        if not test.value:
            first = "first" if side == "previous" else "last"
            return Phrase(f"you {used(tool)}", f"make it your {first} call", f"do not make it your {first} call")
        where = "right before it" if side == "previous" else "right after it"
        other = used(str(test.value))
        return Phrase(f"you {used(tool)}", f"{other} {where}", f"do not {other} {where}")


class Times(PredicateFamily):
    """(tool): how often it is used."""

    name, rank, cuts = "times", 1, True

    def read(self, reading: Reading) -> Readings:
        """The number of uses of each tool."""
        return {(tool,): [Instance(float(len(places)), places[0])] for tool, places in reading.of.items()}

    def phrase(self, names: Names, test: Test) -> Phrase:
        """Words for a number of uses."""
        count = shown(test.value)
        yes = f"do so exactly {count} times" if test.kind == "is" else f"do so at least {count} times"
        no = f"do not do so exactly {count} times" if test.kind == "is" else f"do so fewer than {count} times"
        if test.value == 2.0 and test.kind == "least":
            yes, no = "do so more than once", "do so only once"
        if test.value == 1.0 and test.kind == "is":
            yes, no = "do so only once", "do so more than once"
        return Phrase(f"you {used(names[0])}", yes, no)


class Instead(PredicateFamily):
    """(a, b): one of two tools that take the same arguments is used, never both: it is a."""

    name, rank, cuts = "instead", 0, False

    def read(self, reading: Reading) -> Readings:
        """Nothing: the pairs are those of tools with alike arguments in all attempts, which `candidates` finds."""
        return {}

    def absent(self, names: Names, reading: Reading) -> Sequence[Instance]:
        """Which of both was used; not met where none or both were."""
        a, b = (reading.first.get(name) for name in names)
        if (a is None) == (b is None):
            return ()
        return [Instance(a is not None, a if a is not None else b or 0)]

    def phrase(self, names: Names, test: Test) -> Phrase:
        """Words for the alternative."""
        a, b = map(used, names)
        return Phrase(f"you could {a} or {b}", a, b)


class Together(PredicateFamily):
    """(tool): several uses of it are made in one message."""

    name, rank, cuts = "together", 2, False

    def read(self, reading: Reading) -> Readings:
        """True where two uses share a message, for tools used twice or more."""
        calls = reading.trace.calls
        return {
            (tool,): [Instance(len({calls[at].step for at in places}) < len(places), places[0])]
            for tool, places in reading.of.items()
            if len(places) > 1
        }

    def phrase(self, names: Names, test: Test) -> Phrase:
        """Words for a batch."""
        return Phrase(f"you {used(names[0])} several times", "do it in one message", "do it one message at a time")


class Ends(PredicateFamily):
    """(first | last): the tool of the first or last call."""

    name, rank, cuts = "ends", 2, False

    def read(self, reading: Reading) -> Readings:
        """Names of the tools at both ends."""
        calls = reading.trace.calls
        if not calls:
            return {}
        return {("first",): [Instance(calls[0].name, WHOLE)], ("last",): [Instance(calls[-1].name, WHOLE)]}

    def phrase(self, names: Names, test: Test) -> Phrase:
        """Words for an end."""
        tool = used(str(test.value))
        if names[0] == "first":
            return Phrase("you start", f"{tool} first of all", f"do not {tool} first of all")
        return Phrase("you finish", f"{tool} last", f"do not {tool} last")
