"""What can be deleted, and the pages that it leaves behind."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Table, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from explib.models.libraries import Library
from explib.models.trajectories import AttemptFilter
from explib.storage.database import Database
from explib.storage.deletion.attempts import Deleted, delete_attempts
from explib.storage.deletion.provenance import forget_answers
from explib.storage.learning.leases import end_learning
from explib.storage.tables import metadata
from explib.storage.tables.libraries import libraries


@dataclass(frozen=True, slots=True)
class Deletions:
    """Deletions in one database."""

    database: Database

    async def attempts(self, library: Library, wanted: AttemptFilter, author: str, *, lessons: bool = False) -> Deleted:
        """Delete attempts, and all that rests on them: counts, citations, codes, answers that may quote them.

        Lessons stay, in a revision by `author` that says so; with `lessons` those retire that nothing speaks for now.
        """
        return await self.database.write(
            lambda connection: delete_attempts(connection, self.database, library, wanted, author, lessons=lessons),
            explicit_locks=True,
        )

    async def library(self, library: Library) -> None:
        """Delete a library with everything that is in it."""

        async def work(connection: AsyncConnection) -> None:
            await end_learning(connection, library)
            await connection.execute(select(libraries.c.id).where(libraries.c.id == library.id).with_for_update())
            await forget_answers(connection, library, library.created_at)
            for table in _owned_tables(connection.dialect.name):
                await connection.execute(delete(table).where(table.c.library_id == library.id))
            await connection.execute(delete(libraries).where(libraries.c.id == library.id))

        await self.database.write(work, idempotent=True, explicit_locks=True)

    async def purge(self) -> str:
        """Rewrite the storage so that it holds nothing of what was deleted; see `Dialect.purge`."""
        with self.database.explained():
            return await self.database.dialect.purge()


def _owned_tables(engine: str) -> list[Table]:
    """The tables with a library's rows, those that name others first."""
    tables = reversed(metadata.sorted_tables)
    ours = [table for table in tables if table.info.get("engine", engine) == engine]
    return [table for table in ours if "library_id" in table.c]
