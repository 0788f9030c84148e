"""Work that goes to its end, whoever is cancelled meanwhile, and work that goes on behind whoever started it.

What closes connections must not be left half-way. But a caller may be cancelled more than once: `asyncio.gather`, and a
task that is awaited, hand each cancellation on to what is waited for, and anyio's cancel scopes cancel at every wait.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Coroutine
from functools import partial
from typing import Any, TypeVar

log = logging.getLogger(__name__)
T = TypeVar("T")


async def run_to_completion(work: Awaitable[T]) -> T:
    """What the work returns or raises. Who is cancelled meanwhile is told so when it has ended."""
    ending = asyncio.ensure_future(work)
    given_up: asyncio.CancelledError | None = None
    while not ending.done():
        try:
            await asyncio.wait({ending})
        except asyncio.CancelledError as error:
            given_up = error
    if given_up is not None:
        raise given_up from (None if ending.cancelled() else ending.exception())
    return ending.result()


async def cancel_and_wait(*tasks: asyncio.Future[Any]) -> None:
    """Cancel them, once, and return when all of them have ended, however they did."""
    for task in tasks:
        task.cancel()
    await run_to_completion(asyncio.gather(*tasks, return_exceptions=True))


def end_if_cancelled() -> None:
    """Raises CancelledError where the running task was cancelled, but an error on its way out took the place of that.

    For loops that go on after errors.
    """
    if (task := asyncio.current_task()) is not None and task.cancelling():
        raise asyncio.CancelledError


async def set_within(event: asyncio.Event, seconds: float) -> bool:
    """Wait for the event, at most so long; whether it is set then."""
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return event.is_set()


class BackgroundTasks:
    """Work that nobody waits for. Whoever owns it waits for its end, or ends it, before what it works on is closed."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def idle(self) -> bool:
        """Whether nothing goes on."""
        return all(task.done() for task in self._tasks)

    def start(self, work: Coroutine[Any, Any, None], name: str, failed: str) -> None:
        """Let it go on; `failed` is what the log says where it raises."""
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(partial(self._done, failed))

    def _done(self, failed: str, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("%s", failed, exc_info=error)

    async def flush(self) -> None:
        """Returns when all of it has ended, also what was started meanwhile."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def end(self) -> None:
        """Leave off, wherever it is."""
        await cancel_and_wait(*self._tasks)
