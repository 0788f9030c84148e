"""Single rows from SQLite on the event loop itself, which takes 10 µs; another thread and back takes 400.

In a WAL no writer stops a reader. Where one does (the rollback journal, a recovery) this fails at once, and the usual
way waits for it in its thread.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any, Protocol

from sqlalchemy import Select
from sqlalchemy.dialects import sqlite

from explib.storage.engine import Row
from explib.storage.statements import DriverStatement, driver_statement


class Cursor(Protocol):
    """A driver's cursor."""

    def fetchone(self) -> Any:
        """The next row."""
        ...

    def close(self) -> None:
        """Ends the statement, and with it the transaction."""
        ...


class Connection(Protocol):
    """A driver's connection."""

    def execute(self, sql: str, parameters: tuple[object, ...], /) -> Cursor:
        """A cursor over the rows."""
        ...

    def close(self) -> None:
        """Close it."""
        ...


class SqliteRowReader:
    """One connection, opened at the first look."""

    def __init__(self, connect: Callable[[], Connection], failures: tuple[type[Exception], ...]) -> None:
        self._connect = connect
        self.failures = failures
        self._connection: Connection | None = None
        self._compiled: dict[Select[Any], DriverStatement] = {}

    async def first(self, statement: Select[Any], values: Mapping[str, object]) -> Row:
        """Implements `SingleRowReader`."""
        if self._connection is None:
            self._connection = self._connect()
        if statement not in self._compiled:
            self._compiled[statement] = driver_statement(statement, sqlite.dialect(paramstyle="qmark"))
        sql, names = self._compiled[statement]
        with closing(self._connection.execute(sql, tuple(values[name] for name in names))) as cursor:
            row: Row = cursor.fetchone()
            return row

    async def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
