"""Review: what waits for a person, and whether the library asks for review at all."""

from __future__ import annotations

from explib.models.libraries import Library
from explib_server.application import Application
from explib_server.auth.callers import current_caller
from explib_server.page.ask import Ask, Fields
from explib_server.page.views.lesson import proposal

SHOWN_ALIKE = 5


async def review(application: Application, library: Library, _ask: Ask) -> Fields:
    """The ids of all that waits, oldest first."""
    waiting = await application.store.proposals.all(library, "waiting")
    return {
        "waiting": [proposed.id for proposed in waiting],
        "review": library.settings.review,
        "person": current_caller().is_person,
    }


async def proposed(application: Application, library: Library, ask: Ask) -> Fields:
    """One proposal with its grounds and the lessons that are like it. Raises UnknownProposal."""
    from explib_learner.checks.operations import DUPLICATE_SIMILARITY

    store = application.store
    found = await store.proposals.get(library, ask.id)
    text, own = found.operation.content, {each.id for each in found.before}
    alike = await application.experiences.alike(library, text, DUPLICATE_SIMILARITY) if text else []
    near = [each for each in alike if each not in own][:SHOWN_ALIKE]
    lessons = await store.revisions.experiences(library, ids=near) if near else []
    return {
        **await proposal(store, library, found),
        "alike": [{"id": each.id, "content": each.content} for each in lessons],
    }
