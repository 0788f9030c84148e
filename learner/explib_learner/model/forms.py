"""What is answered to each step. Loose but clear answers are taken: null for nothing, one label as text, `Attempt A1`.

Endpoints without strict structured output write all of these.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, model_validator

from explib.models.trajectories import Attempt

LETTERS = "abcd"
"""An option's letter is its place."""
_LABEL = re.compile(r"([A-Za-z]?)\s*(\d+)\W*$")
_SEPARATORS = re.compile(r"[,;\s]+(?:and\s+)?")
_NOTHING = ("", "null", "none", "nil", "-", "n/a")


class LooseForm(BaseModel):
    """A form in which null stands for what is left out."""

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, value: object) -> object:
        if not isinstance(value, dict):
            return value
        return {key: each for key, each in value.items() if each is not None}


def label_of(said: str) -> str:
    """A label as it was given out: `A1` for `Attempt A1`, `[a1]` or `1`; what is no label stays as it is."""
    found = _LABEL.search(said)
    return f"{found[1].upper() or 'A'}{found[2]}" if found else said.strip()


def _labels(said: object) -> object:
    if isinstance(said, str):
        parts = [part for part in _SEPARATORS.split(said) if part and not part.isalpha()]
        return [label_of(part) for part in parts]
    if isinstance(said, int):
        return [f"A{said}"]
    if isinstance(said, list):
        return list(dict.fromkeys(label_of(str(each)) for each in said))
    return said


def _nothing(said: object) -> object:
    return None if isinstance(said, str) and said.strip(" []").casefold() in _NOTHING else said


def _letter(said: object) -> object:
    """`b` for `b`, `B)`, `option b` or 2."""
    if isinstance(said, int):
        return LETTERS[said - 1 : said] or None
    if not isinstance(said, str):
        return said
    found = re.search(r"(?:^|\W)([a-dA-D1-4])(?:\W|$)", said.removeprefix("option"))
    if found is None:
        return None
    return found[1].lower() if found[1].isalpha() else LETTERS[int(found[1]) - 1]


def _option(said: object) -> object:
    return {"does": said} if isinstance(said, str) else said


def _optional_text(said: object) -> object:
    return "" if _nothing(said) is None else said


Labels = Annotated[list[str], BeforeValidator(_labels)]
Text = Annotated[str, BeforeValidator(_optional_text)]


class OptionAnswer(LooseForm):
    """One way to act, as a command, and the labels of the attempts that took it."""

    does: Text = ""
    attempts: Labels = []


class DecisionAnswer(LooseForm):
    """A decision as the model answers it. `known`: the label of one that it was shown."""

    known: Annotated[str | None, BeforeValidator(_nothing)] = None
    situation: Text = ""
    options: list[Annotated[OptionAnswer, BeforeValidator(_option)]] = []
    predicate: Text = ""
    """What code can tell the first option by."""
    better: Annotated[str | None, BeforeValidator(_letter)] = None
    lesson: Text = ""
    reason: Text = ""

    @property
    def cited(self) -> list[str]:
        """The labels under all options."""
        return [label for option in self.options for label in option.attempts]

    def letters(self, labelled: Mapping[str, Attempt]) -> dict[str, str]:
        """By trajectory id the letter of the option under which it is cited."""
        return {
            labelled[label].trajectory.id: letter
            for letter, option in zip(LETTERS, self.options, strict=False)
            for label in option.attempts
        }

    @model_validator(mode="before")
    @classmethod
    def _from_lesson(cls, value: object) -> object:
        """A lesson with who followed it and who did not is a decision whose options are to follow it or not."""
        if not isinstance(value, dict) or "followed_and_won" not in value or "options" in value:
            return value
        lesson = str(value.get("content") or value.get("lesson") or "")
        condition, _, strategy = lesson.partition(", ")
        followed = {"does": strategy.rstrip(".") or lesson, "attempts": value["followed_and_won"]}
        otherwise = {"does": "do otherwise", "attempts": value.get("not_followed_and_lost") or []}
        return {
            "situation": condition.removeprefix("When "),
            "options": [followed, otherwise],
            "better": "a",
            "lesson": lesson,
            "reason": value.get("reason"),
        }


class ContrastAnswer(LooseForm):
    """The decisions that made attempts of one group differ."""

    decisions: list[DecisionAnswer]

    @model_validator(mode="before")
    @classmethod
    def _lessons(cls, value: object) -> object:
        if isinstance(value, dict) and "decisions" not in value and "lessons" in value:
            return {"decisions": value["lessons"]}
        return value


class PointAnswer(LooseForm):
    """A point at which attempts may act in different ways, named without knowing which is better."""

    situation: str
    options: list[str]
    predicate: Text = ""
    """What code can tell the first option by."""


class PointsAnswer(LooseForm):
    """New decision points."""

    points: list[PointAnswer]


class CodesAnswer(LooseForm):
    """One line an attempt: its label, then decisions with the letters of the options that it took."""

    codes: list[str]

    @model_validator(mode="before")
    @classmethod
    def _lines(cls, value: object) -> object:
        codes = value.get("codes") if isinstance(value, dict) else None
        if isinstance(codes, str):
            return {"codes": codes.splitlines()}
        if isinstance(codes, Mapping):
            return {"codes": [f"{label} {_line(letters)}" for label, letters in codes.items()]}
        return value


def _line(letters: object) -> str:
    if isinstance(letters, Mapping):
        return " ".join(f"{label}{letter}" for label, letter in letters.items())
    return " ".join(map(str, letters)) if isinstance(letters, list) else str(letters)


class SentenceAnswer(LooseForm):
    """The wording of one lesson."""

    label: Annotated[str, BeforeValidator(lambda said: label_of(str(said)))]
    text: str


class SentencesAnswer(LooseForm):
    """The wordings of lessons."""

    sentences: list[SentenceAnswer]


class SessionLessonAnswer(DecisionAnswer):
    """A lesson of sessions that nobody graded."""

    kind: Literal["said", "cured", "refused", "compared"] = "compared"
    quote: Text = ""
    """What the person said, word for word."""


class SessionsAnswer(LooseForm):
    """The lessons of a batch of sessions."""

    lessons: list[SessionLessonAnswer]
