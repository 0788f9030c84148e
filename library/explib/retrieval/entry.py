"""One experience as retrieval holds it: enough to rank it, to fit it into a token budget and to write its line."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from explib.models.experiences import ExperienceStatus, Lesson, LessonClass
from explib.text.words import estimate_tokens


class Lined(Protocol):
    """What a line of a prompt is made of: an experience, a lesson, an entry."""

    @property
    def id(self) -> str:
        """The experience's id."""
        ...

    @property
    def content(self) -> str:
        """Its text."""
        ...

    @property
    def status(self) -> ExperienceStatus:
        """Whether it is a candidate."""
        ...


def line_of(experience: Lined, layer: str = "") -> str:
    """An experience as one line of a prompt; a candidate says that it is one. `layer` is put before its id."""
    mark = " (candidate)" if experience.status == "candidate" else ""
    return f"[{layer}{experience.id}]. {experience.content}{mark}"


@dataclass(frozen=True, slots=True)
class Entry:
    """One experience, ready to be served."""

    id: str
    content: str
    status: ExperienceStatus
    version: int
    tokens: int
    """What its line costs a model to read, with the line's end."""
    number: int
    """The number in its id: the order in which the library's experiences were added."""
    learned: LessonClass = "C"
    met_again: bool = False
    tools: frozenset[str] = frozenset()
    """Names of the tools of its decision, in lower case; empty where nobody knows them."""
    names: frozenset[str] = frozenset()
    """These, and what its text names in backticks."""

    @property
    def line(self) -> str:
        """Its line in a prompt."""
        return line_of(self)


_NAMED = re.compile(r"`([A-Za-z_][\w.:/-]*)`")
DIGITS = 4
"""Of a relevance and of a probability: both are written down for each draw of every retrieval."""
Ranked: TypeAlias = "tuple[Entry, float]"
"""An experience and its relevance for a task, in 0 to 1."""


def entry_of(lesson: Lesson) -> Entry:
    """An entry, with its line's tokens counted."""
    tokens = estimate_tokens(line_of(lesson)) + 1
    tools = frozenset(name.lower() for name in lesson.tools)
    names = tools | frozenset(name.lower() for name in _NAMED.findall(lesson.content))
    plain = (lesson.id, lesson.content, lesson.status, lesson.version)
    return Entry(*plain, tokens, int(lesson.id[1:]), lesson.learned, lesson.met_again, tools, names)
