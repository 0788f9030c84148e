"""The learner process: the only one of its database, from when something is ready until nothing is any more."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections.abc import Awaitable, Callable
from logging.handlers import RotatingFileHandler
from pathlib import Path

from platformdirs import user_log_path

from explib.errors import LeaseLost
from explib.models.learning import Lease
from explib.settings.program import Settings
from explib.storage.sqlite.file import make_private
from explib.storage.store import Store, database_file
from explib_learner.heartbeat import heartbeat
from explib_learner.pipeline import Run
from explib_learner.worker import Worker, worker_name
from explib_server.application import Application
from explib_server.telemetry.logs import Repeats

log = logging.getLogger(__name__)
LEASE = "learner:process"
"""The lease that the learner process of a database holds."""
START_LEASE = "learner:start"
"""The lease under which one server starts the process."""
LOG_BYTES = 1024 * 1024
"""A fuller log becomes `….log.1`, in place of the one before it: a log takes twice this at most."""
POLL_SECONDS = 0.5
"""Seconds between two looks for groups that a server made ready."""


async def process_lease(store: Store) -> Lease | None:
    """The lease of the learner process that runs now, or None."""
    return await store.leases.holder(LEASE)


async def learn_until_idle(application: Application, on_run: Callable[[Run], Awaitable[None]]) -> bool:
    """Learn whatever becomes ready, until nothing could be done for EXPLIB_LEARNER_IDLE_SECONDS.

    False where another process is at it, which is then left alone. Ends too where the database's file is gone.
    """
    store, seconds = application.store, application.settings.lease_seconds
    lease = await store.leases.acquire(LEASE, worker_name(), seconds)
    if lease is None:
        return False
    await store.leases.take_away(START_LEASE)
    try:
        async with heartbeat(store, lease, seconds):
            await _watch(application, await application.learning.worker(on_run))
    except LeaseLost:
        log.warning("another learner process has taken over")
    finally:
        await store.leases.release(lease)
    return True


async def _watch(application: Application, worker: Worker) -> None:
    file = database_file(application.settings.database_url)
    file_identity = _identity(file)
    busy = time.monotonic()
    while time.monotonic() < busy + application.settings.learner_idle_seconds:
        if _identity(file) != file_identity:
            log.warning("the database's file is gone")
            return
        try:
            if any(not run.outage for run in await worker.learn_ready()):
                busy = time.monotonic()
        except Exception:  # the outermost loop: the groups keep their state, the tries are counted
            log.exception("learning stopped; trying again in %g s", POLL_SECONDS)
        await asyncio.sleep(POLL_SECONDS)


def _identity(file: Path | None) -> tuple[int, int] | None:
    """Device and number of the file: another file under the same name is another database."""
    if file is None:
        return None
    try:
        status = file.stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


def learner_log(settings: Settings) -> Path:
    """The log of this database's learner processes on this machine; there is none where none ever ran."""
    file = database_file(settings.database_url)
    database = settings.database_url if file is None else str(file.resolve())
    name = hashlib.sha256(database.encode()).hexdigest()[:12]
    return user_log_path("explib") / f"learner-{name}.log"


def write_log(settings: Settings) -> None:
    """From here on everything that this process logs goes to the learner's log, its runs at any level."""
    path = learner_log(settings)
    make_private(path)
    handler = RotatingFileHandler(path, maxBytes=LOG_BYTES, backupCount=1, encoding="utf-8")
    handler.addFilter(Repeats())
    form = "%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"
    logging.basicConfig(level=settings.log_level, handlers=[handler], format=form, force=True)
    logging.getLogger("explib_server.learner_process").setLevel(logging.INFO)
