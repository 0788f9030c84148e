"""Vectors of experiences, kept so that no process computes again what another has: one for each embedder."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from explib.models import Library
from explib.storage.engine import Database
from explib.storage.tables import experience_vectors

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

log = logging.getLogger(__name__)
BATCH = 2_000
"""Vectors saved in one transaction, so that no other write waits long."""


@dataclass(frozen=True, slots=True)
class StoredVectors:
    """Row i of `matrix`, shape (len(ids), dimensions), is of version `versions[i]` of experience `ids[i]`."""

    ids: list[str]
    versions: list[int]
    matrix: NDArray[np.float16]


@dataclass(frozen=True, slots=True)
class Vectors:
    """The vectors of every library of one database; those of retired experiences are gone."""

    database: Database
    _indexing: set[asyncio.Task[None]] = field(default_factory=set, repr=False)

    async def load(self, library: Library, embedder: str) -> StoredVectors:
        """Every stored vector of a library and embedder, also such as are of an older version by now."""
        import numpy as np

        wanted = (experience_vectors.c.library_id == library.id) & (experience_vectors.c.embedder == embedder)
        columns = experience_vectors.c.experience_id, experience_vectors.c.version, experience_vectors.c.vector
        async with self.database.read() as connection:
            found = (await connection.execute(select(*columns).where(wanted))).all()
        ids, versions = [row.experience_id for row in found], [row.version for row in found]
        flat = np.frombuffer(b"".join(row.vector for row in found), "<f2")
        return StoredVectors(ids, versions, flat.reshape(len(found), -1) if found else flat.reshape(0, 0))

    async def save(
        self, library: Library, embedder: str, ids: Sequence[str], versions: Sequence[int], matrix: NDArray[np.floating]
    ) -> None:
        """Keep vectors, one row for each id, in place of those that the experiences had; durable when it returns.

        Where the database can search many of them by an index, one is made behind the answer.
        """
        import numpy as np

        packed = np.ascontiguousarray(matrix, dtype="<f2")
        rows = [
            {"library_id": library.id, "experience_id": known, "embedder": embedder, "version": version, "vector": row}
            for known, version, row in zip(ids, versions, map(bytes, packed), strict=True)
        ]
        rows.sort(key=lambda row: str(row["experience_id"]))  # all lock them in one order
        for start in range(0, len(rows), BATCH):
            await self._write(rows[start : start + BATCH])
        if rows:
            self._index_behind(library, embedder, packed.shape[1])

    async def _write(self, rows: list[dict[str, object]]) -> None:
        statement = self.database.dialect.insert(experience_vectors)
        keys = [experience_vectors.c[name] for name in ("library_id", "experience_id", "embedder")]
        replaced = {name: statement.excluded[name] for name in ("version", "vector")}
        statement = statement.on_conflict_do_update(index_elements=keys, set_=replaced)

        async def upsert(connection: AsyncConnection) -> None:
            await connection.execute(statement, rows)

        await self.database.write(upsert, repeatable=True, locks=True)

    async def nearest(
        self, library: Library, embedder: str, query: NDArray[np.floating], limit: int
    ) -> list[tuple[str, float]] | None:
        """Ids and inner products of the nearest, nearest first, found in the database; None where it can't search."""
        import numpy as np

        vector = np.ascontiguousarray(query, dtype="<f2").tobytes()
        async with self.database.read() as connection:
            return await self.database.dialect.nearest(connection, (library.id, embedder), vector, limit)

    def _index_behind(self, library: Library, embedder: str, dimensions: int) -> None:
        indexing = asyncio.create_task(
            self.database.index_vectors((library.id, embedder), dimensions), name="index vectors"
        )
        self._indexing.add(indexing)
        indexing.add_done_callback(self._indexed)

    def _indexed(self, indexing: asyncio.Task[None]) -> None:
        self._indexing.discard(indexing)
        if not indexing.cancelled() and (error := indexing.exception()) is not None:
            log.error("vectors could not be indexed: they are searched without", exc_info=error)

    async def close(self) -> None:
        """Stop making indexes; what is half made is made again with the next vectors."""
        for indexing in self._indexing:
            indexing.cancel()
        await asyncio.gather(*self._indexing, return_exceptions=True)
