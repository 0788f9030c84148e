"""Search in PostgreSQL for libraries too large for memory: BM25 over a GIN index, and nearest neighbours.

Each large library has an HNSW index of its own, the others are scanned: one index for all libraries would find a small
one's vectors only after many of the large ones'.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TypeAlias

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.types import Text

from explib.storage.engine import TermsRow
from explib.storage.postgresql.retries import sqlstate
from explib.storage.tables.experiences import experience_terms
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

# BM25 with k1 = 1.2 and b = 0.75; a term is in a document once or not at all, so its frequency is 1. The lateral join
# has the index asked for one term at a time; `size` is stored, because a long document must be read from elsewhere.
SEARCH = text("""
WITH found AS MATERIALIZED (
    SELECT term, experience_id, size
    FROM unnest(:terms) AS term, LATERAL (
        SELECT experience_id, size FROM experience_terms WHERE library_id = CAST(:library AS integer)
        AND document @@ CAST(
            '''' || CAST(CAST(:library AS integer) AS text) || ':' || replace(term, '''', '''''') || '''' AS tsquery)
        OFFSET 0) AS each),
usual AS (SELECT CAST(avg(size) AS float8) AS size FROM found),
weights AS (
    SELECT term, ln(1 + greatest(next_experience - held, 0.5) / (held + 0.5)) AS weight
    FROM (SELECT term, CAST(count(*) AS float8) AS held FROM found GROUP BY term) AS counted, libraries
    WHERE id = CAST(:library AS integer)),
matched AS (
    SELECT experience_id, sum(weight) AS weight, min(found.size) AS size
    FROM found JOIN weights USING (term) GROUP BY experience_id)
SELECT experience_id
FROM matched, usual
ORDER BY weight * 2.2 / (1 + 1.2 * (0.25 + 0.75 * matched.size / usual.size)) DESC, experience_id
LIMIT :limit
""").bindparams(bindparam("terms", type_=ARRAY(Text)))
_NEW = insert(experience_terms)
_KEYS = (experience_terms.c.library_id, experience_terms.c.experience_id)
SAVE_TERMS = _NEW.on_conflict_do_update(
    index_elements=_KEYS,
    set_={"version": _NEW.excluded.version, "terms": _NEW.excluded.terms},
    where=experience_terms.c.version <= _NEW.excluded.version,
)


class PostgresqlSearch:
    """Implements `DatabaseSearch`."""

    async def save_terms(self, connection: AsyncConnection, rows: Sequence[TermsRow]) -> None:
        """One row for each lesson that can be found."""
        names = ("library_id", "experience_id", "version", "terms")
        await connection.execute(SAVE_TERMS, [dict(zip(names, row, strict=True)) for row in rows])

    async def by_terms(
        self, connection: AsyncConnection, library_id: int, terms: Sequence[str], limit: int
    ) -> list[str]:
        """BM25 over an OR of the terms, each read from the index once."""
        result = await connection.execute(SEARCH, {"library": library_id, "terms": list(terms), "limit": limit})
        return [str(row[0]) for row in result]

    async def nearest(
        self, connection: AsyncConnection, owner: Owner, vector: bytes, limit: int
    ) -> list[tuple[str, float]]:
        """By the library's HNSW index where it has one, else exactly; in a transaction that reads."""
        library, embedder = owner
        await connection.execute(text(LOOK), {"name": _name(owner, len(vector) // 2)})
        statement = text(NEAREST.format(dimensions=len(vector) // 2, library=int(library))).bindparams(
            bindparam("embedder", literal_execute=True, type_=Text), bindparam("query", type_=Text)
        )
        values = {"query": as_text(vector), "embedder": embedder, "limit": limit}
        return [(str(row[0]), float(row[1])) for row in await connection.execute(statement, values)]

    async def index_vectors(self, engine: AsyncEngine, owner: Owner, dimensions: int) -> None:
        """Make the owner's HNSW index where it pays and there is none yet, while everybody goes on."""
        name = _name(owner, dimensions)
        async with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            if (await connection.execute(text(IS_VALID), {"name": name})).scalar_one_or_none():
                return
            library, embedder = owner
            counted = await connection.execute(text(COUNT), {"library": library, "embedder": embedder})
            vectors = int(counted.scalar_one())
            lock = {"lock": BUILD_LOCK, "library": library}
            take_lock = text("SELECT pg_try_advisory_lock(:lock, :library)")
            if vectors < INDEX_FROM or not (await connection.execute(take_lock, lock)).scalar_one():
                return
            try:
                await _build(connection, owner, dimensions, vectors)
            finally:
                await connection.invalidate()  # ends the session, and with it the lock and the settings


async def _build(connection: AsyncConnection, owner: Owner, dimensions: int, vectors: int) -> None:
    library, embedder = owner
    name = _name(owner, dimensions)
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


def _name(owner: Owner, dimensions: int) -> str:
    library, embedder = owner
    digest = hashlib.sha256(f"{embedder}\0{dimensions}".encode()).hexdigest()[:10]
    return f"ix_vectors_{library}_{digest}"


async def _create(connection: AsyncConnection, name: str, create: str, embedder: str) -> None:
    await connection.execute(text(f"DROP INDEX CONCURRENTLY IF EXISTS {name}"))
    in_place = bindparam("embedder", literal_execute=True, type_=Text)
    await connection.execute(text(create).bindparams(in_place), {"embedder": embedder})
