"""What is exported of a library: its lessons, each with where it comes from and what is known of it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from explib.models.experiences import Experience, ExperienceStatus, LessonClass, Support

if TYPE_CHECKING:
    from explib.models.decisions import CodebookEntry
    from explib.models.libraries import Library
    from explib.storage.store import Store
    from explib_server.render.evidence import ExperienceEvidence

MAX_NAME = 64
"""Characters of a skill's name."""


class Only(StrEnum):
    """Which lessons of a library that are not retired."""

    proven = "proven"
    """Active, and borne out by attempts (class A, whoever wrote it) or by rewards since it is served."""
    active = "active"


@dataclass(frozen=True, slots=True)
class ExportedDecision:
    """The decision of which a lesson is the better option."""

    situation: str
    options: tuple[str, ...]
    followed: str
    """The option that the lesson recommends."""
    tools: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ExportedLift:
    """The change of the mean reward by serving a lesson, in the library's rewards, with its interval."""

    mean: float
    low: float
    high: float
    rewards: int


@dataclass(frozen=True, slots=True)
class ExportedLesson:
    """One lesson with its origin and its evidence in counts: never the attempts."""

    id: str
    content: str
    status: ExperienceStatus
    learned: LessonClass
    """How well it was learned."""
    version: int = 1
    analyst: str = ""
    model: str | None = None
    pinned: bool = False
    support: Support = field(default_factory=Support)
    decision: ExportedDecision | None = None
    served: int = 0
    lift: ExportedLift | None = None


@dataclass(frozen=True, slots=True)
class LibraryExport:
    """The lessons of one library as of one revision."""

    library: str
    revision: int
    lessons: tuple[ExportedLesson, ...]
    objective: str = ""

    @property
    def name(self) -> str:
        """The name of its skill and its rule: lower-case letters, digits and single hyphens."""
        return ("explib-" + re.sub("[^a-z0-9]+", "-", self.library))[:MAX_NAME].strip("-")


async def contents(store: Store, library: Library, only: Only | None) -> LibraryExport:
    """The lessons that are not retired, or only some of them, in order of their ids."""
    from explib_server.render.evidence import evidence_of

    experiences = await store.revisions.experiences(library)
    entries = {entry.decision.id: entry for entry in await store.codebooks.entries(library)}
    found = await evidence_of(store, library, experiences)
    lessons = tuple(
        _lesson(experience, known, entries.get(experience.decision_id or ""))
        for experience, known in zip(experiences, found, strict=True)
        if only is None or _is_among(experience, known, entries.get(experience.decision_id or ""), only)
    )
    return LibraryExport(library.name, library.revision, lessons, library.settings.objective)


def _is_among(experience: Experience, known: ExperienceEvidence, entry: CodebookEntry | None, only: Only) -> bool:
    from explib.evidence.policy import lesson_class

    if experience.status != "active" or only is Only.active:
        return experience.status == "active"
    verdict = None if entry is None else entry.verdict
    learned = lesson_class(pinned=False, support=experience.support, verdict=verdict, option=experience.option)
    return known.label == "proven" or (learned == "A" and known.label != "proven to harm")


def _lesson(experience: Experience, known: ExperienceEvidence, entry: CodebookEntry | None) -> ExportedLesson:
    lift = known.lift
    return ExportedLesson(
        id=experience.id,
        content=experience.content,
        status=experience.status,
        learned=known.learned,
        version=experience.version,
        analyst=experience.analyst,
        model=experience.model,
        pinned=experience.pinned,
        support=experience.support,
        decision=None if entry is None else _decision(entry, experience.option),
        served=known.served,
        lift=None if lift is None else ExportedLift(lift.mean, lift.low, lift.high, known.rewards),
    )


def _decision(entry: CodebookEntry, letter: str | None) -> ExportedDecision:
    decision = entry.decision
    followed = next((option.text for option in decision.options if option.letter == letter), "")
    options = tuple(option.text for option in decision.options)
    return ExportedDecision(decision.situation, options, followed, decision.tools)
