"""The vectors of lessons: as they are stored, else embedded, and stored for whoever comes next."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from explib.models.experiences import Lesson
from explib.models.libraries import Library
from explib.retrieval.embedding import Embedder
from explib.storage.store import Store

MOST_NAMED = 1000
"""Lessons whose vectors are asked for by their ids; for more than that, all of the library's are read at once."""


async def vectors_of(
    store: Store, embedder: Embedder, library: Library, lessons: Sequence[Lesson]
) -> NDArray[np.float16]:
    """A row for each lesson. What had to be embedded is stored behind the answer."""
    named = None if len(lessons) > MOST_NAMED else [lesson.id for lesson in lessons]
    stored = await store.vectors.load(library, embedder.name, named)
    rows = {key: row for row, key in enumerate(zip(stored.ids, stored.versions, strict=True))}
    found = [rows.get((lesson.id, lesson.version), -1) for lesson in lessons]
    missing = [place for place, row in enumerate(found) if row < 0]
    fresh = await embedder.embed([lessons[place].content for place in missing])
    if not len(rows):
        vectors = fresh.astype(np.float16)
    else:
        vectors = stored.matrix[np.maximum(found, 0)]
        vectors[missing] = fresh
    if missing:
        absent = [lessons[place] for place in missing]
        ids, versions = [lesson.id for lesson in absent], [lesson.version for lesson in absent]
        store.vectors.save_behind(library, embedder.name, ids, versions, vectors[missing])
    return vectors
