"""Counts over the whole database for monitoring, cheap enough to be read every few seconds."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Column, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from explib.models.libraries import Measures
from explib.storage.database import Database
from explib.storage.tables.experiences import experiences
from explib.storage.tables.learning import model_calls
from explib.storage.tables.libraries import libraries
from explib.storage.tables.trajectories import groups


@dataclass(frozen=True, slots=True)
class Monitoring:
    """Counts of one database."""

    database: Database

    async def all(self) -> Measures:
        """Every count, of one moment."""
        spent = [func.coalesce(func.sum(each), 0) for each in (_PROMPT, _COMPLETION)]
        async with self.database.read() as connection:
            revisions = await connection.execute(select(libraries.c.name, libraries.c.revision))
            calls, prompt, completion = (await connection.execute(select(func.count(), *spent))).one()
            return Measures(
                revisions={row.name: row.revision for row in revisions},
                groups=await _by(connection, groups.c.state),
                experiences=await _by(connection, experiences.c.status),
                model_calls=calls,
                prompt_tokens=int(prompt),
                completion_tokens=int(completion),
            )


_PROMPT = model_calls.c.prompt_tokens
_COMPLETION = model_calls.c.completion_tokens


async def _by(connection: AsyncConnection, column: Column[str]) -> dict[tuple[str, str], int]:
    """(Library's name, value) → how many rows have it."""
    owner = column.table.c.library_id == libraries.c.id
    counted = await connection.execute(
        select(libraries.c.name, column, func.count()).where(owner).group_by(libraries.c.name, column)
    )
    return {(name, value): count for name, value, count in counted}
