"""Answers and ground truth inside a lesson: what a lesson must not give away.

Looked for are whole short answers and, inside longer ones, what is distinctive: numbers, ids, names. What the
task itself says is no secret, and neither are the names of formats (`sha256`) or words that say nothing (`true`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from explib.text.words import normalise_task

_LEAST_CHARACTERS = 4
"""Letters and digits that an answer must have to be recognised in a lesson."""
_READ_CHARACTERS = 100_000
"""Of one answer."""
_LEAST_DIGITS = 3
"""Digits from which a ground truth that is nothing but a number is recognised."""
_SHORT_ANSWER_WORDS = 8
_TRIVIAL = re.compile(
    "true|false|none|null|pass|passed|fail|failed|done|success|successful|error|correct|wrong|valid|invalid|positive|"
    "negative|neutral|unknown|other|nothing|okay|both|neither|empty|complete|completed|finished|left|right|high|medium|"
    "stop|start"
)
_TECHNICAL = re.compile(
    r"(?:sha|md|utf|base|http|ipv|oauth|iso|rfc|python|py|java|es|int|uint|float|fp|bf|x|amd|arm|win|html|css|tls|ssl)"
    r"[-_]?\d+(?:[._-]\d+)*"
)
_TOKEN = re.compile(r"[^\W_]+(?:[-_.,/@#:][^\W_]+)*")
_QUOTED = re.compile(r"[\"'`“‘]([^\"'`“”‘’\n]{4,80})[\"'`”’]")
_NAME = re.compile(r"(?:\b\d{1,6}[ \t]+)?\b[A-Z][\w'-]{0,40}(?:[ \t]+[A-Z][\w'-]{0,40}){1,5}")
"""Names of two words or more, with a number before them: people, streets, products."""
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3})")
_MARKS = re.compile(r"[\W_]+")


def leaked(lesson: str, answers: Iterable[str], said: Iterable[str]) -> str | None:
    """The first distinctive part of an answer that the lesson contains and nothing in `said` does, or None."""
    inside = _bare(lesson)
    known = [_bare(text) for text in said]
    for answer in answers:
        for part in _distinctive(answer[:_READ_CHARACTERS]):
            bare = _bare(part)
            if bare in inside and not any(bare in text for text in known):
                return part.strip()
    return None


def _bare(text: str) -> str:
    """Normalised words between single spaces, so that whole words can be looked for."""
    return f" {_MARKS.sub(' ', _THOUSANDS.sub('', normalise_task(text))).strip()} "


def _distinctive(answer: str) -> Iterator[str]:
    if _is_whole_answer(answer):
        yield answer
    for token in _TOKEN.findall(answer):
        if _is_value(token):
            yield token
    for quoted in _QUOTED.findall(answer):
        if " " in quoted.strip() and quoted != quoted.lower() and _letters(quoted) >= _LEAST_CHARACTERS:
            yield quoted
    for name in _NAME.findall(answer):
        if _letters(name) >= _LEAST_CHARACTERS:
            yield name


def _is_whole_answer(answer: str) -> bool:
    bare = _bare(answer).strip()
    if bare.replace(" ", "").isdigit():
        return len(bare) >= _LEAST_DIGITS
    short = len(bare.split()) <= _SHORT_ANSWER_WORDS
    return short and _TRIVIAL.fullmatch(bare) is None and _letters(bare) >= _LEAST_CHARACTERS


def _is_value(token: str) -> bool:
    """Whether a token is a number or an id rather than a word or the name of a format."""
    lowered = token.lower()
    return (
        any(char.isdigit() for char in lowered)
        and _letters(lowered) >= _LEAST_CHARACTERS
        and _TECHNICAL.fullmatch(lowered) is None
    )


def _letters(text: str) -> int:
    return sum(char.isalnum() for char in text)
