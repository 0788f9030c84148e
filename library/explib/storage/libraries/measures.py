"""What monitoring reads, cheap enough for every few seconds: counts of a database, the activity of a library."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Column, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from explib.models.activity import Activity
from explib.models.libraries import Library, Measures
from explib.storage.database import Database
from explib.storage.libraries.activity import activity_of, parameters, statements
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

    async def activity(self, library: Library) -> Activity:
        """When something last happened to the library, and what waits, of one moment."""
        async with self.database.read() as connection:
            values = parameters(library.id)
            found = [(await connection.execute(text(each), values)).mappings().first() for each in statements()]
        return activity_of(dict(row) for row in found if row is not None)


_PROMPT = model_calls.c.prompt_tokens
_COMPLETION = model_calls.c.completion_tokens


async def _by(connection: AsyncConnection, column: Column[str]) -> dict[tuple[str, str], int]:
    """(Library's name, value) → how many rows have it."""
    owner = column.table.c.library_id == libraries.c.id
    counted = await connection.execute(
        select(libraries.c.name, column, func.count()).where(owner).group_by(libraries.c.name, column)
    )
    return {(name, value): count for name, value, count in counted}
