"""The seams between the store and its engines: `sqlite` and `postgresql` implement them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, TypeVar

from sqlalchemy import ColumnElement, Select, Table
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from explib.errors import ExplibError

if TYPE_CHECKING:  # a server on SQLite does not wait for the import of the other
    from sqlalchemy.dialects import postgresql, sqlite

T = TypeVar("T")
Row: TypeAlias = "tuple[Any, ...] | None"
TermsRow: TypeAlias = "tuple[int, str, int, str]"
"""Library id, experience id, version, and the lesson's terms, apart by spaces."""
Insert: TypeAlias = "sqlite.Insert | postgresql.Insert"
MakeInsert: TypeAlias = "Callable[[Table], Insert]"
NO_DATABASE = (
    "There is no database yet ({place}), and this makes none: attach an agent (`explib attach`), import attempts "
    "(`explib import`), or correct EXPLIB_DATABASE_URL."
)
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
        """Run a statement in the driver's own text inside a writing transaction; its rows. See `statements`."""
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

    async def purge(self) -> str:
        """Rewrite the storage so that it holds nothing of what was deleted, where the engine can.

        Returns the sentence that says what may still hold it; empty where nothing does.
        """
        ...

    async def announce(self, connection: AsyncConnection) -> None:
        """Tell everybody, once the transaction is committed, that a library has a new revision."""
        ...

    def changes(self, engine: AsyncEngine) -> AbstractAsyncContextManager[Callable[[], Awaitable[None]]]:
        """Implements `Database.changes`."""
        ...
