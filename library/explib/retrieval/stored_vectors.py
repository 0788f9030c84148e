"""The vectors of lessons: as they are stored, else embedded, and stored for whoever comes next."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from explib.models.experiences import Lesson
from explib.models.libraries import Library
from explib.retrieval.embedding import Embedder
from explib.storage.store import Store

PART = 2_000
"""Lessons whose vectors are asked for, and where they are missing embedded and stored, at a time."""


async def vectors_of(
    store: Store, embedder: Embedder, library: Library, lessons: Sequence[Lesson]
) -> NDArray[np.float16]:
    """A row for each lesson, of which there is at least one. What had to be embedded is stored behind the answer.

    The parts come in any order: servers that open a large library at the same time find each other's vectors.
    """
    starts = list(range(0, len(lessons), PART))
    random.shuffle(starts)
    parts = {start: await _part(store, embedder, library, lessons[start : start + PART]) for start in starts}
    return np.concatenate([parts[start] for start in sorted(parts)])


async def _part(store: Store, embedder: Embedder, library: Library, lessons: Sequence[Lesson]) -> NDArray[np.float16]:
    stored = await store.vectors.load(library, embedder.name, [lesson.id for lesson in lessons])
    rows = {key: row for row, key in enumerate(zip(stored.ids, stored.versions, strict=True))}
    found = [rows.get((lesson.id, lesson.version), -1) for lesson in lessons]
    missing = [place for place, row in enumerate(found) if row < 0]
    if not missing:
        return stored.matrix[found]
    absent = [lessons[place] for place in missing]
    fresh = (await embedder.embed([lesson.content for lesson in absent])).astype(np.float16)
    await store.vectors.flush()  # one part is stored while the next is embedded: more would keep others from writing
    ids, versions = [lesson.id for lesson in absent], [lesson.version for lesson in absent]
    store.vectors.save_behind(library, embedder.name, ids, versions, fresh)
    if not rows:
        return fresh
    vectors = stored.matrix[np.maximum(found, 0)]
    vectors[missing] = fresh
    return vectors
