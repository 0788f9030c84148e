"""Background work of a server: the open application, the watch for revisions, the learner."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from mcp.server.subscriptions import InMemorySubscriptionBus

from explib.errors import ExplibError
from explib.settings.program import Settings
from explib.tasks import cancel_and_wait, end_if_cancelled, set_within
from explib.tracing import Link, here
from explib_server.application import Application
from explib_server.compose import open_application
from explib_server.hooks.door import capture
from explib_server.mcp.revision_events import RevisionEvents

if TYPE_CHECKING:
    from explib_learner.pipeline import Run
    from explib_learner.worker import Worker

log = logging.getLogger(__name__)
POLL_SECONDS = 2.0
"""Between two looks for something to learn, as long as there was nothing."""
MOST_EARLIER = 32
"""Submissions before the first worker that its first run is linked to in traces."""


class InProcessLearner:
    """The learner of this process: a worker that is only built, with all that it imports, once there is something."""

    def __init__(self) -> None:
        self._worker: Worker | None = None
        self._earlier: deque[Link] = deque(maxlen=MOST_EARLIER)
        self._stored = asyncio.Event()
        self.progressed = time.monotonic()
        """When it last learned something."""

    @property
    def working(self) -> bool:
        """Whether it learns right now."""
        return self._worker is not None and self._worker.working

    async def watch(self, application: Application, events: RevisionEvents) -> None:
        """Learn whatever becomes ready, until cancelled."""
        application.on_submission(self._notice)

        async def tell(run: Run) -> None:
            from explib_server.render.learning import run_text

            if not run.outage:
                self.progressed = time.monotonic()
            log.info("%s", run_text(run))
            await events.look()
            if run.changes:
                await _proposed_for_the_person(application)

        while True:
            self._stored.clear()
            try:
                if await application.store.groups.libraries_with_work():
                    self._worker = await application.learning.worker(tell, self._earlier)
                    application.on_submission(self._worker.wake)
                    await self._worker.watch()
            except Exception:  # the outermost loop: what is stored waits for the next look
                log.exception("could not look for something to learn")
                end_if_cancelled()
            await set_within(self._stored, POLL_SECONDS)

    def _notice(self) -> None:
        if self._worker is None and (cause := here()) is not None:
            self._earlier.append(cause)
        self._stored.set()


async def _proposed_for_the_person(application: Application) -> None:
    """What several projects say by now. A failure is told, and stops no learning."""
    from explib_server.projects.shared import propose_shared

    try:
        if found := await propose_shared(application):
            log.info("%s: holds in several projects, proposed as %s", application.settings.library, ", ".join(found))
    except ExplibError as error:
        log.warning("what holds in several projects was not proposed: %s", error)


@asynccontextmanager
async def run_background(
    settings: Settings, bus: InMemorySubscriptionBus, learner: InProcessLearner | None
) -> AsyncIterator[Application]:
    """The open application with its background work; all of it ends at the end. Raises StorageError."""
    async with open_application(settings) as application:
        events = RevisionEvents(application.store, bus)
        await events.look()
        for library in await application.store.libraries.all():
            application.lifecycle.rewarded(library)  # what an earlier process took in and did not look at any more
        async with AsyncExitStack() as background:
            await background.enter_async_context(_task(events.watch(), "revision-events"))
            await background.enter_async_context(_task(capture(application), "capture"))
            if learner is not None and settings.chosen_analyst() != "agent":
                await background.enter_async_context(_task(learner.watch(application, events), "learner"))
            yield application


@asynccontextmanager
async def _task(work: Coroutine[None, None, None], name: str) -> AsyncIterator[None]:
    task = asyncio.create_task(work, name=name)
    try:
        yield
    finally:
        await cancel_and_wait(task)
