"""What the final answer says: values of answers and of arguments."""

from __future__ import annotations

from collections.abc import Iterator

from explib_learner.grammar.family import Phrase, PredicateFamily, Readings, merged
from explib_learner.grammar.keys import Names, Test
from explib_learner.grammar.reading import FIELD, WHOLE, Instance, Reading
from explib_learner.grammar.records import Scalar
from explib_learner.writing.templates import argument, code, field

_ARGUMENT = "argument"


class Told(PredicateFamily):
    """(field, tool, path) or (argument, tool, name): the final answer has the value in it."""

    name, rank, cuts = "told", 1, False

    def read(self, reading: Reading) -> Readings:
        """True or False for each value that a text can show."""
        return merged(self._pairs(reading))

    def _pairs(self, reading: Reading) -> Iterator[tuple[Names, Instance]]:
        answer = reading.trace.answer
        if not answer:
            return
        for fact, value in reading.facts(WHOLE).items():
            if fact[0] == FIELD and _tellable(value):
                yield fact, Instance(_told(value, answer), WHOLE)
        for tool, at in reading.last.items():
            for name, value in reading.trace.calls[at].arguments.items():
                if _tellable(value):
                    yield (_ARGUMENT, tool, name), Instance(_told(value, answer), WHOLE)

    def phrase(self, names: Names, test: Test) -> Phrase:
        """Words for what is told."""
        kind, tool, path = names
        what = field(tool, path) if kind == FIELD else f"the {argument(path)} that you gave to {code(tool)}"
        return Phrase("you give the final answer", f"state {what} in it", f"do not state {what} in it")


def _tellable(value: Scalar) -> bool:
    if isinstance(value, str):
        return 2 < len(value) <= 60 and "\n" not in value
    return not isinstance(value, bool) and abs(value) > 9


def _told(value: Scalar, answer: str) -> bool:
    if isinstance(value, str):
        return value.casefold() in answer.casefold()
    plain = f"{value:.10g}"
    return plain in answer or f"{value:,.10g}" in answer or f"{value:.2f}" in answer
