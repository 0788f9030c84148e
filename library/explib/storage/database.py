"""One open database: reads on pooled connections, writes through the engine's own writer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Double, Executable, RowMapping, Select, literal
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from explib.errors import DatabaseTooNew, ExplibError
from explib.storage.engine import Access, Dialect, Row, WriteOptions
from explib.tasks import BackgroundTasks, run_to_completion
from explib.tracing import span

T = TypeVar("T")
STAMP = "SELECT version_num FROM alembic_version"


class Database:
    """An open database."""

    def __init__(self, dialect: Dialect, clock: Callable[[], float] | None = None, access: Access = "create") -> None:
        self.dialect = dialect
        self.access = access
        self._clock = clock
        with self.explained():
            self._engine = dialect.create_engine()
        self._writer = dialect.writer(self._engine)
        self._glance = dialect.glance(self._engine)
        self.stamp: str | None = None
        """The schema that the database must still have when something is written."""
        self.background = BackgroundTasks()
        """Work behind the answers that may be left at any point: closing the database cancels it."""

    def now(self) -> ColumnElement[float]:
        """Seconds since the epoch, by the one clock that everybody on this database goes by."""
        return self.dialect.now() if self._clock is None else literal(self._clock(), Double)

    def reached(self, column: ColumnElement[float], longest: float) -> ColumnElement[bool]:
        """A condition that a time has come, or is further ahead than anybody may set it: `longest` seconds.

        A clock that was ahead leaves such times behind, and would stop everybody else for as long as it was ahead.
        """
        return (column <= self.now()) | (column > self.now() + longest)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A connection whose reads are of one moment. Driver errors come out as StorageError."""
        with self.explained(), span("store.read", engine=self._engine.dialect.name):
            connection = await self._opened()
            try:
                yield connection
            finally:
                await run_to_completion(connection.close())

    async def rows(self, statement: Executable) -> Sequence[RowMapping]:
        """The rows of one statement that reads. Raises StorageError."""
        async with self.read() as connection:
            return (await connection.execute(statement)).mappings().all()

    async def row(self, statement: Executable) -> RowMapping | None:
        """The first row of a statement that reads, or None. Raises StorageError."""
        async with self.read() as connection:
            return (await connection.execute(statement)).mappings().first()

    async def scalar(self, statement: Executable) -> Any:
        """The first column of the first row of a statement that reads, or None. Raises StorageError."""
        async with self.read() as connection:
            return (await connection.execute(statement)).scalar()

    async def read_row(self, statement: Select[Any], values: Mapping[str, object]) -> Row:
        """The first row of a short read as of now, as the driver gives it, or None. Raises StorageError."""
        try:
            return await self._glance.first(statement, values)
        except self._glance.failures:
            async with self.read() as connection:
                row = (await connection.execute(statement, values)).first()
                return None if row is None else tuple(row)

    async def _opened(self) -> AsyncConnection:
        """An open connection. Who gives up meanwhile waits for the driver's thread, which can't be stopped half-way."""
        opening = asyncio.ensure_future(self.dialect.open_for_reading(self._engine))
        try:
            return await asyncio.shield(opening)
        except asyncio.CancelledError:
            await run_to_completion(_left(opening))
            raise

    async def write(
        self, work: Callable[[AsyncConnection], Awaitable[T]], *, idempotent: bool = False, explicit_locks: bool = False
    ) -> T:
        """Run `work` in a transaction, as if nobody else wrote meanwhile; durable when it returns.

        `work` may be called again after a try that left nothing. Where it is `idempotent`, a second run after one that
        was committed changes nothing more, so that it is also run again where nobody knows whether the first was.
        `explicit_locks` says that it locks what others may change meanwhile, in the order leases, libraries, groups:
        the database need not serialise such work, which costs tries where many write.
        """
        with self.explained(), span("store.write", engine=self._engine.dialect.name):
            return await self._writer.run(self._guarded(work), WriteOptions(idempotent, explicit_locks))

    def _guarded(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> Callable[[AsyncConnection], Awaitable[T]]:
        """The work, once its transaction has seen that no other process has upgraded the database meanwhile."""
        if self.stamp is None:
            return work

        async def run(connection: AsyncConnection) -> T:
            rows = await self.dialect.run(connection, STAMP, ())
            if [row[0] for row in rows] != [self.stamp]:
                raise DatabaseTooNew(
                    f"Another explib has changed the database from schema {self.stamp} to {rows[0][0]} meanwhile: "
                    "nothing was stored. Restart this one, after upgrading it, and try again."
                )
            return await work(connection)

        return run

    def changes(self) -> AbstractAsyncContextManager[Callable[[], Awaitable[None]]]:
        """A function to wait with: it returns when a revision may have been made since, by whichever process."""
        return self.dialect.changes(self._engine)

    async def index_vectors(self, owner: tuple[int, str], dimensions: int) -> None:
        """Make the index for nearest neighbours where the engine has one and it pays."""
        if self.dialect.search is not None:
            with self.explained():
                await self.dialect.search.index_vectors(self._engine, owner, dimensions)

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Turns driver errors into ours, keeping the cause."""
        try:
            yield
        except DBAPIError as error:
            raise self.dialect.explain(error) from error

    async def prepare(self) -> None:
        """Called once, at opening. Raises StorageError where there is no database to use so."""
        with self.explained():
            await self.dialect.prepare(self._engine, self.access)

    async def flush(self) -> None:
        """Returns when every write that was handed in has ended."""
        await self._writer.flush()

    async def close(self) -> None:
        """Leave what goes on behind, finish the writes under way, and close every connection."""
        await self.background.end()
        await self._writer.close()
        await self._glance.close()
        await self._engine.dispose()


async def _left(opening: asyncio.Future[AsyncConnection]) -> None:
    with suppress(DBAPIError, ExplibError):
        await (await opening).close()
