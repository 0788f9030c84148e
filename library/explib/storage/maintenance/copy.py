"""A whole deployment from one database into another, on whichever engines: `explib db copy`, backups and restores."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from sqlalchemy import Table, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from explib.errors import Conflict
from explib.storage.database import Database
from explib.storage.tables import metadata

ROWS = 200
"""Rows that are read and written at a time: bounds what is held in memory, with bodies of megabytes too."""
Progress: TypeAlias = Callable[[str, int, int], None]
"""Called with a table, how many of its rows are copied, and how many there are."""


class NotEmpty(Conflict):
    """The target has libraries already: copy into a new database."""


async def copy(source: Database, target: Database, progress: Progress) -> dict[str, int]:
    """Copy every row of every table, as of one moment, in one transaction; rows by table. The schemas are the same.

    What only serves search in the database is made again when it is searched. Raises NotEmpty.
    """

    async def work(writing: AsyncConnection) -> dict[str, int]:
        await _check_empty(writing)
        async with source.read() as reading:
            copied = {table.name: await _copy(reading, writing, table, progress) for table in kept_tables()}
        await target.dialect.settle_in(writing)
        return copied

    return await target.write(work)


def kept_tables() -> list[Table]:
    """Every table whose rows are not made from others, in an order in which they can be filled."""
    return [table for table in metadata.sorted_tables if not table.info.get("derived")]


async def _check_empty(connection: AsyncConnection) -> None:
    for table in kept_tables():
        if (await connection.execute(select(table).limit(1))).first() is not None:
            raise NotEmpty(f"The target's table {table.name} is not empty: copy into a new database.")


async def _copy(reading: AsyncConnection, writing: AsyncConnection, table: Table, progress: Progress) -> int:
    total = (await reading.execute(select(func.count()).select_from(table))).scalar_one()
    copied = 0
    progress(table.name, 0, total)
    result = await reading.stream(select(table).execution_options(yield_per=ROWS))
    async for rows in result.mappings().partitions(ROWS):
        await writing.execute(table.insert(), [dict(row) for row in rows])
        copied += len(rows)
        progress(table.name, copied, total)
    return copied
