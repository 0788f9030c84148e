"""Writes on PostgreSQL: side by side, each in a transaction of its own, and again where it certainly left nothing.

Grouping them, as on SQLite, would gain nothing (the server shares its flushes among commits) and would hold the row
locks of many for as long as all of them take: a deadlock in every second batch.
"""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncTransaction

from explib.errors import DatabaseUnavailable
from explib.storage.engine import WriteOptions

T = TypeVar("T")
PATIENCE_SECONDS = 30.0
"""Time for which a restarting server is waited for, and a conflicting write is tried again."""
LONGEST_WAIT_SECONDS = 1.0
DICE = random.SystemRandom()
BROKEN_OFF = ("40001", "40P01")
"""Serialisation failure, deadlock: the server has undone the transaction."""
UNREACHABLE = ("08", "57P", "53300")
"""Connection lost, server going down or coming up, too many connections."""
BUSY = "Every connection was in use for 30 s: raise EXPLIB_DATABASE_POOL_SIZE, or let fewer ask at once."
UNKNOWN = (
    "The connection to PostgreSQL was lost while the change was being committed, so that it may or may not have been "
    "made: look before you try again."
)


def sqlstate(error: DBAPIError) -> str:
    """The server's five-character code, or nothing where the driver itself failed."""
    return str(getattr(error.orig, "sqlstate", None) or "")


def unreachable(error: DBAPIError) -> bool:
    """True for an error of the connection, not of the statement."""
    return error.connection_invalidated or sqlstate(error).startswith(UNREACHABLE)


class Patience:
    """Waits between tries, longer each time and never the same for two, until there have been enough."""

    def __init__(self) -> None:
        self._until = asyncio.get_running_loop().time() + PATIENCE_SECONDS
        self._waits = (min(LONGEST_WAIT_SECONDS, 0.005 * 2**count) for count in itertools.count())

    async def goes_on(self) -> bool:
        """Wait, then True; False once it is at its end."""
        wait = next(self._waits) * DICE.uniform(0.5, 1.0)
        if asyncio.get_running_loop().time() + wait > self._until:
            return False
        await asyncio.sleep(wait)
        return True


class Connector:
    """Opens connections. A server that was reached before is waited for; one that never was is not."""

    def __init__(self) -> None:
        self._reached = False

    async def connect(self, engine: AsyncEngine, patience: Patience | None = None) -> AsyncConnection:
        """An open connection. Raises DatabaseUnavailable."""
        patience = patience or Patience()
        while True:
            try:
                connection = await engine.connect()
            except PoolTimeout as error:
                raise DatabaseUnavailable(BUSY) from error
            except (OSError, TimeoutError, DBAPIError) as error:
                if isinstance(error, DBAPIError) and not unreachable(error):
                    raise
                if not self._reached or not await patience.goes_on():
                    raise DatabaseUnavailable(
                        f"PostgreSQL cannot be reached ({error}): check EXPLIB_DATABASE_URL and the server."
                    ) from error
            else:
                self._reached = True
                return connection


class RetryingWriter:
    """Runs at most `at_once` writes at a time."""

    def __init__(self, engine: AsyncEngine, connector: Connector, at_once: int) -> None:
        self._serial = engine.execution_options(isolation_level="SERIALIZABLE")
        self._locking = engine.execution_options(isolation_level="READ COMMITTED")
        self._connector = connector
        self._turns = asyncio.Semaphore(at_once)
        self._running: set[asyncio.Task[object]] = set()

    async def run(self, work: Callable[[AsyncConnection], Awaitable[T]], options: WriteOptions) -> T:
        """The result of `work` once its transaction is committed; see `Database.write`.

        A caller who gives up does not stop it half-way.
        """
        engine = self._locking if options.explicit_locks else self._serial
        running = asyncio.create_task(self._persist(engine, work, options.idempotent), name="explib-write")
        self._running.add(running)
        running.add_done_callback(self._ended)
        return await asyncio.shield(running)

    def _ended(self, running: asyncio.Task[object]) -> None:
        self._running.discard(running)
        if not running.cancelled():
            running.exception()  # marks it as seen where its caller has gone

    async def flush(self) -> None:
        """Returns when every write that was handed in has ended."""
        while self._running:
            await asyncio.wait(self._running)

    async def close(self) -> None:
        """Settle."""
        await self.flush()

    async def _persist(
        self, engine: AsyncEngine, work: Callable[[AsyncConnection], Awaitable[T]], repeatable: bool
    ) -> T:
        patience = Patience()
        while True:
            try:
                return await self._attempt(engine, work, repeatable, patience)
            except DBAPIError as error:
                again = sqlstate(error) in BROKEN_OFF or unreachable(error)
                if not again or not await patience.goes_on():
                    raise

    async def _attempt(
        self, engine: AsyncEngine, work: Callable[[AsyncConnection], Awaitable[T]], repeatable: bool, patience: Patience
    ) -> T:
        async with self._turns:
            connection = await self._connector.connect(engine, patience)
            try:
                async with connection.begin() as transaction:
                    result = await work(connection)
                    await _commit(transaction, repeatable)
                return result
            finally:
                await connection.close()


async def _commit(transaction: AsyncTransaction, repeatable: bool) -> None:
    try:
        await transaction.commit()
    except DBAPIError as error:
        if unreachable(error) and not repeatable:
            raise DatabaseUnavailable(UNKNOWN) from error
        raise
