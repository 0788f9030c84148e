"""Looking at the thing itself before and after it is changed."""

from __future__ import annotations

from collections.abc import Sequence

from explib_learner.grammar.family import Phrase, PredicateFamily, Readings, merged
from explib_learner.grammar.keys import Names, Test
from explib_learner.grammar.reading import Instance, Reading, calls_of
from explib_learner.grammar.trace import Call
from explib_learner.writing.templates import used


class Concerning(PredicateFamily):
    """(before | after, a, b): around a use of b, a is used on a thing that b names too."""

    name, rank, cuts = "concerning", 1, False

    def read(self, reading: Reading) -> Readings:
        """True or False for each pair of tools of which one use names the same thing."""
        calls = reading.trace.calls
        named = [(at, call, _things(call)) for at, call in enumerate(calls)]
        pairs = {
            ("before" if i < j else "after", one.name, two.name)
            for i, one, mine in named
            for j, two, others in named
            if one.name != two.name and not mine.isdisjoint(others)
        }
        return merged((pair, instance) for pair in pairs for instance in self.absent(pair, reading))

    def absent(self, names: Names, reading: Reading) -> Sequence[Instance]:
        """One instance for each use of b that names a thing."""
        side, a, b = names
        others = [(at, _things(call)) for at, call in calls_of(reading, a)]
        return [
            Instance(
                any((i < at) is (side == "before") and not (mine & things).isdisjoint(mine) for i, mine in others), at
            )
            for at, call in calls_of(reading, b)
            if (things := _things(call))
        ]

    def phrase(self, names: Names, test: Test) -> Phrase:
        """Words for a look."""
        side, a, b = names
        when = "first" if side == "before" else "afterwards"
        return Phrase(f"you {used(b)}", f"{used(a)} for the same thing {when}", f"do not {used(a)} for it {when}")


def _things(call: Call) -> frozenset[str]:
    return frozenset(value for value in call.arguments.values() if isinstance(value, str) and 2 < len(value) <= 60)
