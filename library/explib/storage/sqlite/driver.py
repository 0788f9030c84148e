"""The driver of SQLite: aiosqlite on the newest SQLite there is, and a variant of it for writes.

A change to aiosqlite's thread and back takes longer than most statements of a write do, and a statement takes three
of them. A writing connection therefore runs its statements where they are awaited. What may wait for another process's
lock or for the disk, and what reads many rows, goes to the thread as ever.

This is the one module that uses what aiosqlite doesn't document (`_execute`, `_conn`, `_connection`); aiosqlite has no
public way to run a statement without its thread. `test_dependencies.py` fails where these names change.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from functools import partial
from types import ModuleType
from typing import Any

import aiosqlite
from sqlalchemy.dialects.sqlite.aiosqlite import AsyncAdapt_aiosqlite_dbapi

ROWS_AT_ONCE = 200
"""Rows that a writing connection fetches without a change of thread."""
CHUNK = 64
"""aiosqlite's own default: rows of one step of an iteration."""
WAITING = ("BEGIN", "PRAGMA")
"""First words of statements that may wait; of the connection's own operations all may (commit, rollback, close)."""


class ReadingConnection(aiosqlite.Connection):
    """Can be stopped while it is being closed, as SQLAlchemy does where whoever closes it is cancelled meanwhile.

    aiosqlite would wait for its thread a second time, which has ended: forever, so that the program could not end.
    """

    _stopping = False

    def stop(self) -> asyncio.Future[Any] | None:
        """Ends the thread; only the first call gives something to wait for."""
        if self._stopping:
            return None
        self._stopping = True
        return super().stop()


class WritingConnection(ReadingConnection):
    """Statements run on the event loop; locking, committing and long results in the thread."""

    def run(self, sql: str, values: Sequence[object]) -> list[tuple[Any, ...]]:
        """All rows of a short statement."""
        with closing(self._conn.execute(sql, tuple(values))) as cursor:
            return cursor.fetchall()

    def run_many(self, sql: str, rows: Sequence[tuple[object, ...]]) -> None:
        """A short statement for each of a few rows."""
        self._conn.executemany(sql, rows).close()

    async def _execute(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """One operation of the connection or of a cursor."""
        if self._waits(fn, args):
            return await self._in_thread(fn, *args, **kwargs)
        if fn.__name__ == "fetchall":
            return await self._fetch_all(fn)
        return fn(*args, **kwargs)

    def _waits(self, fn: Any, args: tuple[Any, ...]) -> bool:
        if fn.__self__ is self._connection:
            return str(fn.__name__) != "cursor"
        return bool(args) and isinstance(args[0], str) and args[0].startswith(WAITING)

    async def _fetch_all(self, fetchall: Any) -> list[Any]:
        rows: list[Any] = fetchall.__self__.fetchmany(ROWS_AT_ONCE)
        if len(rows) == ROWS_AT_ONCE:
            rows += await self._in_thread(fetchall)
        return rows

    async def _in_thread(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        queue: Callable[..., Awaitable[Any]] = super()._execute
        return await queue(fn, *args, **kwargs)


def driver(
    sqlite: ModuleType, address: Callable[[], str], kind: type[aiosqlite.Connection] = ReadingConnection
) -> AsyncAdapt_aiosqlite_dbapi:
    """aiosqlite on the given SQLite module and file: the same threads, that module's connections and errors."""
    module = ModuleType("aiosqlite")
    for name in ("DatabaseError", "Error", "IntegrityError", "NotSupportedError", "OperationalError"):
        setattr(module, name, getattr(sqlite, name))
    for name in ("ProgrammingError", "sqlite_version", "sqlite_version_info"):
        setattr(module, name, getattr(sqlite, name))

    def connect(_database: str, **options: Any) -> aiosqlite.Connection:
        return kind(partial(sqlite.connect, address(), **options | {"uri": True}), CHUNK)

    module.__dict__.update(connect=connect, Connection=aiosqlite.Connection)
    return AsyncAdapt_aiosqlite_dbapi(module, sqlite)
