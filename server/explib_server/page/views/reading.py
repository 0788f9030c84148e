"""The views by their names."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

from explib.errors import InvalidInput
from explib.models.libraries import Library
from explib_server.application import Application
from explib_server.auth.callers import current_caller
from explib_server.page.ask import Ask, Fields
from explib_server.page.document import ASSETS
from explib_server.page.views.attempts import attempt, attempts
from explib_server.page.views.history import difference, history, revision
from explib_server.page.views.learner import learner
from explib_server.page.views.lesson import lesson
from explib_server.page.views.lessons import lessons
from explib_server.page.views.review import proposed, review
from explib_server.page.views.week import week

View: TypeAlias = Callable[[Application, Library, Ask], Awaitable[Fields]]
VIEWS: Mapping[str, View] = {
    view.__name__: view
    for view in (week, lessons, lesson, review, proposed, history, revision, difference, learner, attempts, attempt)
}

LANGUAGES = ("ja",)
"""Beside English, which is in the page."""


async def read(application: Application, view: str, library: str, ask: Ask) -> Fields:
    """What a view shows of a library, with what the page needs around it. Raises InvalidInput, NotFound, NotAllowed."""
    if view not in VIEWS:
        raise InvalidInput(f"There is no view {view[:40]!r}: pass one of {', '.join(VIEWS)}.")
    target = await application.library(library or None)
    return {"library": target.name, **await VIEWS[view](application, target, ask.checked())}


def words(ask: Ask) -> dict[str, dict[str, str]]:
    """The page's words in the language `id`, by the English ones. Raises InvalidInput."""
    if ask.id not in LANGUAGES:
        raise InvalidInput(f"There are no words in {ask.id[:40]!r}: pass one of {', '.join(LANGUAGES)}.")
    return {"words": json.loads((ASSETS / f"{ask.id}.json").read_text(encoding="utf-8"))}


async def around(application: Application, library: str) -> Fields:
    """What stands around every view: the libraries, and what the caller may do."""
    target = await application.library(library or None)
    caller = current_caller()
    settings = target.settings
    return {
        "library": target.name,
        "libraries": [each.name for each in await application.libraries()],
        "revision": target.revision,
        "waiting": await application.store.proposals.count(target),
        "may_curate": "curate" in caller.scopes,
        "person": caller.is_person,
        "caller": caller.name,
        "reward_min": settings.reward_min,
        "reward_max": settings.reward_max,
        "max_words": settings.max_words,
    }
