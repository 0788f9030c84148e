from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from explib.errors import StorageError
from explib.models.libraries import Library, LibrarySettings
from explib.models.revisions import Operation
from explib.storage.revisions.proposal import Proposal
from explib.storage.store import Store

pytestmark = pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
DIMENSIONS = 8


async def adding(store: Store, library: Library, count: int) -> list[str]:
    current = await store.libraries.get(library.name)
    operations = tuple(Operation("ADD", "because", content=f"When {number}, count it.") for number in range(count))
    done = await store.revisions.commit(Proposal(current, "test", "me", "contrast", operations))
    return [change.after[0].id for change in done.changes]


def vectors(count: int) -> NDArray[np.float32]:
    drawn: NDArray[np.float32] = np.random.default_rng(7).normal(size=(count, DIMENSIONS)).astype(np.float32)
    drawn /= np.linalg.norm(drawn, axis=1, keepdims=True)
    return drawn


async def test_vectors_are_read_back_as_they_were_saved_to_half_precision(store: Store, library: Library) -> None:
    ids = await adding(store, library, 5)
    matrix = vectors(5)
    await store.vectors.save(library, "one", ids, [1, 1, 1, 1, 2], matrix)
    stored = await store.vectors.load(library, "one")
    order = [stored.ids.index(known) for known in ids]
    assert sorted(stored.ids) == sorted(ids)
    assert [stored.versions[at] for at in order] == [1, 1, 1, 1, 2]
    assert np.array_equal(stored.matrix[order], matrix.astype(np.float16))


async def test_nothing_saved_is_nothing_loaded(store: Store, library: Library) -> None:
    assert (await store.vectors.load(library, "one")).matrix.shape[0] == 0


async def test_a_new_vector_replaces_the_old_and_embedders_and_libraries_are_apart(
    store: Store, library: Library
) -> None:
    other = await store.libraries.ensure("other", LibrarySettings())
    [known], [theirs] = await adding(store, library, 1), await adding(store, other, 1)
    await store.vectors.save(library, "one", [known], [1], vectors(3)[:1])
    await store.vectors.save(library, "two", [known], [1], vectors(3)[1:2, :4])
    await store.vectors.save(other, "one", [theirs], [1], vectors(3)[2:])
    await store.vectors.save(library, "one", [known], [2], vectors(3)[1:2])
    stored = await store.vectors.load(library, "one")
    assert (stored.ids, stored.versions) == ([known], [2])
    assert np.array_equal(stored.matrix, vectors(3)[1:2].astype(np.float16))
    assert (await store.vectors.load(library, "two")).matrix.shape == (1, 4)
    assert np.array_equal((await store.vectors.load(other, "one")).matrix, vectors(3)[2:].astype(np.float16))


async def test_the_vectors_of_a_retired_experience_are_gone(store: Store, library: Library) -> None:
    ids = await adding(store, library, 2)
    await store.vectors.save(library, "one", ids, [1, 1], vectors(2))
    current = await store.libraries.get(library.name)
    await store.revisions.commit(Proposal(current, "t", "me", "contrast", (Operation("DELETE", "no", target=ids[0]),)))
    assert (await store.vectors.load(library, "one")).ids == ids[1:]


async def test_the_nearest_are_found_in_the_database_where_it_can_search(
    store: Store, library: Library, engine: str
) -> None:
    ids = await adding(store, library, 50)
    matrix = vectors(50)
    await store.vectors.save(library, "one", ids, [1] * 50, matrix)
    if engine == "sqlite":
        with pytest.raises(StorageError, match="use PostgreSQL"):
            await store.search.nearest(library, "one", matrix[3], 5)
        return
    found = await store.search.nearest(library, "one", matrix[3], 5)
    exact = matrix @ matrix[3]
    assert [experience_id for experience_id, _ in found] == [ids[at] for at in np.argsort(-exact)[:5]]
    assert np.allclose([similarity for _, similarity in found], np.sort(exact)[::-1][:5], atol=2e-3)
