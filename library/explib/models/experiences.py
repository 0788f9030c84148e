"""Lessons: an experience with where it comes from, and as little of it as finding it again takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

ExperienceStatus: TypeAlias = Literal["candidate", "active", "retired"]
LessonClass: TypeAlias = Literal["A", "B", "C", "D"]
"""How well a lesson was learned: borne out, seen once, unknown, in doubt (see `evidence.policy.lesson_class`)."""


@dataclass(frozen=True, slots=True)
class Support:
    """How many attempts bear an experience out and contradict it, and in how many groups it was borne out."""

    supporting: int = 0
    contradicting: int = 0
    groups: int = 0
    note: str = ""
    """What a reader should know of the evidence, e.g. the statistic and how many events were tested."""


@dataclass(frozen=True, slots=True)
class Experience:
    """One lesson in natural language. The id is stable inside its library and never reused."""

    id: str
    content: str
    status: ExperienceStatus
    version: int
    analyst: str
    support: Support
    created_revision: int
    updated_revision: int
    model: str | None = None
    pinned: bool = False
    """A person wrote or approved it: nothing but a person changes or retires it."""
    decision_id: str | None = None
    """The decision whose better option it is; its numbers are those of that decision's newest verdict."""
    option: str | None = None
    """Letter of the option that it recommends."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """An experience as finding and serving it takes."""

    id: str
    content: str
    status: ExperienceStatus
    version: int
    learned: LessonClass = "C"
    met_again: bool = False
    """Whether its situation was met often enough to be borne out twice."""
    tools: tuple[str, ...] = ()
    """Names of the tools that its decision speaks of."""
