"""The two sides of a proof: what the rollouts of each are told, fixed for every task before the first is made.

A control asks what *rewards* taught, and its own are shuffled. What an attempt shows by itself (a refused call and the
call that mended it, a person's correction) is learned without them, so it stands on both sides of a control's pairs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import TypeAlias

from explib.errors import InvalidInput
from explib.models.libraries import Library
from explib.retrieval.entry import Entry
from explib_server.application import Application
from explib_server.practice.gate import BRANCH, MAIN
from explib_server.practice.lessons import all_that_fit, block_of
from explib_server.practice.plan import Plan

Fitting: TypeAlias = Mapping[str, list[Entry]]
"""Task → the lessons that fit it."""


@dataclass(frozen=True, slots=True)
class Sides:
    """What is compared; a gain is the first side's mean reward less the second's."""

    names: tuple[str, str]
    revision: int
    lessons: dict[str, tuple[str, str]]
    """Task → the lessons of both sides, as they stand in a prompt. A task that is left out is not attempted."""
    tried: tuple[str, int] | None = None
    """Id and version of the one lesson in which they differ, where that is asked about."""

    def line(self) -> dict[str, object]:
        """As the journal keeps them."""
        return asdict(self)

    @classmethod
    def read(cls, line: Mapping[str, object]) -> Sides | None:
        """As the journal kept them; None where no proof has begun."""
        match line:
            case {"names": [str(one), str(other)], "revision": int(revision), "lessons": dict(lessons), "tried": tried}:
                told = {task: (first, second) for task, (first, second) in lessons.items()}
                return cls(
                    (one, other), revision, told, (tried[0], tried[1]) if isinstance(tried, (list, tuple)) else None
                )
        return None


async def sides_of(application: Application, plan: Plan, library: Library) -> Sides:
    """What the plan compares. Raises InvalidInput where there is nothing to compare."""
    options = plan.options
    fitting = {task.id: await all_that_fit(application, library, task) for task in plan.held_out}
    if options.gate:
        return await _of_gate(application, plan, library, fitting)
    if options.lesson:
        return _of_lesson(options.lesson, library, fitting)
    if not options.control:
        told = {task: (_block(found), "") for task, found in fitting.items()}
        return Sides(("with", "without"), library.revision, told)
    own = await _shown_by_attempts(application, library)
    told = {task: (_block(found), _block(each for each in found if each.id in own)) for task, found in fitting.items()}
    return Sides(("all lessons", "those that need no rewards"), library.revision, told)


async def _of_gate(application: Application, plan: Plan, mine: Library, fitting: Fitting) -> Sides:
    main = await application.store.libraries.get(MAIN)
    others = {task.id: await all_that_fit(application, main, task) for task in plan.held_out}
    told = {task: (_block(found), _block(others[task])) for task, found in fitting.items()}
    return Sides((BRANCH, MAIN), mine.revision, {task: both for task, both in told.items() if both[0] != both[1]})


def _of_lesson(name: str, library: Library, fitting: Fitting) -> Sides:
    """The tasks that it fits, with and without it."""
    versions = {each.id: each.version for found in fitting.values() for each in found}
    if name not in versions:
        raise InvalidInput(
            f"{name} is served for none of these tasks, so nothing can be shown of it: `explib experiences list` shows "
            "the lessons; name one that fits, or other tasks."
        )
    told = {
        task: (_block(found), _block(each for each in found if each.id != name))
        for task, found in fitting.items()
        if any(each.id == name for each in found)
    }
    return Sides((f"with {name}", f"without {name}"), library.revision, told, (name, versions[name]))


def _block(entries: Iterable[Entry]) -> str:
    return block_of(entry.line for entry in entries)


async def _shown_by_attempts(application: Application, library: Library) -> frozenset[str]:
    """Ids of the lessons that rest on what happened inside single attempts, whatever their rewards."""
    entries = await application.store.codebooks.entries(library)
    own = {entry.decision.id for entry in entries if entry.decision.speaks_for_itself}
    experiences = await application.store.revisions.experiences(library)
    return frozenset(each.id for each in experiences if each.decision_id in own)
