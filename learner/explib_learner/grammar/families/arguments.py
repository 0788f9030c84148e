"""Arguments of a call: given or left out, and their values."""

from __future__ import annotations

from collections.abc import Sequence

from explib_learner.grammar.family import Phrase, PredicateFamily, Readings, merged
from explib_learner.grammar.keys import Names, Test
from explib_learner.grammar.reading import FIELD, TASK, Instance, Reading, calls_of
from explib_learner.grammar.records import Scalar
from explib_learner.writing.templates import argument, shown, used

_LONGEST_VALUE = 40


class Given(PredicateFamily):
    """(tool, argument): the argument is passed."""

    name, rank, cuts = "given", 0, False

    def read(self, reading: Reading) -> Readings:
        """True for each argument of each call of a tool that has one of them."""
        calls = reading.trace.calls
        named = {(call.name, name) for call in calls for name in call.arguments}
        return {(tool, name): _given(reading, tool, name) for tool, name in named}

    def absent(self, names: Names, reading: Reading) -> Sequence[Instance]:
        """False for each call of the tool."""
        return _given(reading, *names)

    def phrase(self, names: Names, test: Test) -> Phrase:
        """Words for an optional argument."""
        tool, name = names
        if name.startswith("#"):
            return Phrase(
                f"you {used(tool)}", f"pass {argument(name[1:])} as a list", f"do not pass {argument(name[1:])}"
            )
        if name == "operands":
            return Phrase(f"you {used(tool)}", "name what it works on", "run it without naming anything")
        if name.endswith("="):
            return Phrase(f"you {used(tool)}", f"set {argument(name)} for it", f"do not set {argument(name)} for it")
        return Phrase(f"you {used(tool)}", f"pass {argument(name)}", f"do not pass {argument(name)}")


def _is_data(value: Scalar, at: int, reading: Reading) -> bool:
    if isinstance(value, bool):
        return False
    if isinstance(value, str) and len(value) > 1 and value in reading.trace.task:
        return True
    return any(fact[0] in (FIELD, TASK) and known == value for fact, known in reading.facts(at).items())


def _given(reading: Reading, tool: str, name: str) -> list[Instance]:
    """Of each call of the tool; a list stands there by its length (`#name`)."""
    names = {name, f"#{name}"}
    return [Instance(not names.isdisjoint(call.arguments), at) for at, call in calls_of(reading, tool)]


class Value(PredicateFamily):
    """(tool, argument): its value where that is the agent's own choice; numbers also by bounds, lists by their length.

    What the task or an earlier answer says is data: other families tell whence it was taken.
    """

    name, rank, cuts = "value", 1, True

    def read(self, reading: Reading) -> Readings:
        """The values of all short arguments."""
        return merged(
            ((call.name, name), Instance(value, at))
            for at, call in enumerate(reading.trace.calls)
            for name, value in call.arguments.items()
            if (not isinstance(value, str) or len(value) <= _LONGEST_VALUE) and not _is_data(value, at, reading)
        )

    def phrase(self, names: Names, test: Test) -> Phrase:
        """Words for a value or a bound."""
        tool, name = names
        situation = f"you {used(tool)} with {argument(name.lstrip('#'))}"
        value = shown(test.value)
        subject = argument(name)
        if test.kind == "least":
            return Phrase(situation, f"keep {subject} at {value} or more", f"keep {subject} below {value}")
        if name.startswith("#"):
            return Phrase(situation, f"make {subject} exactly {value}", f"do not make {subject} exactly {value}")
        return Phrase(f"you {used(tool)}", f"set {subject} to {value}", f"do not set {subject} to {value}")
