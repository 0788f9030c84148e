"""Search in a library that is too large for memory: by the database's full text and vector index.

Memory holds only a sample, which tells how common a term is. Neither index scores what only the other found, so the
words of every lesson found are weighed here, and one that is not among the nearest counts as far as the last of them.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, chain

import numpy as np
from numpy.typing import NDArray

from explib.models.experiences import Lesson
from explib.models.libraries import Library
from explib.retrieval.bm25 import K1, MOST_POSTINGS, B, idf
from explib.retrieval.embedding import Embedder
from explib.retrieval.ranking import blended, relevances
from explib.retrieval.stored_vectors import PART, vectors_of
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
    _scale: float = 1.0
    """Lessons of the library for one of the sample."""
    _mean_length: float = 1.0

    def __len__(self) -> int:
        """Lessons that were read into the sample, which is all that is held."""
        return self._sampled

    async def follow(self, library: Library, since: int) -> int:
        """Have every lesson that changed after revision `since` ready to be found; the revision that this is."""
        if since < 0:
            await self._sample(library)
            self.store.search.start(self._fill(library))
            return library.revision
        revision, lessons = await self.store.lessons.changed(library, since)
        current = [lesson for lesson in lessons if lesson.status != "retired"]
        for start in range(0, len(current), PART):
            await self._store(library, current[start : start + PART])
        return revision

    async def _sample(self, library: Library) -> None:
        latest, lessons = await self.store.lessons.sample(library, SAMPLE)
        term_lists = [terms(lesson.content) for lesson in lessons]
        self._documents = Counter(chain.from_iterable(term_lists))
        self._sampled, self._scale = len(term_lists), latest / max(1, len(term_lists))
        self._mean_length = max(1.0, sum(map(len, term_lists)) / max(1, len(term_lists)))

    async def _fill(self, library: Library) -> None:
        """Store the terms and vectors of all lessons, then index the vectors."""
        name = None if self.embedder is None else self.embedder.name
        async for lessons in self.store.search.missing(library, name, PART):
            await self._store(library, lessons)
        if self.embedder is not None:
            dimensions = (await self.embedder.embed([""])).shape[1]
            await self.store.search.index_vectors(library, self.embedder.name, dimensions)

    async def _store(self, library: Library, lessons: Sequence[Lesson]) -> None:
        await self.store.search.save_terms(library, lessons)
        if self.embedder is not None:
            await vectors_of(self.store, self.embedder, library, lessons)
            await self.store.vectors.flush()

    async def relevance(
        self, library: Library, words: Sequence[str], query: NDArray[np.float32] | None, limit: int
    ) -> list[tuple[Lesson, float]]:
        """The `limit` most relevant lessons for a task's terms and its unit vector, best first, each in 0 to 1."""
        worded, near = await asyncio.gather(self._worded(library, words, limit), self.nearest(library, query, limit))
        lessons = await self.store.lessons.named(library, list(dict.fromkeys([*worded, *near])))
        coverage = self._coverage(words, lessons)
        cosines = None
        if near:
            last = min(near.values())
            cosines = np.array([near.get(lesson.id, last) for lesson in lessons])
        scored = zip(lessons, relevances(blended(coverage, cosines)), strict=True)
        return sorted(scored, key=lambda pair: (-pair[1], int(pair[0].id[1:])))[:limit]

    async def _worded(self, library: Library, words: Sequence[str], limit: int) -> list[str]:
        rarest = sorted(words, key=lambda term: self._documents[term])
        expected = accumulate(self._scale * (self._documents[term] or 0.5) for term in rarest)
        selective = [term for term, rows in zip(rarest, expected, strict=True) if rows <= MOST_POSTINGS] or rarest[:1]
        return await self.store.search.by_terms(library, selective, limit) if selective else []

    async def nearest(self, library: Library, query: NDArray[np.float32] | None, limit: int) -> dict[str, float]:
        """Experience ids and cosines of the nearest to a unit vector, nearest first."""
        if self.embedder is None or query is None:
            return {}
        return dict(await self.store.search.nearest(library, self.embedder.name, query, limit))

    def _coverage(self, words: Iterable[str], lessons: Sequence[Lesson]) -> NDArray[np.float64]:
        """As `bm25.Postings.coverage` has it, with the sample in the library's place."""
        weights = {term: idf(self._documents[term], self._sampled) for term in words}
        total = sum(weights.values()) or 1.0
        shares = np.zeros(len(lessons))
        for place, lesson in enumerate(lessons):
            own = terms(lesson.content)
            share = sum(weights.get(term, 0.0) for term in own) / total
            shares[place] = share * (K1 + 1) / (1 + K1 * (1 - B + B * len(own) / self._mean_length))
        return shares
