"""Fills a database with a library of any size in seconds: the rows that learning would have written, in bulk."""

from __future__ import annotations

import time
from itertools import islice
from pathlib import Path

from lessons import lessons
from sqlalchemy.ext.asyncio import AsyncConnection

from explib.models.experiences import Experience, Support
from explib.models.learning import Cost
from explib.models.libraries import Library, LibrarySettings
from explib.models.revisions import Revision
from explib.storage import rows
from explib.storage.revisions.proposal import insert_revision
from explib.storage.store import Store, open_store
from explib.storage.tables.experiences import experiences

BATCH = 5_000
LIBRARY = "default"


def sqlite_url(path: Path) -> str:
    """The address of a database file."""
    return f"sqlite+aiosqlite:///{path}"


async def seed(url: str, size: int) -> None:
    """A library of `size` lessons at revision 1."""
    async with open_store(url) as store:
        library = await store.libraries.ensure(LIBRARY, LibrarySettings(max_experiences=max(size, 1)))
        every = enumerate(lessons(size), start=1)
        while made := [_experience(number, content) for number, content in islice(every, BATCH)]:
            await _insert(store, [rows.experience_values(each) | {"library_id": library.id} for each in made])
        await _finish(store, library, size)


async def _insert(store: Store, values: list[dict[str, object]]) -> None:
    async def insert(connection: AsyncConnection) -> None:
        await connection.execute(experiences.insert(), values)

    await store.database.write(insert)


async def _finish(store: Store, library: Library, size: int) -> None:
    async def finish(connection: AsyncConnection) -> None:
        revision = Revision(1, "seeded", "benchmarks", (), (), (), Cost(), time.time())
        await insert_revision(connection, store.database, library.id, revision, next_experience=size + 1, served=size)

    await store.database.write(finish)


def _experience(number: int, content: str) -> Experience:
    return Experience(
        id=f"e{number}",
        content=content,
        status="active" if number % 3 else "candidate",
        version=1,
        analyst="contrast",
        support=Support(supporting=3, contradicting=1, groups=2),
        created_revision=1,
        updated_revision=1,
    )
