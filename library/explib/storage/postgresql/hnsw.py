"""Nearest neighbours in PostgreSQL: an HNSW index for each library that is large, an exact scan for the others.

One index for all libraries would find a small one's vectors only after many of the large ones'.
"""

from __future__ import annotations

import hashlib
from typing import TypeAlias

from sqlalchemy import bindparam, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.types import Text

from explib.storage.postgresql.retries import sqlstate
from explib.storage.tables.halfvec import as_text

Owner: TypeAlias = tuple[int, str]
"""Library id and embedder."""
INDEX_FROM = 5_000
"""Vectors of one owner from which on an index is faster than a scan by more than it costs to keep."""
BUILD_LOCK = 0x68_6E_73_77
"""The advisory lock of whoever makes an index, with the library's id: `hnsw` in ASCII."""
# Library, embedder and dimensions stand in the statement itself, or the planner would not see that the index fits. The
# query is a subselect, which is read once: in a prepared statement a cast would be done again for each row.
NEAREST = """
SELECT experience_id, -distance FROM (
    SELECT experience_id, vector::halfvec({dimensions}) <#> (SELECT CAST(:query AS halfvec({dimensions}))) AS distance
    FROM experience_vectors WHERE library_id = {library} AND embedder = :embedder
    ORDER BY distance LIMIT :limit) AS nearest
"""
LOOK = """
SELECT set_config('hnsw.ef_search', least(1000, ceil(200 * sqrt(greatest(1, reltuples / 100000))))::text, true)
FROM pg_class WHERE oid = to_regclass(:name)
"""
"""Until the transaction ends more neighbours are looked at in a larger index, or it would find less: 633 in 10⁶."""
CREATE = """
CREATE INDEX CONCURRENTLY {name} ON experience_vectors
USING hnsw ((vector::halfvec({dimensions})) halfvec_ip_ops) WHERE library_id = {library} AND embedder = :embedder
"""
BUILD_BYTES = 1_500
"""Memory that building takes for each vector, estimated: 256 numbers, some 40 neighbours, and what holds them. What it
does not have costs it several times as long."""
ROOM = """
SELECT set_config('maintenance_work_mem', greatest(
    pg_size_bytes(current_setting('maintenance_work_mem')), least(:wanted, 2000000000)) / 1024 || 'kB', false)
"""
"""As much as is needed, at most 2 GB."""
ANALYZE = "ANALYZE experiences, experience_terms, experience_vectors"
"""So many rows have come at once that the planner would go by what it knew before."""
NO_ROOM = ("53100", "53200")
"""Not enough shared memory, which several workers would build in (a container often has 64 MB): one builds without."""
IS_VALID = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(:name)"
COUNT = "SELECT count(*) FROM experience_vectors WHERE library_id = :library AND embedder = :embedder"


async def nearest(connection: AsyncConnection, owner: Owner, vector: bytes, limit: int) -> list[tuple[str, float]]:
    """Ids and inner products, nearest first, in a transaction that reads."""
    library, embedder = owner
    await connection.execute(text(LOOK), {"name": _name(owner, len(vector) // 2)})
    statement = text(NEAREST.format(dimensions=len(vector) // 2, library=int(library))).bindparams(
        bindparam("embedder", literal_execute=True, type_=Text), bindparam("query", type_=Text)
    )
    values = {"query": as_text(vector), "embedder": embedder, "limit": limit}
    return [(str(row[0]), float(row[1])) for row in await connection.execute(statement, values)]


async def make_index(engine: AsyncEngine, owner: Owner, dimensions: int) -> None:
    """Make the owner's index where it pays and there is none yet, while everybody goes on reading and writing."""
    library, embedder = owner
    name = _name(owner, dimensions)
    async with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        valid = (await connection.execute(text(IS_VALID), {"name": name})).scalar_one_or_none()
        if valid:
            return
        counted = await connection.execute(text(COUNT), {"library": library, "embedder": embedder})
        vectors = int(counted.scalar_one())
        if vectors < INDEX_FROM:
            return
        lock = {"lock": BUILD_LOCK, "library": library}
        mine = await connection.execute(text("SELECT pg_try_advisory_lock(:lock, :library)"), lock)
        if not mine.scalar_one():
            return
        try:
            await connection.execute(text("SET statement_timeout = 0"))
            await connection.execute(text(ROOM), {"wanted": vectors * BUILD_BYTES})
            create = CREATE.format(name=name, dimensions=int(dimensions), library=int(library))
            try:
                await _create(connection, name, create, embedder)
            except DBAPIError as error:
                if not sqlstate(error).startswith(NO_ROOM):
                    raise
                await connection.execute(text("SET max_parallel_maintenance_workers = 0"))
                await _create(connection, name, create, embedder)
            await connection.execute(text(ANALYZE))
        finally:
            await connection.invalidate()  # ends the session, and with it the lock and the settings


def _name(owner: Owner, dimensions: int) -> str:
    library, embedder = owner
    digest = hashlib.sha256(f"{embedder}\0{dimensions}".encode()).hexdigest()[:10]
    return f"ix_vectors_{library}_{digest}"


async def _create(connection: AsyncConnection, name: str, create: str, embedder: str) -> None:
    await connection.execute(text(f"DROP INDEX CONCURRENTLY IF EXISTS {name}"))
    in_place = bindparam("embedder", literal_execute=True, type_=Text)
    await connection.execute(text(create).bindparams(in_place), {"embedder": embedder})
