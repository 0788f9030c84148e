"""Statements that are compiled once and handed to the driver as they are, with values by position.

For what every submission, reward and retrieval runs: what SQLAlchemy does for an execution takes 100 µs, ten times as
long as SQLite takes for most of these statements.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

from sqlalchemy import Dialect, Select, UpdateBase
from sqlalchemy.ext.asyncio import AsyncConnection

from explib.storage.database import Database
from explib.storage.engine import MakeInsert

Row: TypeAlias = "tuple[Any, ...]"
Statement: TypeAlias = "Select[Any] | UpdateBase"
DriverStatement: TypeAlias = "tuple[str, tuple[str, ...]]"
"""The text for the driver, and the names of its parameters in order."""


def driver_statement(statement: Statement, dialect: Dialect) -> DriverStatement:
    """A statement as the driver takes it.

    `positiontup` is no documented name of SQLAlchemy's; `test_dependencies.py` fails where it changes.
    """
    compiled = statement.compile(dialect=dialect)
    return str(compiled), tuple(compiled.positiontup or ())


class CompiledStatement:
    """One statement. It returns rows as the drivers give them: on SQLite JSON as text and booleans as 0 and 1.

    `names` are those of what `many` is given, in the order in which the statement has them.
    """

    def __init__(self, build: Callable[[MakeInsert], Statement], names: Sequence[str] = ()) -> None:
        self._build = build
        self._names = tuple(names)
        self._compiled: dict[str, DriverStatement] = {}

    async def rows(self, connection: AsyncConnection, database: Database, **values: object) -> Sequence[Row]:
        """Run it with these values by name; what it returns."""
        text, names = self._of(connection, database)
        return await database.dialect.run(connection, text, [values[name] for name in names])

    async def many(self, connection: AsyncConnection, database: Database, rows: Iterable[Row]) -> None:
        """Run it for each of the rows, whose values are in the order of its `names`."""
        text, _ = self._of(connection, database)
        await database.dialect.run_many(connection, text, list(rows))

    def _of(self, connection: AsyncConnection, database: Database) -> DriverStatement:
        engine = connection.dialect.name
        if engine not in self._compiled:
            made = driver_statement(self._build(database.dialect.insert), connection.dialect)
            if self._names and made[1] != self._names:
                raise TypeError(f"the statement takes {made[1]}")
            self._compiled[engine] = made
        return self._compiled[engine]
