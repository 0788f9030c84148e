"""Where an argument comes from, and how it relates to a field of an earlier answer about the same thing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from explib_learner.grammar.families.textual import clock_hours, moment
from explib_learner.grammar.family import Phrase, PredicateFamily, Readings, merged
from explib_learner.grammar.keys import OPEN, Names, Test
from explib_learner.grammar.reading import ARGUMENT, FIELD, TASK, Instance, Reading, calls_of
from explib_learner.grammar.records import Scalar
from explib_learner.writing.templates import argument, code, field, shown, used

_SHORTEST = 3
_LONGEST = 300


def sources(reading: Reading, at: int, name: str) -> Iterator[tuple[Names, Scalar]]:
    """What an argument of a call can be compared with: fields of answers, the task's numbers, its other arguments."""
    for fact, value in reading.facts(at).items():
        if fact[0] in (FIELD, TASK) or (fact[0] == ARGUMENT and fact[1] != name):
            yield fact, value


def named(fact: Names) -> str:
    """A fact in words."""
    if fact[0] == FIELD:
        return field(fact[1], fact[2])
    return f"the task's number of {code(fact[1])}" if fact[0] == TASK else f"its {argument(fact[1])}"


class Copied(PredicateFamily):
    """(tool, argument, fact…): a text as in the source, in other letters or marks, with more or less around it."""

    name, rank, cuts = "copied", 1, False

    def read(self, reading: Reading) -> Readings:
        """The relation to every text that is part of it, or that it is part of."""
        return merged(self._pairs(reading))

    def _pairs(self, reading: Reading) -> Iterator[tuple[Names, Instance]]:
        for at, call in enumerate(reading.trace.calls):
            for name, text in call.arguments.items():
                if isinstance(text, str):
                    for fact, source in sources(reading, at, name):
                        relation = _relation(text, source)
                        if relation:
                            yield (call.name, name, *fact), Instance(relation, at)

    def absent(self, names: Names, reading: Reading) -> Sequence[Instance]:
        """`different` where both are there."""
        return [
            Instance("different", at)
            for at, call in calls_of(reading, names[0])
            if isinstance(call.arguments.get(names[1]), str) and names[2:] in reading.facts(at)
        ]

    def phrase(self, names: Names, test: Test) -> Phrase:
        """Words for a copy."""
        subject, source = argument(names[1]), named(names[2:])
        situation = f"you {used(names[0])}"
        match test.value:
            case "same":
                return Phrase(
                    situation, f"pass {source} as {subject}, exactly as it is", f"do not pass {source} as {subject}"
                )
            case "marks":
                yes = f"pass {source} as {subject}, but with other punctuation, spaces or capitals"
                return Phrase(situation, yes, f"do not change punctuation, spaces or capitals of {source} in {subject}")
            case "longer":
                return Phrase(situation, f"quote {source} in {subject}", f"do not quote {source} in {subject}")
            case "part":
                return Phrase(
                    situation, f"pass only a part of {source} as {subject}", f"do not pass a part of {source}"
                )
        return Phrase(situation, f"take {subject} from elsewhere than {source}", f"take {subject} from {source}")


def _relation(text: str, source: Scalar) -> str | None:
    if isinstance(source, bool) or not text or len(text) > _LONGEST * 10:
        return None
    if isinstance(source, float):
        whole = f"{source:.10g}"
        return "longer" if len(whole) > 1 and len(text) > len(whole) and whole in text else None
    if text == source:
        return "same"
    if min(len(text), len(source)) < _SHORTEST or len(source) > _LONGEST:
        return None
    if _bare(text) == _bare(source):
        return "marks"
    if source in text:
        return "longer"
    return "part" if text in source else None


def _bare(text: str) -> str:
    return "".join(sign for sign in text.casefold() if sign.isalnum())


class Ratio(PredicateFamily):
    """(tool, argument, fact…): a number as a multiple of another."""

    name, rank, cuts = "ratio", 2, False

    def read(self, reading: Reading) -> Readings:
        """The quotient, to six digits."""
        return merged(
            (names, Instance(float(f"{number / source:.6g}"), at))
            for names, number, source, at in numbers_beside(reading)
            if source
        )

    def phrase(self, names: Names, test: Test) -> Phrase:
        """Words for a multiple."""
        subject, source = argument(names[1]), named(names[2:])
        situation = f"you {used(names[0])}"
        factor = shown(test.value)
        if test.value == 1.0:
            yes = f"pass {source} as {subject}, unchanged"
            return Phrase(situation, yes, f"do not pass {source} unchanged as {subject}")
        made = f"{source} × {factor}"
        if test.kind != "is":
            return Phrase(situation, f"pass at least {made} as {subject}", f"pass less than {made} as {subject}")
        return Phrase(situation, f"pass {made} as {subject}", f"do not pass {made} as {subject}")


class Shift(PredicateFamily):
    """(tool, argument, unit, fact…): a number, date (in days) or time (in hours) minus another."""

    name, rank, cuts = "shift", 2, True

    def read(self, reading: Reading) -> Readings:
        """The difference."""
        plain = (
            ((names[0], names[1], "number", *names[2:]), Instance(float(f"{number - source:.8g}"), at))
            for names, number, source, at in numbers_beside(reading)
        )
        return merged([*plain, *_gaps(reading)])

    def phrase(self, names: Names, test: Test) -> Phrase:
        """Words for a distance."""
        tool, name, unit = names[:3]
        subject, source = argument(name), named(names[3:])
        value = test.value if isinstance(test.value, float) else 0.0
        amount = shown(abs(value)) if unit == "number" else f"{shown(abs(value))} {unit}"
        if unit == "number":
            place = source if not value else f"{source} {'plus' if value > 0 else 'minus'} {amount}"
        else:
            place = f"the same as {source}" if not value else f"{amount} {'after' if value > 0 else 'before'} {source}"
        situation = f"you {used(tool)}"
        if test.value == OPEN:
            place = f"{code(OPEN)} from {source}"
        if test.kind == "is":
            return Phrase(situation, f"choose {place} as {subject}", f"do not choose {place} as {subject}")
        later, earlier = ("at or above", "below") if unit == "number" else ("no earlier than", "earlier than")
        return Phrase(situation, f"keep {subject} {later} {place}", f"keep {subject} {earlier} {place}")


def numbers_beside(reading: Reading) -> Iterator[tuple[Names, float, float, int]]:
    """Each number that a call passes with each that was known before: (tool, argument, fact…), both, position."""
    for at, call in enumerate(reading.trace.calls):
        for name, number in call.arguments.items():
            if isinstance(number, float):
                for fact, source in sources(reading, at, name):
                    if isinstance(source, float):
                        yield (call.name, name, *fact), number, source, at


def _gaps(reading: Reading) -> Iterator[tuple[Names, Instance]]:
    for at, call in enumerate(reading.trace.calls):
        for name, text in call.arguments.items():
            if isinstance(text, str) and text[:1].isdigit():
                for fact, source in sources(reading, at, name):
                    gap = _gap(text, source) if isinstance(source, str) and source[:1].isdigit() else None
                    if gap is not None:
                        yield (call.name, name, gap[0], *fact), Instance(gap[1], at)


def _gap(text: str, source: str) -> tuple[str, float] | None:
    mine, other = moment(text), moment(source)
    if mine is not None and other is not None:
        seconds = (mine - other).total_seconds()
        if len(text) > 10 and len(source) > 10:
            return "hours", round(seconds / 3600, 3)
        return "days", float((mine.date() - other.date()).days)
    hour, other_hour = clock_hours(text), clock_hours(source)
    if mine is None and other is None and hour is not None and other_hour is not None:
        return "hours", round(hour - other_hour, 3)
    return None


class Source(PredicateFamily):
    """(tool, argument, other): the value was shown by an earlier answer of the other tool; "" is the task."""

    name, rank, cuts = "source", 2, False

    def read(self, reading: Reading) -> Readings:
        """True for every tool that showed it, and for the task that says it."""
        return merged(self._pairs(reading))

    def _pairs(self, reading: Reading) -> Iterator[tuple[Names, Instance]]:
        calls = reading.trace.calls
        shown_by: list[tuple[str, str]] = []
        for at, call in enumerate(calls):
            for name, text in call.arguments.items():
                if isinstance(text, str) and _SHORTEST <= len(text) <= _LONGEST:
                    if text in reading.trace.task:
                        yield (call.name, name, ""), Instance(True, at)
                    for tool in {tool for tool, answer in shown_by if text in answer}:
                        yield (call.name, name, tool), Instance(True, at)
            shown_by.append((call.name, call.text[:20_000]))

    def absent(self, names: Names, reading: Reading) -> Sequence[Instance]:
        """False where the argument is a text."""
        return [
            Instance(False, at)
            for at, call in calls_of(reading, names[0])
            if isinstance(text := call.arguments.get(names[1]), str) and _SHORTEST <= len(text) <= _LONGEST
        ]

    def phrase(self, names: Names, test: Test) -> Phrase:
        """Words for a source."""
        tool, name, other = names
        source = f"what {code(other)} shows" if other else "the words of the task"
        subject = argument(name)
        return Phrase(f"you {used(tool)}", f"take {subject} from {source}", f"do not take {subject} from {source}")
