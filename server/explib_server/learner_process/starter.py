"""A server makes sure that the learner process of its database runs while there is something to learn."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from explib.errors import StorageError
from explib.tasks import cancel_and_wait, set_within
from explib_learner.worker import POLL_SECONDS, worker_name
from explib_server.application import Application
from explib_server.learner_process.process import START_LEASE, learner_log, process_lease

log = logging.getLogger(__name__)
START_SECONDS = 15.0
"""A process that doesn't hold its lease after this time has failed."""
LONGEST_WAIT = 300.0
"""Seconds between starts after which work is still due; the wait doubles up to this."""


@asynccontextmanager
async def learner_process(application: Application, stopping: Callable[[], bool]) -> AsyncIterator[None]:
    """While this lasts, start a learner process whenever groups are due and none runs.

    At the end, too, but where the server is `stopping` by a signal: who ends a process wants no other.
    """
    holder = worker_name()
    task = asyncio.create_task(_keep(application, holder), name="learner process")
    try:
        yield
    finally:
        await cancel_and_wait(task)
        if not stopping():
            await _last_look(application, holder)


async def _keep(application: Application, holder: str) -> None:
    stored = asyncio.Event()
    application.on_submission(stored.set)
    starts, not_before = 0, 0.0
    while True:
        stored.clear()
        try:
            if not await application.store.groups.libraries_with_work():
                starts, not_before = 0, 0.0
            elif time.monotonic() >= not_before and await process_lease(application.store) is None:
                starts += 1
                not_before = time.monotonic() + min(LONGEST_WAIT, POLL_SECONDS * 2**starts)
                await _begun(application, holder)
        except Exception:  # the outermost loop: what is stored waits for the next look
            log.exception("could not look for something to learn")
        await set_within(stored, POLL_SECONDS)


async def _last_look(application: Application, holder: str) -> None:
    """A client may close right after it has submitted."""
    try:
        if await _missing(application):
            await _start(application, holder)
    except StorageError as error:
        log.error("could not look for something to learn: %s", error)


async def _missing(application: Application) -> bool:
    return bool(await application.store.groups.libraries_with_work()) and await process_lease(application.store) is None


async def _start(application: Application, holder: str) -> bool:
    """Start one, unless another server is doing so. False where it cannot be started."""
    from explib_server.learner_process.detached import start_detached

    if await application.store.leases.acquire(START_LEASE, holder, START_SECONDS) is None:
        return True
    try:
        await asyncio.to_thread(start_detached, application.settings)
    except OSError as error:
        log.error("the learner process could not be started (%s): run explib learn", error)
        return False
    return True


async def _begun(application: Application, holder: str) -> None:
    """Start one, and wait until it (or another) is there, or nothing is left to learn."""
    if not await _start(application, holder):
        return
    until = time.monotonic() + START_SECONDS
    while await _missing(application):
        if time.monotonic() >= until:
            log.error("the learner process ended before it began: %s says why", learner_log(application.settings))
            return
        await asyncio.sleep(POLL_SECONDS / 10)
