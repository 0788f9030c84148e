"""A process of the kill rounds: `actor.py submit URL NAME START` or `actor.py learn URL`, until it is killed.

What a submitter was acknowledged, and each time a learner found itself fenced off, is a line on standard output.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import random
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress

from learner.scripted_analyst import Scripted, lesson

from explib.errors import Conflict, NotFound, StorageError
from explib.models.groups import GroupAttempts
from explib.models.libraries import Library, LibrarySettings
from explib.models.submissions import RawSubmission
from explib.settings.program import Settings
from explib.storage.store import open_store
from explib_learner.analyst import Batch
from explib_learner.pipeline import Pipeline
from explib_learner.worker import Worker
from explib_server.application import Application
from explib_server.compose import open_application

LIBRARIES = ("one", "two", "three")
ATTEMPTS = 40
"""Consecutive attempts of one submitter at the same task, over all libraries: groups stay small, new ones come."""
LESSONS = 40
"""From so many on, no more are learned."""
PAUSE_SECONDS = 0.1
"""The longest between two attempts."""
LEASE_SECONDS = 1.0
AT_ONCE = 4
THOUGHT_SECONDS = 0.3
"""The longest that the analyst thinks: what is killed or paused is often in the middle of it."""


def words() -> str:
    """A lesson like no other."""
    made = ["".join(random.choices("bcdfgklmnprst", k=7)) for _ in range(8)]
    return f"When {' '.join(made[:4])}, look at {' '.join(made[4:])}."


class Slow(Scripted):
    """An analyst that takes its time and learns one lesson from every group, as long as there is room."""

    def __init__(self) -> None:
        super().__init__(lambda group: lesson(group, words()), self._think)

    async def _think(self, batch: Batch) -> None:
        self.outcome = _nothing if len(batch.experiences) >= LESSONS else self.outcome
        await asyncio.sleep(random.uniform(0.0, THOUGHT_SECONDS))


def _nothing(_group: GroupAttempts) -> None:
    return None


def say(*words: str) -> None:
    """One line, at once: the next moment may not come."""
    sys.stdout.write(" ".join(words) + "\n")
    sys.stdout.flush()


class Told(logging.Handler):
    """Prints what the worker says when it comes too late."""

    def emit(self, record: logging.LogRecord) -> None:
        if "by another worker meanwhile" in record.msg:
            say("fenced")


async def kept_up(acting: Callable[[], Coroutine[None, None, None]]) -> None:
    """As a supervisor would: who starts while the database is away is started again."""
    while True:
        with suppress(StorageError):
            await acting()
        await asyncio.sleep(0.1)


async def learn(url: str) -> None:
    logging.getLogger("explib_learner.worker").addHandler(Told())
    async with open_store(url) as store:
        await Worker(store, Pipeline(store, Slow().analyst()), LEASE_SECONDS).watch()


async def submit(url: str, name: str, start: int) -> None:
    settings = Settings(database_url=url, embedder="none", analyst="contrast")
    numbers = itertools.count(start)
    async with open_application(settings) as application:
        defaults = LibrarySettings(max_experiences=LESSONS + 20)
        libraries = [await application.store.libraries.ensure(each, defaults) for each in LIBRARIES]
        await asyncio.gather(*(_submit_on(application, libraries, name, numbers) for _ in range(AT_ONCE)))


async def _submit_on(application: Application, libraries: list[Library], name: str, numbers: Iterator[int]) -> None:
    for number in numbers:
        await asyncio.sleep(random.uniform(0.0, PAUSE_SECONDS))
        library, task = libraries[number % len(libraries)], f"do task {number // ATTEMPTS}"
        key = f"{name}/{number}"
        retrieval = None
        while True:  # as a patient client: the same again, under the same key
            try:
                if retrieval is None and number % 5:
                    fresh = await application.store.libraries.get(library.name)
                    retrieval = (await application.fetch(fresh, task)).retrieval.id
                raw = RawSubmission(
                    task, f"attempt {key}", float(number % 2), key, idempotency_key=key, retrieval_id=retrieval
                )
                receipt = await application.submit(library, raw)
            except StorageError:
                await asyncio.sleep(0.05)
            except NotFound:  # the record of a retrieval promises nothing
                retrieval = None
            except Conflict:  # after a restart: this number was submitted under another retrieval
                break
            else:
                say(key, receipt.trajectory_id)
                break


if __name__ == "__main__":
    logging.getLogger().addHandler(logging.NullHandler())  # that the database went away is no news here
    role, where, *rest = sys.argv[1:]
    asyncio.run(kept_up(lambda: learn(where) if role == "learn" else submit(where, rest[0], int(rest[1]))))
