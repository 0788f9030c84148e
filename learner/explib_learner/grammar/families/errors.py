"""What follows a failure."""

from __future__ import annotations

from collections.abc import Iterator

from explib_learner.grammar.family import Phrase, PredicateFamily, Readings, merged
from explib_learner.grammar.keys import Names, Test
from explib_learner.grammar.reading import Instance, Reading
from explib_learner.writing.templates import code, used

_SAME, _CHANGED, _END = "same", "changed", "end"
_TOOL = "tool "


class AfterFailure(PredicateFamily):
    """(tool): the call after its first failure: the same, with other arguments, another tool, or none."""

    name, rank, cuts = "after failure", 1, False

    def read(self, reading: Reading) -> Readings:
        """What came next, for the tool that failed and (named "") for the first failure of any."""
        return merged(self._pairs(reading))

    def _pairs(self, reading: Reading) -> Iterator[tuple[Names, Instance]]:
        calls = reading.trace.calls
        seen: set[str] = set()
        for at, call in enumerate(calls):
            if call.failed:
                following = _following(reading, at)
                for tool in {call.name, ""} - seen:
                    yield (tool,), Instance(following, at)
                seen |= {call.name, ""}

    def phrase(self, names: Names, test: Test) -> Phrase:
        """Words for the next step."""
        tool = code(names[0]) if names[0] else "a call"
        value = str(test.value)
        options = {
            _SAME: ("repeat it unchanged", "do not repeat it unchanged"),
            _CHANGED: ("try it again with other arguments", "do not try it again with other arguments"),
            _END: ("stop there", "go on with another call"),
        }
        other = used(value.removeprefix(_TOOL))
        yes, no = options.get(value, (f"{other} next", f"do not {other} next"))
        return Phrase(f"{tool} fails", yes, no)


def _following(reading: Reading, at: int) -> str:
    calls = reading.trace.calls
    if at + 1 >= len(calls):
        return _END
    if calls[at + 1].fingerprint == calls[at].fingerprint:
        return _SAME
    return _CHANGED if calls[at + 1].name == calls[at].name else _TOOL + calls[at + 1].name


class TriedAgain(PredicateFamily):
    """(tool): after its first failure it is called again, at once or later."""

    name, rank, cuts = "tried again", 2, False

    def read(self, reading: Reading) -> Readings:
        """True where a later call is of the same tool."""
        calls = reading.trace.calls
        first = {call.name: at for at, call in reversed(list(enumerate(calls))) if call.failed}
        return {(tool,): [Instance(reading.last[tool] > at, at)] for tool, at in first.items()}

    def phrase(self, names: Names, test: Test) -> Phrase:
        """Words for persistence."""
        return Phrase(f"{code(names[0])} fails", "try it again later", "do not try it again")
