"""Statements that are compiled once and handed to the driver as they are, with values by position.

For what every reward and every retrieval runs: what SQLAlchemy does for an execution takes 100 µs, ten times as long as
SQLite takes for most of these statements.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

from sqlalchemy import Select, UpdateBase
from sqlalchemy.ext.asyncio import AsyncConnection

from explib.storage.database import Database, MakeInsert

Row: TypeAlias = "tuple[Any, ...]"
Build: TypeAlias = Callable[[MakeInsert], Select[Any] | UpdateBase]


class CompiledStatement:
    """One statement. What comes back is as the drivers give it: on SQLite JSON as text and booleans as 0 and 1.

    `takes` are the names of what `many` is given, in the order in which the statement has them.
    """

    def __init__(self, build: Build, takes: Sequence[str] = ()) -> None:
        self._build = build
        self._takes = tuple(takes)
        self._compiled: dict[str, tuple[str, tuple[str, ...]]] = {}

    async def rows(self, connection: AsyncConnection, database: Database, **values: object) -> Sequence[Row]:
        """Run it with these values by name; what it returns."""
        text, names = self._compiled.get(connection.dialect.name) or self._compile(connection, database)
        return await database.dialect.run(connection, text, [values[name] for name in names])

    async def many(self, connection: AsyncConnection, database: Database, rows: Iterable[Row]) -> None:
        """Run it for each of the rows, whose values are those that it `takes`."""
        text, _ = self._compiled.get(connection.dialect.name) or self._compile(connection, database)
        await database.dialect.run_many(connection, text, list(rows))

    def _compile(self, connection: AsyncConnection, database: Database) -> tuple[str, tuple[str, ...]]:
        compiled = self._build(database.dialect.insert).compile(dialect=connection.dialect)
        made = str(compiled), tuple(compiled.positiontup or ())
        if self._takes and made[1] != self._takes:
            raise TypeError(f"the statement takes {made[1]}")
        self._compiled[connection.dialect.name] = made
        return made
