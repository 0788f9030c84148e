"""Single rows from PostgreSQL in one round trip, where a reading transaction takes three."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from explib.storage.postgresql.retries import Connector
from explib.storage.single_row import Row


class PostgresqlRowReader:
    """On any free connection of the pool."""

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
