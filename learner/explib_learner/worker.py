"""The worker: learns whatever is ready, one library at a time, each under a lease that a heartbeat keeps."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import socket
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from typing import NoReturn

from opentelemetry.trace import Link

from explib.errors import Conflict
from explib.models.libraries import Library
from explib.storage.learning.leases import lease_name as lease_name
from explib.storage.store import Store
from explib.tasks import end_if_cancelled, set_within
from explib.tracing import here, span
from explib_learner.heartbeat import heartbeat
from explib_learner.pipeline import OUTAGE_SECONDS, Pipeline, Run

log = logging.getLogger(__name__)
MAX_CAUSES = 32
"""Submissions that a learning run is linked to in traces."""
POLL_SECONDS = 2.0
"""How often an idle worker looks for groups that another process made ready."""
PRUNE_SECONDS = 3600.0
"""How often a watching worker lets old steps go."""


def worker_name() -> str:
    """Host, process and a random part: unique for every worker that ever ran."""
    return f"{socket.gethostname()[:30]}:{os.getpid()}:{secrets.token_hex(4)}"


class Worker:
    """Drives a pipeline. `on_run` is told of every run that did something.

    Steps of trajectories older than `retention_seconds` are pruned while it watches; None: never.
    `causes` are submissions that were made before it was there.
    """

    def __init__(
        self,
        store: Store,
        pipeline: Pipeline,
        lease_seconds: float,
        on_run: Callable[[Run], Awaitable[None]] | None = None,
        retention_seconds: float | None = None,
        causes: Iterable[Link] = (),
    ) -> None:
        self._retention_seconds = retention_seconds
        self._prune_at = 0.0
        self._store = store
        self._pipeline = pipeline
        self._lease_seconds = lease_seconds
        self._on_run = on_run
        self._name = worker_name()
        self._awake = asyncio.Event()
        self._causes: deque[Link] = deque(causes, maxlen=MAX_CAUSES)
        self.working = False
        """Whether a batch is being learned right now."""

    def wake(self) -> None:
        """Something was submitted here: look now, not at the next poll."""
        if (cause := here()) is not None:
            self._causes.append(cause)
        self._awake.set()

    async def watch(self, only: str | None = None) -> NoReturn:
        """Learn until cancelled, in every library or in `only`.

        A failure is logged and the next look goes on: nothing that is stored is lost.
        """
        while True:
            self._awake.clear()
            try:
                await self.learn_ready(only)
                await self._prune()
            except Exception:  # the outermost loop: the groups keep their state, the tries are counted
                log.exception("learning stopped; trying again in %g s", POLL_SECONDS)
                end_if_cancelled()
            await set_within(self._awake, POLL_SECONDS)

    async def learn_ready(self, only: str | None = None) -> list[Run]:
        """Learn everything that is due now, in every library or in `only`; the runs that did something.

        Libraries take turns, one batch each, so that a busy one doesn't starve the others. The turns are kept in the
        database: all its workers share them.
        """
        runs: list[Run] = []
        resting: dict[str, float] = {}
        while (run := await self._next(only, resting)) is not None:
            if not run.idle:
                runs.append(run)
        return runs

    async def _next(self, only: str | None, resting: dict[str, float]) -> Run | None:
        """One batch of the library whose turn it is; None where there is none. `resting` are passed over until then."""
        now = asyncio.get_running_loop().time
        for name in await self._store.groups.libraries_with_work():
            if only not in {None, name} or now() < resting.get(name, 0.0):
                continue
            run = await self._turn(await self._store.libraries.get(name))
            if run is None or run.idle:
                resting[name] = now() + POLL_SECONDS
            elif run.outage:
                resting[name] = now() + OUTAGE_SECONDS
            if run is not None:
                return run
        return None

    async def _prune(self) -> None:
        now = self._store.clock()
        if self._retention_seconds is None or now < self._prune_at:
            return
        self._prune_at = now + PRUNE_SECONDS
        for library in await self._store.libraries.all():
            await self._store.trajectories.prune(library, now - self._retention_seconds)

    async def _turn(self, library: Library) -> Run | None:
        """One batch of one library; None where another worker holds its lease."""
        lease = await self._store.leases.acquire(lease_name(library), self._name, self._lease_seconds)
        if lease is None:
            return None
        causes = list(self._causes)
        self._causes.clear()
        self.working = True
        try:
            with span("learn", links=causes, library=library.name) as seen:
                async with heartbeat(self._store, lease, self._lease_seconds):
                    run = await self._pipeline.run(library, lease)
                seen.set_attributes({"explib.groups": run.learned, "explib.failures": len(run.failures)})
        except Conflict as error:
            log.warning("%s was learned by another worker meanwhile: %s", library.name, error)
            return None
        finally:
            self.working = False
            await self._store.leases.release(lease)
        if self._on_run is not None and not run.idle:
            await self._on_run(run)
        return run
