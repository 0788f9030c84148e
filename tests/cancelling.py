"""Cancelling at a chosen point, and what is left open afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Generator
from pathlib import Path
from typing import Any

PATIENCE = 30.0
"""Seconds after which a condition that should come true has failed."""
OPEN_FILES = Path("/proc/self/fd")


class CutOff(Coroutine[Any, Any, None]):
    """Work whose task is cancelled where it waits for the `at`-th time, and where it waits `then` times more."""

    def __init__(self, work: Coroutine[Any, Any, None], at: int, then: int = 0) -> None:
        self._work = work
        self._moments = range(at, at + then + 1)
        self._waits = 0

    def send(self, value: Any) -> Any:
        """Go on to the next wait."""
        return self._waiting(self._work.send(value))

    def throw(self, *error: Any) -> Any:
        """Go on with an error to the next wait."""
        return self._waiting(self._work.throw(*error))

    def close(self) -> None:
        """Leave it."""
        self._work.close()

    def __await__(self) -> Generator[Any, Any, None]:
        raise NotImplementedError("it is a task's own work")

    def _waiting(self, waited_for: Any) -> Any:
        self._waits += 1
        task = asyncio.current_task()
        if task is not None and self._waits in self._moments:
            task.cancel()
        return waited_for

    async def cut(self) -> bool:
        """Run it; whether it came as far as where it was to be cancelled."""
        task = asyncio.create_task(self)
        await asyncio.wait({task})
        if self._waits < self._moments.start:
            task.result()
            return False
        assert task.cancelled()
        return True


def files_open(folder: Path) -> list[str]:
    """The files of this folder that this process has open."""
    opened = []
    for each in OPEN_FILES.iterdir():
        try:
            opened.append(str(each.readlink()))
        except FileNotFoundError:  # the folder was listed by a descriptor of its own
            continue
    return [name for name in opened if name.startswith(f"{folder}/")]


def tasks() -> list[str]:
    """What goes on beside the caller."""
    return [repr(task) for task in asyncio.all_tasks() - {asyncio.current_task()}]


async def until_nothing_is(left: Callable[[], list[str]]) -> None:
    """Wait for connections that end in their own threads and on their own servers, and for tasks that close them."""
    try:
        async with asyncio.timeout(PATIENCE):
            while tasks() or await asyncio.to_thread(left):
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"left open: {[*left(), *tasks()]}") from None
