"""The option that a lesson in free text advises at a choice, by patterns: unclear texts advise nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from learning.choices import Choice

_CONDITION = re.compile(r"^\s*(?:when|whenever|if|after|before|once|while|for)\b[^,:]*[,:]\s*")
_CONTRAST = re.compile(r",?\s*\b(?:instead of|rather than|as opposed to)\b[^,.;]*|, (?:not|never)\b[^,.;]*")
_FORBIDDEN = re.compile(r"\b(?:never|do not|don't|avoid|without|skip|leave\b[^,.;]*\bout|not)\b[^,;:]*")
"""A "not" and what it speaks of, to the next comma."""
_SENTENCE = re.compile(r"[.;!](?:\s+|$)")


def advised(choice: Choice, lesson: str) -> str | None:
    """The name of the option that a lesson advises, None where it advises none or more than one.

    A lesson speaks of the choice by any of its words; an option counts only where the strategy names it, behind the
    condition. Where only a "not" names one of two options, the other is meant.
    """
    text = lesson.casefold()
    if not _has(text, choice.about):
        return None
    advice: set[str] = set()
    for sentence in _SENTENCE.split(text):
        strategy = _CONTRAST.sub("", _CONDITION.sub("", sentence))
        named = _named(choice, _FORBIDDEN.sub("", strategy))
        against = _named(choice, " ".join(_FORBIDDEN.findall(strategy)))
        if not named and against and len(choice.options) == 2:
            named = {option.name for option in choice.options} - against
        advice |= named
    return advice.pop() if len(advice) == 1 else None


def followed(choices: Sequence[Choice], lessons: Sequence[str]) -> Mapping[str, str]:
    """Choice id → the option that the lessons advise, where they don't contradict each other."""
    advice: dict[str, str] = {}
    for choice in choices:
        options = {option for lesson in lessons if (option := advised(choice, lesson)) is not None}
        if len(options) == 1:
            advice[choice.id] = options.pop()
    return advice


def _named(choice: Choice, text: str) -> set[str]:
    return {option.name for option in choice.options if option.words and _has(text, option.words)}


def _has(text: str, words: str) -> bool:
    return not words or all(re.search(pattern, text) for pattern in words.split(" & "))
