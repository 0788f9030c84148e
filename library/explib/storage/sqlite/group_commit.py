"""Grouped commits: writes that wait at the same time share one transaction, each in its own savepoint.

One durable commit costs a disk flush; under load many submissions share it. Nobody gets an answer before the commit.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from explib.storage.engine import WriteOptions

log = logging.getLogger(__name__)
T = TypeVar("T")
MAX_BATCH = 200
"""Writes in one transaction: bounds how long the database stays locked for other processes."""
WRITES = "explib_writes"
"""The execution option by which a dialect knows that a transaction will write."""


@dataclass(frozen=True, slots=True)
class _Pending:
    work: Callable[[AsyncConnection], Awaitable[None]]
    done: asyncio.Future[None]

    def settle(self, outcome: BaseException | None) -> None:
        if self.done.done():  # its caller was cancelled meanwhile
            return
        if outcome is None:
            self.done.set_result(None)
        else:
            self.done.set_exception(outcome)


class GroupingWriter:
    """Runs writes one batch at a time on one connection of its own; SQLite lets nobody else write meanwhile."""

    def __init__(self, engine: AsyncEngine, check: Callable[[], None]) -> None:
        """`check` raises StorageError where what was committed would not be kept."""
        self._engine = engine
        self._check = check
        self._queue: deque[_Pending] = deque()
        self._task: asyncio.Task[None] | None = None
        self._connection: AsyncConnection | None = None

    async def run(self, work: Callable[[AsyncConnection], Awaitable[T]], _promises: WriteOptions) -> T:
        """The result of `work` once its transaction is committed.

        Raises what `work` raised (nothing of it is kept then), or the driver's error if the commit failed.
        """
        results: list[T] = []

        async def keep(connection: AsyncConnection) -> None:
            results.append(await work(connection))

        pending = _Pending(keep, asyncio.get_running_loop().create_future())
        self._queue.append(pending)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._drain(), name="explib-writer")
        await pending.done
        return results[0]

    async def flush(self) -> None:
        """Returns when the queue is empty and the last batch is committed."""
        if self._task is not None:
            await asyncio.wait({self._task})  # a waiter that gives up must not take the writer with it

    async def close(self) -> None:
        """Settle, then give the connection back."""
        await self.flush()
        await self._disconnect()

    async def _drain(self) -> None:
        while self._queue:
            batch = [self._queue.popleft() for _ in range(min(MAX_BATCH, len(self._queue)))]
            [done] = await asyncio.gather(self._transact(batch), return_exceptions=True)
            outcomes = [done] * len(batch) if isinstance(done, BaseException) else done
            for pending, outcome in zip(batch, outcomes, strict=True):
                pending.settle(outcome)
            if isinstance(done, BaseException):
                await self._disconnect()

    async def _transact(self, batch: list[_Pending]) -> list[BaseException | None]:
        self._check()
        if self._connection is None:
            self._connection = await self._engine.connect()
            self._connection = await self._connection.execution_options(**{WRITES: True})
        async with self._connection.begin():
            outcomes = [await self._attempt(self._connection, pending) for pending in batch]
        self._check()
        return outcomes

    async def _attempt(self, connection: AsyncConnection, pending: _Pending) -> BaseException | None:
        savepoint = await connection.begin_nested()
        [outcome] = await asyncio.gather(pending.work(connection), return_exceptions=True)
        if outcome is None:
            await savepoint.commit()
            return None
        if isinstance(outcome, OperationalError):
            raise outcome  # full disk, lost file: the engine may have ended the whole transaction
        await savepoint.rollback()
        return outcome

    async def _disconnect(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            try:
                await connection.close()
            except SQLAlchemyError:
                log.exception("a broken connection could not be closed")
