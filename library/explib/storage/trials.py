"""Revisions on trial: each is tried against the library as it was before it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from explib.models import Library, Trial
from explib.storage import rows
from explib.storage.engine import Database
from explib.storage.tables import trials


@dataclass(frozen=True, slots=True)
class Trials:
    """The trials of every library of one database. They begin and end in `Revisions.commit`."""

    database: Database

    async def all(self, library: Library) -> list[Trial]:
        """Every trial, newest first."""
        where = trials.c.library_id == library.id
        async with self.database.read() as connection:
            found = await connection.execute(select(trials).where(where).order_by(trials.c.revision.desc()))
            return [rows.trial(row) for row in found.mappings()]

    async def running(self, library: Library) -> list[Trial]:
        """Those that have not ended, oldest first."""
        async with self.database.read() as connection:
            return await running(connection, library)

    async def tally(self, library: Library) -> dict[str, int]:
        """State → how many trials are in it."""
        counted = select(trials.c.state, func.count()).where(trials.c.library_id == library.id).group_by(trials.c.state)
        async with self.database.read() as connection:
            found = await connection.execute(counted)
            return {str(row[0]): int(row[1]) for row in found}


async def running(connection: AsyncConnection, library: Library) -> list[Trial]:
    """The library's trials that have not ended, oldest first."""
    where = (trials.c.library_id == library.id) & (trials.c.state == "running")
    found = await connection.execute(select(trials).where(where).order_by(trials.c.revision))
    return [rows.trial(row) for row in found.mappings()]
