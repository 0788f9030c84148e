"""Search inside the database, for libraries that are too large for memory, and the rows that it needs.

A lesson's terms and vector are stored when such a library is opened or followed, not with each commit.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Coroutine, Sequence
from dataclasses import dataclass
from secrets import randbelow
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, Table, and_, exists, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from explib.errors import StorageError
from explib.models.experiences import Lesson
from explib.models.libraries import Library
from explib.storage.database import Database
from explib.storage.engine import DatabaseSearch
from explib.storage.revisions.lessons import COLUMNS
from explib.storage.tables.experiences import experience_terms, experience_vectors, experiences
from explib.storage.tables.libraries import libraries
from explib.text.words import terms

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Search:
    """The search of every library of one database, where it is `available`."""

    database: Database

    @property
    def available(self) -> bool:
        """True where the engine can search."""
        return self.database.dialect.search is not None

    @property
    def _dialect(self) -> DatabaseSearch:
        search = self.database.dialect.search
        if search is None:
            raise StorageError("SQLite searches in memory only: use PostgreSQL for a library of this size.")
        return search

    async def missing(self, library: Library, embedder: str | None, limit: int) -> AsyncIterator[list[Lesson]]:
        """Lessons whose terms or vectors are not stored, `limit` at a time, from anywhere in the library and round.

        So processes that store them at the same time share the work, as long as there is much of it.
        """
        numbers = select(libraries.c.next_experience).where(libraries.c.id == library.id)
        async with self.database.read() as connection:
            middle = f"e{randbelow((await connection.execute(numbers)).scalar_one())}"
        for side in (experiences.c.id > middle, experiences.c.id <= middle):
            after = ""
            while lessons := await self._missing(library, embedder, limit, side & (experiences.c.id > after)):
                yield lessons
                after = lessons[-1].id

    async def _missing(
        self, library: Library, embedder: str | None, limit: int, side: ColumnElement[bool]
    ) -> list[Lesson]:
        incomplete = ~_stored(experience_terms)
        if embedder is not None:
            incomplete = or_(incomplete, ~_stored(experience_vectors, experience_vectors.c.embedder == embedder))
        where = and_(experiences.c.library_id == library.id, experiences.c.status != "retired", side, incomplete)
        async with self.database.read() as connection:
            rows = await connection.execute(select(*COLUMNS).where(where).order_by(experiences.c.id).limit(limit))
            return [Lesson(*row) for row in rows]

    async def save_terms(self, library: Library, lessons: Sequence[Lesson]) -> None:
        """Keep what finds these lessons by their words; durable when it returns."""
        rows = [(library.id, each.id, each.version, " ".join(terms(each.content))) for each in lessons]

        async def save(connection: AsyncConnection) -> None:
            await self._dialect.save_terms(connection, sorted(rows))  # all lock them in one order

        if rows:
            await self.database.write(save, idempotent=True, explicit_locks=True)

    async def by_terms(self, library: Library, words: Sequence[str], limit: int) -> list[str]:
        """Experience ids by BM25 of their terms, best first; also of lessons that are retired by now."""
        async with self.database.read() as connection:
            return await self._dialect.by_terms(connection, library.id, words, limit)

    async def nearest(
        self, library: Library, embedder: str, query: NDArray[np.floating], limit: int
    ) -> list[tuple[str, float]]:
        """Experience ids and inner products of the nearest vectors, nearest first."""
        import numpy as np

        vector = np.ascontiguousarray(query, dtype="<f2").tobytes()
        async with self.database.read() as connection:
            return await self._dialect.nearest(connection, (library.id, embedder), vector, limit)

    async def index_vectors(self, library: Library, embedder: str, dimensions: int) -> None:
        """Make the database's index of a library's vectors, where there are so many that it pays."""
        await self.database.index_vectors((library.id, embedder), dimensions)

    def start(self, work: Coroutine[None, None, None]) -> None:
        """Let the making of terms, vectors and indexes go on in the background; what is left is made next time."""
        self.database.background.start(work, "index a large library", "a large library could not be indexed whole")


def _stored(table: Table, *where: ColumnElement[bool]) -> ColumnElement[bool]:
    same = and_(
        table.c.library_id == experiences.c.library_id,
        table.c.experience_id == experiences.c.id,
        table.c.version == experiences.c.version,
    )
    return exists().where(same, *where)
