"""One open database: reads on pooled connections, writes through the engine's own writer.

`Dialect` is the seam for what differs between engines; `sqlite` and `postgresql` implement it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias, TypeVar

from sqlalchemy import ColumnElement, Double, Executable, RowMapping, Select, Table, literal
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from explib.errors import DatabaseTooNew, ExplibError
from explib.tasks import BackgroundTasks, run_to_completion
from explib.tracing import span

T = TypeVar("T")
Row: TypeAlias = "tuple[Any, ...] | None"
TermsRow: TypeAlias = "tuple[int, str, int, str]"
"""Library id, experience id, version, and the lesson's terms, apart by spaces."""
Insert = sqlite.Insert | postgresql.Insert
MakeInsert: TypeAlias = Callable[[Table], Insert]
NO_DATABASE = (
    "There is no database yet ({place}), and reading makes none: attach an agent (`explib attach`), import attempts "
    "(`explib import`), or correct EXPLIB_DATABASE_URL."
)
STAMP = "SELECT version_num FROM alembic_version"


Access: TypeAlias = Literal["create", "existing", "read"]
"""What opening a database may do: make or upgrade it, only use one that is there, or only read that."""


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """Conditions under which a unit of work may be run: see `Database.write`."""

    idempotent: bool
    explicit_locks: bool


class Writer(Protocol):
    """Runs pieces of work in transactions."""

    async def run(self, work: Callable[[AsyncConnection], Awaitable[T]], options: WriteOptions, /) -> T:
        """Implements `Database.write`."""
        ...

    async def flush(self) -> None:
        """Returns when every write that was handed in has ended."""
        ...

    async def close(self) -> None:
        """Settle, then give every connection back."""
        ...


class SingleRowReader(Protocol):
    """Reads single rows, each as of the moment of its call, by the shortest way that its engine has.

    A pooled connection, its thread and a transaction take most of a millisecond: half of a whole empty MCP call.
    """

    @property
    def failures(self) -> tuple[type[Exception], ...]:
        """The errors of `first` where it cannot read now; a usual read then succeeds, or explains what is wrong."""
        ...

    async def first(self, statement: Select[Any], values: Mapping[str, object]) -> Row:
        """The first row as the driver gives it, or None. Cast what the engines give differently."""
        ...

    async def close(self) -> None:
        """Give the connection back."""
        ...


class DatabaseSearch(Protocol):
    """Full text and nearest neighbours inside the database, for libraries that are too large for memory."""

    async def save_terms(self, connection: AsyncConnection, rows: Sequence[TermsRow]) -> None:
        """Put or replace the terms of lessons in the full-text table; those of a newer version stay."""
        ...

    async def by_terms(
        self, connection: AsyncConnection, library_id: int, terms: Sequence[str], limit: int
    ) -> list[str]:
        """Experience ids by BM25 over an OR of the terms (at least one), best first."""
        ...

    async def nearest(
        self, connection: AsyncConnection, owner: tuple[int, str], vector: bytes, limit: int
    ) -> list[tuple[str, float]]:
        """Ids and inner products of a library's (id, embedder) vectors nearest to this one, nearest first."""
        ...

    async def index_vectors(self, engine: AsyncEngine, owner: tuple[int, str], dimensions: int) -> None:
        """Make the index that `nearest` is faster with, where it pays."""
        ...


class Dialect(Protocol):
    """The differences between the engines."""

    @property
    def search(self) -> DatabaseSearch | None:
        """Search inside the database, where the engine has it."""
        ...

    def create_engine(self) -> AsyncEngine:
        """An engine whose connections are set up. Raises StorageError where that cannot work."""
        ...

    async def prepare(self, engine: AsyncEngine, access: Access) -> None:
        """Called once, at opening. Raises StorageError where there is no database to use so."""
        ...

    def writer(self, engine: AsyncEngine) -> Writer:
        """The runner of writes."""
        ...

    async def open_for_reading(self, engine: AsyncEngine) -> AsyncConnection:
        """A connection whose reads will all be of one moment."""
        ...

    def describe(self) -> str:
        """Engine and where it is, for `explib doctor`."""
        ...

    def glance(self, engine: AsyncEngine) -> SingleRowReader:
        """The shortest way to a single row."""
        ...

    def explain(self, error: DBAPIError) -> ExplibError:
        """The driver's error in our words."""
        ...

    async def run(
        self, connection: AsyncConnection, statement: str, values: Sequence[object]
    ) -> Sequence[tuple[Any, ...]]:
        """Run a statement in the driver's own text inside a writing transaction; its rows. See `prepared`."""
        ...

    async def run_many(self, connection: AsyncConnection, statement: str, rows: Sequence[tuple[object, ...]]) -> None:
        """Run such a statement for each of the rows."""
        ...

    @property
    def columns_query(self) -> str:
        """A SELECT of the table and the name of every column that the database has."""
        ...

    def insert(self, table: Table) -> Insert:
        """An INSERT that can be told what to do on a conflict."""
        ...

    def among(self, column: ColumnElement[str], values: Collection[str]) -> ColumnElement[bool]:
        """A condition that the column has one of these values, sent as one parameter however many there are."""
        ...

    def now(self) -> ColumnElement[float]:
        """Seconds since the epoch by the clock that all of this database's users share."""
        ...

    async def prepare_schema(self, connection: AsyncConnection) -> None:
        """Lock out other upgrades and set up what the tables need, in the transaction that creates or upgrades them.

        Raises StorageError where the server lacks what we need.
        """
        ...

    async def check_storage(self, connection: AsyncConnection) -> Sequence[str]:
        """Damage that the engine itself finds in its storage, in its words."""
        ...

    async def settle_in(self, connection: AsyncConnection) -> None:
        """Bring sequences and statistics up to date after rows were copied in bulk with ids of their own."""
        ...

    async def snapshot(self, path: Path) -> bool:
        """Write the whole database into a new SQLite file, as of one moment; False where the engine cannot do that."""
        ...

    async def announce(self, connection: AsyncConnection) -> None:
        """Tell everybody, once the transaction is committed, that a library has a new revision."""
        ...

    def changes(self, engine: AsyncEngine) -> AbstractAsyncContextManager[Callable[[], Awaitable[None]]]:
        """Implements `Database.changes`."""
        ...


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
