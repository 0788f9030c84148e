"""Lessons that hold in several projects are proposed for the person's library, where a person decides on them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from explib.errors import OperationRefused
from explib.models.experiences import Experience
from explib.models.libraries import Library
from explib_learner.checks.operations import DUPLICATE_SIMILARITY
from explib_server.curation.curator import By, curator_of
from explib_server.projects.state import known_folders

if TYPE_CHECKING:
    from explib_server.application import Application

AUTHOR = "explib"


async def propose_shared(application: Application) -> list[str]:
    """Propose each active lesson that another project's library says too; the ids of the proposals.

    Raises StorageError. What the person's library says already, or a person has decided on, is not proposed again.
    """
    store, own = application.store, application.settings.library
    folders = known_folders()
    projects = [each for each in await application.libraries() if each.name in folders and each.name != own]
    if len(projects) < 2:
        return []
    person = await store.libraries.ensure(own, application.settings.library_defaults())
    known = {proposed.operation.content for proposed in await store.proposals.all(person, "waiting", "rejected")}
    found: list[str] = []
    for at, library in enumerate(projects):
        for lesson in await store.revisions.experiences(library):
            twins = await _twins(application, lesson, projects[at + 1 :]) if lesson.status == "active" else []
            if twins and lesson.content not in known:
                known.add(lesson.content)
                found += await _propose(application, person, lesson, [library.name, *twins])
    return found


async def _twins(application: Application, lesson: Experience, others: Sequence[Library]) -> list[str]:
    """The libraries in which an active lesson says the same."""
    twins = []
    for library in others:
        ids = await application.experiences.alike(library, lesson.content, DUPLICATE_SIMILARITY)
        alike = [await application.store.revisions.experience(library, known) for known in ids]
        if any(each.status == "active" for each in alike):
            twins.append(library.name)
    return twins


async def _propose(application: Application, person: Library, lesson: Experience, names: Sequence[str]) -> list[str]:
    by = By(AUTHOR, f"it holds in {' and in '.join(names)}", is_person=False)
    try:
        committed = await curator_of(application).add(person, lesson.content, by)
    except OperationRefused:  # it is there already, or too much waits
        return []
    return [proposed.id for proposed in committed.waiting]
