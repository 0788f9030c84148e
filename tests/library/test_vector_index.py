from __future__ import annotations

import numpy as np
import pytest
from library.test_storage_vectors import DIMENSIONS, adding, vectors
from postgresql_server import PostgresqlServer
from sqlalchemy import make_url, text

from explib.models.libraries import Library, LibrarySettings
from explib.storage.postgresql import search as hnsw
from explib.storage.store import Store, open_store

INDEXES = (
    "SELECT relname FROM pg_index JOIN pg_class ON oid = indexrelid WHERE relname LIKE 'ix_vectors_%' AND indisvalid"
)


@pytest.fixture
def engine() -> str:
    return "postgresql"


async def asked(store: Store, statement: str, *before: str) -> list[str]:
    async with store.database.read() as connection:
        for each in before:
            await connection.exec_driver_sql(each)
        return [str(row[0]) for row in await connection.exec_driver_sql(statement)]


async def test_a_large_library_gets_an_index_of_its_own(
    store: Store, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hnsw, "INDEX_FROM", 50)
    ids = await adding(store, library, 100)
    await store.vectors.save(library, "it's one", ids, [1] * 100, vectors(100))
    await store.search.index_vectors(library, "it's one", DIMENSIONS)
    assert len(await asked(store, INDEXES)) == 1
    query = vectors(100)[7]
    found = await store.search.nearest(library, "it's one", query, 3)
    assert found[0][0] == ids[7]
    more = await store.search.nearest(library, "it's one", query, 100)
    assert {known for known, _ in more} == set(ids)
    placed = {":query": repr([*map(float, query)]), ":embedder": "it''s one"}
    statement = hnsw.NEAREST.format(dimensions=DIMENSIONS, library=library.id).replace(":limit", "3")
    for name, value in placed.items():
        statement = statement.replace(name, f"'{value}'")
    plan = await asked(store, f"EXPLAIN {statement}", "SET LOCAL enable_seqscan = off", "SET LOCAL enable_sort = off")
    assert f"ix_vectors_{library.id}_" in " ".join(plan)


async def test_a_scan_for_more_than_the_index_looks_at_at_once_goes_on(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = await store.libraries.ensure("large", LibrarySettings(max_experiences=600))
    monkeypatch.setattr(hnsw, "INDEX_FROM", 500)
    ids = await adding(store, library, 600)
    await store.vectors.save(library, "one", ids, [1] * 600, vectors(600))
    await store.search.index_vectors(library, "one", DIMENSIONS)
    assert len(await asked(store, INDEXES)) == 1
    found = await store.search.nearest(library, "one", vectors(600)[7], 400)
    assert len({known for known, _ in found}) == 400


async def test_an_older_vector_does_not_take_the_place_of_a_newer_one(store: Store, library: Library) -> None:
    [known] = await adding(store, library, 1)
    await store.vectors.save(library, "one", [known], [2], vectors(2)[:1])
    await store.vectors.save(library, "one", [known], [1], vectors(2)[1:])
    stored = await store.vectors.load(library, "one")
    assert stored.versions == [2]
    assert np.array_equal(stored.matrix, vectors(2)[:1].astype(np.float16))


async def test_without_the_shared_memory_for_many_workers_one_builds_the_index(
    url: str, store: Store, library: Library, monkeypatch: pytest.MonkeyPatch, postgresql: PostgresqlServer
) -> None:
    monkeypatch.setattr(hnsw, "INDEX_FROM", 50)
    ids = await adding(store, library, 100)
    await store.vectors.save(library, "one", ids, [1] * 100, vectors(100))
    many = ("maintenance_work_mem = '1TB'", "min_parallel_table_scan_size = 0", "max_parallel_maintenance_workers = 2")
    for setting in many:
        postgresql.sql(f"ALTER DATABASE {make_url(url).database} SET {setting};")
    async with open_store(url) as fresh:
        await fresh.search.index_vectors(library, "one", DIMENSIONS)
    assert len(await asked(store, INDEXES)) == 1


@pytest.mark.parametrize(("vectors_in_it", "looks_at"), [(1e3, "200"), (1e6, "633"), (1e9, "1000")])
async def test_the_larger_the_index_the_more_is_looked_at(
    store: Store, library: Library, monkeypatch: pytest.MonkeyPatch, vectors_in_it: float, looks_at: str
) -> None:
    monkeypatch.setattr(hnsw, "INDEX_FROM", 50)
    ids = await adding(store, library, 60)
    await store.vectors.save(library, "one", ids, [1] * 60, vectors(60))
    await store.search.index_vectors(library, "one", DIMENSIONS)
    grown = text("UPDATE pg_class SET reltuples = :count WHERE relname LIKE 'ix_vectors_%'")
    await store.database.write(
        lambda connection: connection.execute(grown, {"count": vectors_in_it}), explicit_locks=True
    )
    async with store.database.read() as connection:
        query = vectors(60)[3].astype("<f2").tobytes()
        found = await hnsw.PostgresqlSearch().nearest(connection, (library.id, "one"), query, 5)
        shown = (await connection.execute(text("SHOW hnsw.ef_search"))).scalar_one()
    assert (found[0][0], shown) == (ids[3], looks_at)
