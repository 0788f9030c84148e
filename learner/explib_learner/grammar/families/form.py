"""The form of a text argument and of the final answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from explib_learner.grammar.families.textual import features, words
from explib_learner.grammar.family import Phrase, PredicateFamily, Readings, merged
from explib_learner.grammar.keys import Names, Test
from explib_learner.grammar.reading import WHOLE, Instance, Reading, calls_of
from explib_learner.writing.templates import argument, clock, code, shown, used

_AMOUNTS = {"characters": "characters", "words": "words", "lines": "lines"}


class Form(PredicateFamily):
    """(tool, argument, feature): how a text argument is written."""

    name, rank, cuts = "form", 4, True

    def read(self, reading: Reading) -> Readings:
        """All features of all text arguments."""
        return merged(
            ((call.name, name, feature), Instance(value, at))
            for at, call in enumerate(reading.trace.calls)
            for name, text in call.arguments.items()
            if isinstance(text, str)
            for feature, value in features(text).items()
        )

    def phrase(self, names: Names, test: Test) -> Phrase:
        """Words for a form."""
        tool, name, feature = names
        return form_phrase(f"you {used(tool)}", argument(name), feature, test)


class Wording(PredicateFamily):
    """(tool, argument, word): a text argument uses a word."""

    name, rank, cuts = "wording", 5, False

    def read(self, reading: Reading) -> Readings:
        """True for each word."""
        return merged(
            ((call.name, name, word), Instance(True, at))
            for at, call in enumerate(reading.trace.calls)
            for name, text in call.arguments.items()
            if isinstance(text, str)
            for word in words(text)
        )

    def absent(self, names: Names, reading: Reading) -> Sequence[Instance]:
        """False where the argument is a text of several words."""
        tool, name, _ = names
        return [
            Instance(False, at)
            for at, call in calls_of(reading, tool)
            if isinstance(text := call.arguments.get(name), str) and words(text)
        ]

    def phrase(self, names: Names, test: Test) -> Phrase:
        """Words for a word."""
        tool, name, word = names
        subject = argument(name)
        return Phrase(f"you {used(tool)}", f"say {code(word)} in {subject}", f"do not say {code(word)} in {subject}")


class AnswerForm(PredicateFamily):
    """(feature) or (word, w): how the final answer is written."""

    name, rank, cuts = "answer form", 3, True

    def read(self, reading: Reading) -> Readings:
        """All features and words of the answer."""
        return merged(self._pairs(reading.trace.answer))

    def _pairs(self, answer: str) -> Iterator[tuple[Names, Instance]]:
        if answer:
            for feature, value in features(answer).items():
                yield (feature,), Instance(value, WHOLE)
            for word in words(answer):
                yield ("word", word), Instance(True, WHOLE)

    def absent(self, names: Names, reading: Reading) -> Sequence[Instance]:
        """A missing word is False where there is an answer of several words."""
        return [Instance(False, WHOLE)] if names[0] == "word" and words(reading.trace.answer) else ()

    def phrase(self, names: Names, test: Test) -> Phrase:
        """Words for the answer's form."""
        situation = "you give the final answer"
        if names[0] == "word":
            return Phrase(situation, f"say {code(names[1])} in it", f"do not say {code(names[1])} in it")
        return form_phrase(situation, "it", names[0], test)


def form_phrase(situation: str, subject: str, feature: str, test: Test) -> Phrase:
    """Words for one feature of a text."""
    value = shown(test.value)
    if feature in _AMOUNTS or feature == "day of the month":
        unit = f"{_AMOUNTS[feature]} long" if feature in _AMOUNTS else "as day of the month"
        bound = f"at least {value}" if test.kind == "least" else f"exactly {value}"
        other = f"less than {value}" if test.kind == "least" else f"not {value}"
        return Phrase(situation, f"make {subject} {bound} {unit}", f"make {subject} {other} {unit}")
    if feature == "clock" and isinstance(test.value, float):
        hour = clock(test.value)
        if test.kind == "least":
            return Phrase(
                situation, f"choose {hour} or later as {subject}", f"choose a time before {hour} as {subject}"
            )
        return Phrase(situation, f"choose {hour} as {subject}", f"choose another time than {hour} as {subject}")
    want = _wanted(feature, test, value)
    return Phrase(situation, f"write {subject} {want[0]}", f"write {subject} {want[1]}")


def _wanted(feature: str, test: Test, value: str) -> tuple[str, str]:
    if feature.startswith("mark "):
        return f"with {code(feature[5:])} in it", f"without {code(feature[5:])}"
    if feature == "case":
        written = {"upper": "in capitals", "lower": "in small letters", "none": "without letters"}
        words_for = written.get(str(test.value), "in capitals and small letters")
        return words_for, f"otherwise than {words_for}"
    if feature == "digit":
        return "with a digit in it", "without digits"
    if feature == "title":
        return "with a capital at the start of each word", "without a capital at the start of each word"
    if feature in ("starts", "ends"):
        plain = str(test.value) if str(test.value).startswith(("a ", "nothing")) else value
        at = "at the start" if feature == "starts" else "at the end"
        return f"with {plain} {at}", f"with something else than {plain} {at}"
    if feature in ("first word", "last word"):
        return f"with {value} as {feature}", f"without {value} as {feature}"
    if feature == "pattern":
        return f"in the form {value} (9 a digit, a or A letters)", f"in another form than {value}"
    if feature == "weekend":
        return "on a weekend", "on a working day"
    if feature == "minutes" and test.kind == "least":
        return f"{value} minutes past the hour or later", f"less than {value} minutes past the hour"
    return f"with {value} as {feature}", f"with another {feature} than {value}"
