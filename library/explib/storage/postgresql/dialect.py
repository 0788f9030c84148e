"""PostgreSQL with pgvector: many machines on one database, full text by tsvector and GIN.

A reading transaction sees one moment (REPEATABLE READ, read only). Writing ones: see `retries`.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Double, Select, Table, any_, func, literal, text
from sqlalchemy.dialects.postgresql import ARRAY, Insert, insert
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.types import Text

from explib.errors import DatabaseUnavailable, ExplibError, StorageError, StorageFull
from explib.storage.engine import Access, Row, Writer
from explib.storage.postgresql.notifications import CHANNEL, Listener
from explib.storage.postgresql.retries import Connector, RetryingWriter, sqlstate, unreachable
from explib.storage.postgresql.search import PostgresqlSearch
from explib.storage.postgresql.sessions import POOLER, POOLER_STATES, check_sessions, set_up_sessions

PGVECTOR = (0, 7)
"""The first version that has halfvec."""
IDLE_SECONDS = 10.0
"""A transaction whose process is paused ends after so long, so that its locks don't stop everybody else."""
CONNECT_SECONDS = 10.0
SCHEMA_LOCK = 0x6578706C6962
"""The advisory lock of whoever creates or upgrades the tables: `explib` in ASCII."""
SEARCHING = {"hnsw.ef_search": "200", "hnsw.iterative_scan": "strict_order"}
"""Neighbours that an HNSW index looks at at once; it goes on where more are wanted (from pgvector 0.8 on)."""
SAYS = {
    "28": "PostgreSQL refuses the user or the password: check EXPLIB_DATABASE_URL.",
    "3D000": "There is no such database: create it (CREATE DATABASE …), or correct EXPLIB_DATABASE_URL.",
    "42501": "The database user may not do this: it needs to own the database's schema, or be granted it.",
    "25006": "The server takes no writes (a standby?): point EXPLIB_DATABASE_URL at the primary.",
    "53300": "PostgreSQL has no connection left: lower EXPLIB_DATABASE_POOL_SIZE, or raise max_connections.",
    "57014": "The statement took longer than EXPLIB_DATABASE_STATEMENT_TIMEOUT, with waiting for others: try again.",
    "55P03": "Somebody else has kept a row locked for too long: try again.",
    "40": "Too many others write the same rows at the same time: try again.",
}
SAYS |= dict.fromkeys(POOLER_STATES, POOLER)
LOST = "The connection to PostgreSQL was lost: try again."


class PostgresqlRowReader:
    """Reads single rows in one round trip, on any free connection; a reading transaction takes three."""

    failures: tuple[type[Exception], ...] = (DBAPIError,)

    def __init__(self, engine: AsyncEngine, connector: Connector) -> None:
        self._connector = connector
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")

    async def first(self, statement: Select[Any], values: Mapping[str, object]) -> Row:
        """Implements `SingleRowReader`."""
        connection = await self._connector.connect(self._engine)
        try:
            row = (await connection.execute(statement, values)).first()
        finally:
            await connection.close()
        return None if row is None else tuple(row)

    async def close(self) -> None:
        """The pool owns the connections."""


PAGES = (
    "PostgreSQL gives no deleted row to anybody, but its pages hold the bytes until (auto)vacuum and later rows reuse "
    "them, the write-ahead log and backups for as long as they are kept. Whoever runs the server can rewrite the "
    "tables with VACUUM FULL."
)


class PostgresqlDialect:
    """The engine for teams. `statement_timeout` is in seconds."""

    search = PostgresqlSearch()
    columns_query = (
        "SELECT relname, attname FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid "
        "WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p') "
        "AND attnum > 0 AND NOT attisdropped"
    )

    def __init__(self, url: URL, pool_size: int, statement_timeout: float) -> None:
        self._url = url
        self._pool_size = pool_size
        self._statement_timeout = statement_timeout
        self._connector = Connector()

    def create_engine(self) -> AsyncEngine:
        """Raises DatabaseUnavailable where asyncpg is not installed."""
        try:
            engine = create_async_engine(
                self._url,
                hide_parameters=True,  # they are texts of tasks, and errors are logged
                pool_size=self._pool_size,
                max_overflow=0,
                pool_use_lifo=True,
                connect_args={"timeout": CONNECT_SECONDS, "server_settings": {"application_name": "explib"}},
            )
        except ModuleNotFoundError as error:
            raise DatabaseUnavailable(
                "PostgreSQL needs asyncpg, which is not installed: pip install 'explib[postgres]'."
            ) from error
        set_up_sessions(
            engine,
            {
                "statement_timeout": str(round(1000 * self._statement_timeout)),
                "idle_in_transaction_session_timeout": str(round(1000 * IDLE_SECONDS)),
                "jit": "off",
                **SEARCHING,
            },
        )
        return engine

    async def prepare(self, engine: AsyncEngine, _access: Access) -> None:
        """Sessions must be kept. Raises DatabaseUnavailable."""
        await (await self._connector.connect(engine)).close()
        await check_sessions(engine)

    def writer(self, engine: AsyncEngine) -> Writer:
        """Writes run side by side, and again where another got in their way."""
        return RetryingWriter(engine, self._connector, at_once=max(1, self._pool_size // 2))

    async def open_for_reading(self, engine: AsyncEngine) -> AsyncConnection:
        """A connection whose first statement fixes the moment that all see."""
        reading = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        return await self._connector.connect(reading)

    def glance(self, engine: AsyncEngine) -> PostgresqlRowReader:
        """Without a transaction."""
        return PostgresqlRowReader(engine, self._connector)

    def describe(self) -> str:
        """Name and host of the database."""
        return (
            f"PostgreSQL, {self._url.database} at {self._url.host or self._url.query.get('host', 'the default socket')}"
        )

    def explain(self, error: DBAPIError) -> ExplibError:
        """By SQLSTATE, which is the same in every language of the server."""
        state = sqlstate(error)
        if state == "53100":
            return StorageFull()
        for start, sentence in SAYS.items():
            if state.startswith(start):
                return DatabaseUnavailable(sentence)
        if unreachable(error):
            return DatabaseUnavailable(LOST)
        return StorageError(f"PostgreSQL says: {error.orig} ({state or 'no code'}). Run `explib doctor`.")

    async def run(
        self, connection: AsyncConnection, statement: str, values: Sequence[object]
    ) -> Sequence[tuple[Any, ...]]:
        """By SQLAlchemy's way to the driver, which begins the transaction and knows the errors."""
        found = await connection.exec_driver_sql(statement, tuple(values))
        return [tuple(row) for row in found] if found.returns_rows else []

    async def run_many(self, connection: AsyncConnection, statement: str, rows: Sequence[tuple[object, ...]]) -> None:
        """All of them on their way at once."""
        await connection.exec_driver_sql(statement, list(rows))

    def insert(self, table: Table) -> Insert:
        """PostgreSQL's INSERT, which can be told what to do on a conflict."""
        return insert(table)

    def among(self, column: ColumnElement[str], values: Collection[str]) -> ColumnElement[bool]:
        """By an array: each number of parameters would be prepared and planned anew."""
        return column == any_(literal(list(values), ARRAY(Text)))

    def now(self) -> ColumnElement[float]:
        """The server's clock, as it goes on during a transaction."""
        return func.extract("epoch", func.clock_timestamp()).cast(Double)

    async def prepare_schema(self, connection: AsyncConnection) -> None:
        """Until the transaction ends nobody else creates or upgrades the tables.

        Raises DatabaseUnavailable where pgvector is missing or too old.
        """
        await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": SCHEMA_LOCK})
        found = await connection.execute(
            text(
                "SELECT default_version AS offered, installed_version AS installed "
                "FROM pg_available_extensions WHERE name = 'vector'"
            )
        )
        row = found.first()
        if row is None:
            raise DatabaseUnavailable(
                "The PostgreSQL server does not have pgvector: install the package of that name "
                "(postgresql-NN-pgvector; managed servers have it), 0.7 or newer, and start again."
            )
        if _version(row.installed or row.offered) < PGVECTOR:
            raise DatabaseUnavailable(
                f"The PostgreSQL server has pgvector {row.installed or row.offered}, which has no halfvec: install 0.7 "
                "or newer; where an older one is in use, run ALTER EXTENSION vector UPDATE in this database."
            )
        if row.installed is None:
            await self._create_extension(connection)

    async def _create_extension(self, connection: AsyncConnection) -> None:
        try:
            await connection.execute(text("CREATE EXTENSION IF NOT EXISTS vector"))
        except DBAPIError as error:
            if sqlstate(error) != "42501":
                raise
            raise DatabaseUnavailable(
                "The database user may not install pgvector: have an administrator run "
                "CREATE EXTENSION vector in this database, then start again."
            ) from error

    async def check_storage(self, connection: AsyncConnection) -> Sequence[str]:
        """Indexes that the server itself has given up; damaged pages it reports when it reads them."""
        found = await connection.execute(
            text("SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid ORDER BY 1")
        )
        return [f"the index {row[0]} is not valid: REINDEX it" for row in found]

    async def settle_in(self, connection: AsyncConnection) -> None:
        """The sequence of the libraries' ids goes on after the largest one; plans are made for what there is now."""
        await connection.execute(
            text("SELECT setval(pg_get_serial_sequence('libraries', 'id'), max(id)) FROM libraries HAVING count(*) > 0")
        )
        await connection.execute(text("ANALYZE"))

    async def snapshot(self, _path: Path) -> bool:
        """A server writes no SQLite files: its rows are copied instead."""
        return False

    async def purge(self) -> str:
        """The server does that by itself, in its own time."""
        return PAGES

    async def announce(self, connection: AsyncConnection) -> None:
        """NOTIFY, which is sent with the commit."""
        await connection.execute(text("SELECT pg_notify(:channel, '')"), {"channel": CHANNEL})

    @asynccontextmanager
    async def changes(self, engine: AsyncEngine) -> AsyncIterator[Callable[[], Awaitable[None]]]:
        """LISTEN, from the first wait on."""
        listener = Listener(engine, self._connector)
        try:
            yield listener.changed
        finally:
            await listener.close()


def _version(said: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", said))
