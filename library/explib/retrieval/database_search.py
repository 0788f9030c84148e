"""Finding in a library that is too large to be held: by the database's own full text and vector index.

Nothing is held but a sample, which tells how common a term is. Neither index says how good the other's finds are, so
the words of every find are weighed here, and a lesson that is not among the nearest counts as far as the last of them.
"""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from explib.models.experiences import Lesson
from explib.models.libraries import Library
from explib.retrieval.bm25 import K1, MOST_POSTINGS, B
from explib.retrieval.embedding import Embedder
from explib.retrieval.ranking import blended, relevances
from explib.retrieval.stored_vectors import PART, fill, vectors_of
from explib.storage.store import Store
from explib.text.words import terms

SAMPLE = 2000
"""Lessons that are read to learn how common each term is."""


@dataclass(slots=True)
class DatabaseSearch:
    """The search of one library, through the store."""

    store: Store
    embedder: Embedder | None
    _documents: Counter[str] = field(default_factory=Counter)
    _sampled: int = 0
    _each: float = 1.0
    """Lessons of the library for one of the sample."""
    _mean_length: float = 1.0

    def __len__(self) -> int:
        """Lessons that were read into the sample, which is all that is held."""
        return self._sampled

    async def follow(self, library: Library, since: int) -> int:
        """Have every lesson that changed after revision `since` ready to be found; the revision that this is."""
        if since < 0:
            await self._sample(library)
            if self.embedder is not None and self.store.vectors.searched:
                self.store.vectors.go_on(self._fill(library, self.embedder))
            return library.revision
        revision, lessons = await self.store.lessons.changed(library, since)
        current = [lesson for lesson in lessons if lesson.status != "retired"]
        if self.embedder is not None and self.store.vectors.searched:
            for start in range(0, len(current), PART):
                await vectors_of(self.store, self.embedder, library, current[start : start + PART])
                await self.store.vectors.flush()
        return revision

    async def _sample(self, library: Library) -> None:
        latest, lessons = await self.store.lessons.sample(library, SAMPLE)
        cut = [terms(lesson.content) for lesson in lessons]
        self._documents = Counter(term for each in cut for term in each)
        self._sampled, self._each = len(cut), latest / max(1, len(cut))
        self._mean_length = max(1.0, sum(map(len, cut)) / max(1, len(cut)))

    async def _fill(self, library: Library, embedder: Embedder) -> None:
        """Have the vectors of all lessons stored, then indexed."""
        await fill(self.store, embedder, library)
        dimensions = (await embedder.embed([""])).shape[1]
        await self.store.vectors.index(library, embedder.name, dimensions)

    async def relevance(
        self, library: Library, words: Sequence[str], query: NDArray[np.float32] | None, limit: int
    ) -> list[tuple[Lesson, float]]:
        """The `limit` most relevant lessons for a task's terms and its unit vector, best first, each in 0 to 1."""
        worded, near = await asyncio.gather(self._worded(library, words, limit), self._near(library, query, limit))
        lessons = await self.store.lessons.named(library, [*worded, *(known for known in near if known not in worded)])
        coverage = self._coverage(words, lessons)
        cosines = None
        if near:
            last = min(near.values())
            cosines = np.array([near.get(lesson.id, last) for lesson in lessons])
        scored = zip(lessons, relevances(blended(coverage, cosines)), strict=True)
        return sorted(scored, key=lambda each: (-each[1], int(each[0].id[1:])))[:limit]

    async def _worded(self, library: Library, words: Sequence[str], limit: int) -> list[str]:
        rarest = sorted(words, key=lambda term: self._documents[term])
        foretold = accumulate(self._each * (self._documents[term] or 0.5) for term in rarest)
        asked = [term for term, rows in zip(rarest, foretold, strict=True) if rows <= MOST_POSTINGS] or rarest[:1]
        return await self.store.retrievals.search(library, asked, limit) if asked else []

    async def _near(self, library: Library, query: NDArray[np.float32] | None, limit: int) -> dict[str, float]:
        if self.embedder is None or query is None:
            return {}
        return dict(await self.store.vectors.nearest(library, self.embedder.name, query, limit) or ())

    async def nearest(self, library: Library, query: NDArray[np.float32], limit: int) -> list[str]:
        """Ids of the nearest to a unit vector, nearest first."""
        return list(await self._near(library, query, limit))

    def _coverage(self, words: Iterable[str], lessons: Sequence[Lesson]) -> NDArray[np.float64]:
        """As `lexical.Coverage` has it, with the sample in the library's place."""
        telling = {term: self._telling(term) for term in words}
        whole = sum(telling.values()) or 1.0
        shares = np.zeros(len(lessons))
        for place, lesson in enumerate(lessons):
            own = terms(lesson.content)
            share = sum(telling.get(term, 0.0) for term in own) / whole
            shares[place] = share * (K1 + 1) / (1 + K1 * (1 - B + B * len(own) / self._mean_length))
        return shares

    def _telling(self, term: str) -> float:
        count = self._documents[term]
        return math.log1p((self._sampled - count + 0.5) / (count + 0.5))
