"""One open database: reads on pooled connections, writes through a writer that groups them into transactions.

`Dialect` is the seam for what differs between engines; `sqlite` implements it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Protocol, TypeVar

from sqlalchemy import ColumnElement, Double, Table, literal
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from explib.errors import ExplibError
from explib.storage.writer import Writer

T = TypeVar("T")
Insert = sqlite.Insert | postgresql.Insert


class Dialect(Protocol):
    """What differs between the engines."""

    def create_engine(self) -> AsyncEngine:
        """An engine whose connections are set up. Raises StorageError where that cannot work."""
        ...

    def describe(self) -> str:
        """Engine and version, for `explib doctor`."""
        ...

    def explain(self, error: DBAPIError) -> ExplibError:
        """The driver's error in our words."""
        ...

    def insert(self, table: Table) -> Insert:
        """An INSERT that can be told what to do on a conflict."""
        ...

    def now(self) -> ColumnElement[float]:
        """Seconds since the epoch by the clock that all of this database's users share."""
        ...

    def lexical_schema(self) -> Sequence[str]:
        """The statements that create the full-text table."""
        ...

    async def index_terms(self, connection: AsyncConnection, library_id: int, experience_id: str, terms: str) -> None:
        """Put or replace the terms of one experience in the full-text table; empty terms take it out."""
        ...

    async def search_terms(
        self, connection: AsyncConnection, library_id: int, terms: Sequence[str], limit: int
    ) -> list[str]:
        """Experience ids by BM25 over an OR of the terms (at least one), best first."""
        ...


class Database:
    """An open database."""

    def __init__(self, dialect: Dialect, clock: Callable[[], float] | None = None) -> None:
        self.dialect = dialect
        self._clock = clock
        with self.explained():
            self._engine = dialect.create_engine()
        self._writer = Writer(self._engine)

    def now(self) -> ColumnElement[float]:
        """Seconds since the epoch, by the one clock that everybody on this database goes by."""
        return self.dialect.now() if self._clock is None else literal(self._clock(), Double)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A connection whose reads are of one moment. Driver errors come out as StorageError."""
        with self.explained():
            connection = await self._opened()
            try:
                yield connection
            finally:
                await connection.close()

    async def _opened(self) -> AsyncConnection:
        """An open connection. Who gives up meanwhile waits for the driver's thread, which can't be stopped half-way."""
        opening = asyncio.ensure_future(self._open())
        try:
            return await asyncio.shield(opening)
        except asyncio.CancelledError:
            await (await opening).close()
            raise

    async def _open(self) -> AsyncConnection:
        return await self._engine.connect()

    async def write(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """Run `work` in a transaction, perhaps together with others; durable when it returns."""
        with self.explained():
            return await self._writer.run(work)

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Turns driver errors into ours, keeping the cause."""
        try:
            yield
        except DBAPIError as error:
            raise self.dialect.explain(error) from error

    async def settled(self) -> None:
        """Returns when every write that was handed in has ended."""
        await self._writer.settled()

    async def close(self) -> None:
        """Finish the writes under way and close every connection."""
        await self._writer.close()
        await self._engine.dispose()
