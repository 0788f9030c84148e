"""SQLite: one file, several processes.

Bundled SQLite (pysqlite3) where it can be had: 3.7.0 to 3.51.2 can corrupt a WAL file that two connections write and
checkpoint at the same time. Where only such a version is there, the rollback journal is used instead of the WAL.
"""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

from sqlalchemy import ColumnElement, Double, Table, bindparam, event, exc, literal, text
from sqlalchemy.dialects.sqlite import Insert, insert
from sqlalchemy.engine import URL, Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from explib.errors import DatabaseUnavailable, ExplibError, NoDatabase, NotADatabase, StorageError, StorageFull
from explib.storage.engine import NO_DATABASE, Access, Writer
from explib.storage.sqlite.driver import ROWS_AT_ONCE, WritingConnection, driver
from explib.storage.sqlite.file import DatabaseFile, make_private
from explib.storage.sqlite.glimpse import sqlite_module
from explib.storage.sqlite.group_commit import WRITES, GroupingWriter
from explib.storage.sqlite.single_row import SqliteRowReader

WAL_RESET_FIXED = (3, 51, 3)
POLL_SECONDS = 1.0
"""Interval at which a process looks for the revisions of others."""
BUSY_MILLISECONDS = 30_000
SAYS = {
    "not a database": (NotADatabase, "The file is not an SQLite database"),
    "malformed": (NotADatabase, "The database file is damaged"),
    "disk is full": (StorageFull, "The disk is full"),
    "readonly": (DatabaseUnavailable, "The database cannot be written"),
    "unable to open": (DatabaseUnavailable, "The database cannot be opened"),
    "locked": (DatabaseUnavailable, "Another process has kept the database locked for 30 s"),
    "disk i/o error": (DatabaseUnavailable, "The disk failed to read or write the database"),
}
ADVICE: dict[type[ExplibError], str] = {
    NotADatabase: "point EXPLIB_DATABASE_URL at another file, or restore a backup",
    StorageFull: "free some space and try again; nothing was acknowledged that is not stored",
    DatabaseUnavailable: "check the folder and its permissions, or set EXPLIB_DATABASE_URL",
}
STILL_IN_FILE = (
    "{path} still holds bytes of what was deleted ({why}): end the other programs of this database, see that the disk "
    "has room for a second copy of it, and run `explib db purge`."
)
LISTED = text("SELECT value FROM json_each(:values)")


class _Cursor(Protocol):
    def execute(self, statement: str) -> object: ...
    def close(self) -> None: ...


class _Connection(Protocol):
    isolation_level: str | None

    def cursor(self) -> _Cursor: ...


class SqliteDialect:
    """The embedded engine."""

    search = None
    columns_query = (
        "SELECT tables.name, columns.name FROM sqlite_master AS tables, pragma_table_info(tables.name) AS columns "
        "WHERE tables.type = 'table'"
    )

    def __init__(self, url: URL) -> None:
        if not url.database or url.database == ":memory:":
            raise DatabaseUnavailable(
                "Several processes share the database, so it must be a file: "
                "set EXPLIB_DATABASE_URL=sqlite+aiosqlite:////path/to/library.db"
            )
        self._url = url
        self._path = Path(url.database)
        self._file = DatabaseFile(self._path)
        self._sqlite = sqlite_module()
        self._version: tuple[int, ...] = tuple(self._sqlite.sqlite_version_info)

    @property
    def _journal(self) -> str:
        return "WAL" if self._version >= WAL_RESET_FIXED else "DELETE"

    def describe(self) -> str:
        """SQLite's version, where it comes from, and the journal that is used with it."""
        origin = "of Python" if self._sqlite is sqlite3 else "bundled"
        return f"SQLite {'.'.join(map(str, self._version))} ({origin}), {self._journal} journal, at {self._path}"

    def create_engine(self) -> AsyncEngine:
        """Opens no file yet."""
        return self._engine(module=driver(self._sqlite, self._address), pool_size=4, max_overflow=8)

    async def prepare(self, _engine: AsyncEngine, access: Access) -> None:
        """Makes the file and its folder where that is asked for. Raises DatabaseUnavailable."""
        try:
            if access == "create":
                make_private(self._path)
            elif not self._path.exists():
                raise NoDatabase(NO_DATABASE.format(place=self.describe()))
        except OSError as error:
            raise self._trouble(DatabaseUnavailable, f"{self._path} cannot be made or read: {error}") from error

    def _address(self) -> str:
        """The file as SQLite takes it: never made anew, and as it is where nothing beside it can be written."""
        options = "mode=rw"
        if not (os.access(self._path, os.W_OK) and os.access(self._path.parent, os.W_OK)):
            options = "mode=ro" if self._file.has_wal else "immutable=1"
        return f"file:{quote(str(self._path.absolute()))}?{options}"

    def writer(self, _engine: AsyncEngine) -> Writer:
        """Writes that wait at the same time share a commit, on one connection that is made for them."""
        engine = self._engine(module=driver(self._sqlite, self._address, WritingConnection), poolclass=NullPool)
        return GroupingWriter(engine, self._file.check)

    def _engine(self, **options: Any) -> AsyncEngine:
        engine = create_async_engine(self._url, hide_parameters=True, **options)
        event.listen(engine.sync_engine, "do_connect", lambda *_: self._file.check())
        event.listen(engine.sync_engine, "connect", self._set_up)
        event.listen(engine.sync_engine, "begin", _begin)
        return engine

    async def open_for_reading(self, engine: AsyncEngine) -> AsyncConnection:
        """A transaction sees one moment as it is."""
        self._file.check()
        return await engine.connect()

    def _set_up(self, connection: _Connection, _record: object) -> None:
        connection.isolation_level = None  # transactions are begun by _begin, never by the driver
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
        cursor.execute(f"PRAGMA journal_mode = {self._journal}")
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute("SELECT 1 FROM sqlite_master")  # makes the WAL, if there is none
        cursor.close()
        self._file.opened()

    def glance(self, _engine: AsyncEngine) -> SqliteRowReader:
        """On a connection of its own that waits for nobody."""
        return SqliteRowReader(
            lambda: self._sqlite.connect(self._address(), uri=True, timeout=0, isolation_level=None),
            (self._sqlite.Error,),
        )

    def explain(self, error: DBAPIError) -> ExplibError:
        """By SQLite's message, which is stable, since the error's class says only OperationalError."""
        said = str(error.orig).lower()
        for words, (kind, sentence) in SAYS.items():
            if words in said:
                return self._trouble(kind, f"{sentence} ({self._path})")
        return StorageError(f"SQLite says: {error.orig}. Run `explib doctor`.")

    def _trouble(self, kind: type[ExplibError], sentence: str) -> ExplibError:
        return kind(f"{sentence}: {ADVICE[kind]}.")

    async def run(
        self, connection: AsyncConnection, statement: str, values: Sequence[object]
    ) -> Sequence[tuple[Any, ...]]:
        """Run the statement on the event loop, without SQLAlchemy: see `WritingConnection`."""
        with self._wrapped(statement):
            return _writing(connection).run(statement, values)

    async def run_many(self, connection: AsyncConnection, statement: str, rows: Sequence[tuple[object, ...]]) -> None:
        """Run it on the event loop a few milliseconds at a time, so that answers need not wait for all rows."""
        for start in range(0, len(rows), ROWS_AT_ONCE):
            with self._wrapped(statement):
                _writing(connection).run_many(statement, rows[start : start + ROWS_AT_ONCE])
            if start + ROWS_AT_ONCE < len(rows):
                await asyncio.sleep(0)

    @contextmanager
    def _wrapped(self, statement: str) -> Iterator[None]:
        """The driver's errors as SQLAlchemy's, which everybody expects."""
        try:
            yield
        except self._sqlite.Error as error:
            kind: type[DBAPIError] = getattr(
                exc, type(error).__name__, DBAPIError
            )  # SQLAlchemy's are called like the driver's
            raise kind(statement, None, error, hide_parameters=True) from error

    def insert(self, table: Table) -> Insert:
        """SQLite's INSERT, which can be told what to do on a conflict."""
        return insert(table)

    def among(self, column: ColumnElement[str], values: Collection[str]) -> ColumnElement[bool]:
        """By a JSON list: an SQLite that is not the bundled one may take 32,766 parameters and no more."""
        return column.in_(LISTED.bindparams(bindparam("values", json.dumps(list(values)), unique=True)))

    def now(self) -> ColumnElement[float]:
        """The machine's clock: all users of the file are on one machine."""
        return literal(time.time(), Double)

    async def prepare_schema(self, connection: AsyncConnection) -> None:
        """Nothing: BEGIN IMMEDIATE keeps everybody else out."""

    async def check_storage(self, connection: AsyncConnection) -> Sequence[str]:
        """The pages, the indexes and the foreign keys."""
        pages = await connection.execute(text("SELECT integrity_check FROM pragma_integrity_check"))
        broken = [str(row[0]) for row in pages if row[0] != "ok"]
        keys = await connection.execute(text('SELECT "table", parent FROM pragma_foreign_key_check'))
        return [*broken, *(f"a row of {row[0]} names a row of {row[1]} that does not exist" for row in keys)]

    async def settle_in(self, _connection: AsyncConnection) -> None:
        """SQLite counts on from the largest id by itself."""

    async def snapshot(self, path: Path) -> bool:
        """Other processes go on reading and writing meanwhile."""
        await asyncio.to_thread(self._vacuum_into, path)
        return True

    def _vacuum_into(self, path: Path) -> None:
        try:
            connection = self._sqlite.connect(self._address(), uri=True, timeout=BUSY_MILLISECONDS / 1000)
            try:
                connection.execute("VACUUM INTO ?", (str(path),))
            finally:
                connection.close()
        except self._sqlite.Error as error:
            raise DatabaseUnavailable(f"The backup {path} could not be written: {error}.") from error

    async def purge(self) -> str:
        """VACUUM writes the file anew without free pages, and the checkpoint empties the log beside it."""
        return await asyncio.to_thread(self._vacuum)

    def _vacuum(self) -> str:
        try:
            connection = self._sqlite.connect(self._address(), uri=True, timeout=BUSY_MILLISECONDS / 1000)
            try:
                connection.execute("VACUUM")
                [is_busy, *_] = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            finally:
                connection.close()
        except self._sqlite.Error as error:
            return STILL_IN_FILE.format(path=self._path, why=error)
        return STILL_IN_FILE.format(path=f"{self._path}-wal", why="another process reads") if is_busy else ""

    async def announce(self, connection: AsyncConnection) -> None:
        """Nobody listens: the others look by themselves."""

    @asynccontextmanager
    async def changes(self, _engine: AsyncEngine) -> AsyncIterator[Callable[[], Awaitable[None]]]:
        """Time for another look."""
        yield lambda: asyncio.sleep(POLL_SECONDS)


def _begin(connection: Connection) -> None:
    """A write takes the lock at its start: a later upgrade from a read would fail at once under load."""
    writes = connection.get_execution_options().get(WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _writing(connection: AsyncConnection) -> WritingConnection:
    opened = connection.sync_connection
    driver_connection = None if opened is None else opened.connection.driver_connection
    if not isinstance(driver_connection, WritingConnection):
        raise TypeError("a prepared statement runs in a writing transaction only")
    return driver_connection
