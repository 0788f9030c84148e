"""The next revision of a library, whatever it changes: its row, the library's number, and word to everybody."""

from __future__ import annotations

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from explib.models.revisions import Revision
from explib.storage.database import Database
from explib.storage.tables.libraries import libraries
from explib.storage.tables.revisions import revisions


async def insert_revision(
    connection: AsyncConnection, database: Database, library_id: int, revision: Revision, **values: object
) -> None:
    """Inside a writing transaction that holds the library's row, which is at this revision then and has `values`."""
    await connection.execute(
        revisions.insert().values(
            library_id=library_id,
            number=revision.number,
            cause=revision.cause,
            author=revision.author,
            groups=list(revision.groups),
            calls=revision.cost.calls,
            prompt_tokens=revision.cost.prompt_tokens,
            completion_tokens=revision.cost.completion_tokens,
            created_at=revision.created_at,
            settings=revision.settings,
        )
    )
    await connection.execute(
        update(libraries).where(libraries.c.id == library_id).values(revision=revision.number, **values)
    )
    await database.dialect.announce(connection)
