"""Background work of a server: the open application, the watch for revisions, the learner."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from mcp.server.subscriptions import InMemorySubscriptionBus

from explib.settings.program import Settings
from explib.tasks import cancel_and_wait, set_within
from explib.tracing import Link, here
from explib_learner.pipeline import Run
from explib_learner.worker import MAX_CAUSES, POLL_SECONDS, Worker
from explib_server.application import Application
from explib_server.compose import open_application
from explib_server.learner_process.starter import learner_process
from explib_server.mcp.revision_events import RevisionEvents

if TYPE_CHECKING:
    from explib_server.mcp.server import LearnerMode

log = logging.getLogger(__name__)


@asynccontextmanager
async def run_background(
    settings: Settings, bus: InMemorySubscriptionBus, learner: LearnerMode, stopping: Callable[[], bool]
) -> AsyncIterator[Application]:
    """The open application with its background work; all of it ends at the end. `stopping`: by a signal.

    Raises StorageError.
    """
    async with open_application(settings) as application:
        events = RevisionEvents(application.store, bus)
        await events.look()
        for library in await application.store.libraries.all():
            application.lifecycle.rewarded(library)  # what an earlier process took in and did not look at any more
        async with AsyncExitStack() as background:
            await background.enter_async_context(_task(events.watch(), "revision-events"))
            alone = settings.chosen_analyst() != "agent"
            if learner == "inprocess" and alone:
                await background.enter_async_context(_task(_learn(application, events), "learner"))
            elif learner == "detached" and alone:
                await background.enter_async_context(learner_process(application, stopping))
            yield application


@asynccontextmanager
async def _task(work: Coroutine[None, None, None], name: str) -> AsyncIterator[None]:
    task = asyncio.create_task(work, name=name)
    try:
        yield
    finally:
        await cancel_and_wait(task)


async def _learn(application: Application, events: RevisionEvents) -> None:
    """Watch with a worker that is only built, with all that it imports, once there is something to learn."""
    stored = asyncio.Event()
    worker: Worker | None = None
    earlier: deque[Link] = deque(maxlen=MAX_CAUSES)

    def notice() -> None:
        if worker is None and (cause := here()) is not None:
            earlier.append(cause)
        stored.set()

    application.on_submission(notice)

    async def tell(_run: Run) -> None:
        await events.look()

    while True:
        stored.clear()
        try:
            if await application.store.groups.libraries_with_work():
                worker = await application.learning.worker(tell, earlier)
                application.on_submission(worker.wake)
                await worker.watch()
        except Exception:  # the outermost loop: what is stored waits for the next look
            log.exception("could not look for something to learn")
        await set_within(stored, POLL_SECONDS)
