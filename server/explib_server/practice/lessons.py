"""The lessons of a rollout: through the same answer that every agent gets, or, for a proof, all that fit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from explib.models.libraries import Library
from explib.retrieval.entry import Entry
from explib.retrieval.retriever import INTRODUCTION, Served
from explib_server.application import Application
from explib_server.hooks.recall import fenced
from explib_server.practice.protocol import Rollout
from explib_server.practice.tasks import PracticeTask


def as_block(served: Served) -> str:
    """The lessons as they stand in a prompt, where whoever reads the transcript finds and takes them out again."""
    return fenced(served.text, served.retrieval.id) if served.experiences else ""


def block_of(lines: Iterable[str]) -> str:
    """The same of chosen lessons' lines, for a proof: no retrieval stands behind it."""
    chosen = list(lines)
    return fenced("\n".join([INTRODUCTION, *chosen])) if chosen else ""


async def with_lessons(application: Application, library: Library, key: str, task: PracticeTask) -> tuple[Rollout, int]:
    """A rollout with a retrieval of its own, and the revision that it sees."""
    served = await application.fetch(library, task.input, tools=task.tools, alone=True)
    return Rollout(key, task, as_block(served), served.retrieval.id), served.retrieval.revision


async def all_that_fit(application: Application, library: Library, task: PracticeTask) -> list[Entry]:
    """Every lesson that fits, nothing withheld by chance, and nothing recorded: it is no evidence."""
    certain = library.settings.model_copy(update={"exploration": False})
    served = await application.experiences.preview(replace(library, settings=certain), task.input, task.tools)
    return [entry for entry, _ in served.experiences]
