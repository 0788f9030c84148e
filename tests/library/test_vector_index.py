from __future__ import annotations

import asyncio

import pytest
from library.test_storage_vectors import DIMENSIONS, adding, vectors

from explib.models.libraries import Library
from explib.storage import vector_index
from explib.storage.store import Store

PATIENCE = 30.0
"""Seconds after which a condition that should come true has failed."""
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
    monkeypatch.setattr(vector_index, "INDEX_FROM", 50)
    ids = await adding(store, library, 100)
    await store.vectors.save(library, "it's one", ids, [1] * 100, vectors(100))
    async with asyncio.timeout(PATIENCE):
        while not (await asked(store, INDEXES)):
            await asyncio.sleep(0.01)
    query = vectors(100)[7]
    found = await store.vectors.nearest(library, "it's one", query, 3)
    assert found is not None
    assert found[0][0] == ids[7]
    placed = {":query": repr([*map(float, query)]), ":embedder": "it''s one"}
    statement = vector_index.NEAREST.format(dimensions=DIMENSIONS, library=library.id).replace(":limit", "3")
    for name, value in placed.items():
        statement = statement.replace(name, f"'{value}'")
    plan = await asked(store, f"EXPLAIN {statement}", "SET LOCAL enable_seqscan = off", "SET LOCAL enable_sort = off")
    assert f"ix_vectors_{library.id}_" in " ".join(plan)
