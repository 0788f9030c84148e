"""The engine's process, as the loop sees it: batches in, events out, nothing left behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path

from explib.errors import InvalidInput, StorageError
from explib_server.practice.protocol import STOP, EngineSpec, Event, Rollout, batch_line, read_event
from explib_server.practice.tasks import PracticeTask

LONGEST_LINE = 64 * 1024 * 1024
"""Bytes of one finished rollout."""
END_SECONDS = 10.0
LOG = "engine.log"


class EngineProcess:
    """A running engine with its tasks loaded."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self._process = process
        self._log = log
        self.tasks: list[PracticeTask] = []
        self.held_out: list[PracticeTask] = []

    async def begin(self, spec: EngineSpec) -> None:
        """Load the tasks. Raises InvalidInput where they cannot be."""
        await self._send(spec.line())
        event = await self._event()
        if event.name == "refused":
            raise InvalidInput(event.reason)
        self.tasks, self.held_out = event.tasks, event.held_out

    async def batch(self, folder: Path, rollouts: list[Rollout]) -> AsyncIterator[Event]:
        """Run a batch; each rollout that ends, then one event `batch`. Raises StorageError where the process ends."""
        await self._send(batch_line(str(folder), rollouts))
        while True:
            event = await self._event()
            yield event
            if event.name == "batch":
                return

    async def stop(self) -> None:
        """Begin no further rollout of the batch; those under way are finished."""
        await self._send(STOP)

    async def _send(self, line: str) -> None:
        if self._process.stdin is not None:
            with contextlib.suppress(ConnectionError):  # its end is noticed where it is read
                self._process.stdin.write(line.encode() + b"\n")
                await self._process.stdin.drain()

    async def _event(self) -> Event:
        line = await self._process.stdout.readline() if self._process.stdout is not None else b""
        if not line.endswith(b"\n"):
            raise StorageError(
                f"The process of the rollouts ended (see {self._log}): what was finished is kept; the same command "
                "goes on."
            )
        return read_event(line.decode())

    async def end(self) -> None:
        """End the process and what it started."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            async with asyncio.timeout(END_SECONDS):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()


@asynccontextmanager
async def engine_process(folder: Path) -> AsyncIterator[EngineProcess]:
    """An engine that logs into the folder, ended with the block. Raises InvalidInput where Inspect is not installed."""
    if find_spec("inspect_ai") is None:
        raise InvalidInput("Practice stands on Inspect AI, which is not installed: pip install 'explib[practice]'.")
    log = folder / LOG
    with log.open("ab") as errors:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "explib_server.practice.engine"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            env={**os.environ, "INSPECT_DISPLAY": "none", "PYTHONUNBUFFERED": "1"},
            start_new_session=True,  # ctrl-C is for the loop, which ends it in order
            limit=LONGEST_LINE,
        )
    engine = EngineProcess(process, log)
    try:
        yield engine
    finally:
        await asyncio.shield(engine.end())
