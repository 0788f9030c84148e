"""Vectors of experiences, kept so that no process computes again what another has: one for each embedder."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from explib.models.libraries import Library
from explib.storage.database import Database
from explib.storage.revisions.lessons import PART
from explib.storage.tables.experiences import experience_vectors
from explib.tasks import BackgroundTasks

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

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
    _saving: BackgroundTasks = field(default_factory=BackgroundTasks, repr=False)

    async def load(self, library: Library, embedder: str, ids: Collection[str] | None = None) -> StoredVectors:
        """The stored vectors of a library and embedder (of these ids), also such as are of an older version by now."""
        import numpy as np

        wanted = (experience_vectors.c.library_id == library.id) & (experience_vectors.c.embedder == embedder)
        if ids is not None:
            wanted &= self.database.dialect.among(experience_vectors.c.experience_id, ids)
        columns = experience_vectors.c.experience_id, experience_vectors.c.version, experience_vectors.c.vector
        known: list[str] = []
        versions: list[int] = []
        data = bytearray()
        async with self.database.read() as connection, connection.stream(select(*columns).where(wanted)) as found:
            async for part in found.partitions(PART):
                known += [row.experience_id for row in part]
                versions += [row.version for row in part]
                data += b"".join(row.vector for row in part)
        flat = np.frombuffer(data, "<f2")
        return StoredVectors(known, versions, flat.reshape(len(known), -1) if known else flat.reshape(0, 0))

    async def save(
        self, library: Library, embedder: str, ids: Sequence[str], versions: Sequence[int], matrix: NDArray[np.floating]
    ) -> None:
        """Keep vectors, one row for each id, in place of those that the experiences had; durable when it returns.

        A vector of a newer version stays.
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

    def save_behind(
        self, library: Library, embedder: str, ids: Sequence[str], versions: Sequence[int], matrix: NDArray[np.floating]
    ) -> None:
        """Take the vectors and go on: they are saved meanwhile. Lost ones cost whoever comes next their computation."""
        if self.database.access == "read":
            return
        saving = self.save(library, embedder, ids, versions, matrix)
        self._saving.start(saving, "save vectors", "vectors could not be saved: they will be computed again")

    async def flush(self) -> None:
        """Returns when every vector that was taken is saved, or could not be."""
        await self._saving.flush()

    async def _write(self, rows: list[dict[str, object]]) -> None:
        statement = self.database.dialect.insert(experience_vectors)
        keys = [experience_vectors.c[name] for name in ("library_id", "experience_id", "embedder")]
        replaced = {name: statement.excluded[name] for name in ("version", "vector")}
        older = experience_vectors.c.version <= statement.excluded.version
        statement = statement.on_conflict_do_update(index_elements=keys, set_=replaced, where=older)

        async def upsert(connection: AsyncConnection) -> None:
            await connection.execute(statement, rows)

        await self.database.write(upsert, idempotent=True, explicit_locks=True)
