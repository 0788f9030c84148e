"""A library in memory: its entries, its terms and its vectors, changed in place. No waiting, no input or output."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import cast

import numpy as np
from numpy.typing import NDArray

from explib.models.experiences import Lesson
from explib.retrieval.bm25 import Postings, hashes
from explib.retrieval.entry import Entry, Ranked, entry_of
from explib.retrieval.ranking import at_least_the, blended, relevances
from explib.retrieval.vectors import Vectors
from explib.text.words import terms


@dataclass(frozen=True, slots=True)
class Prepared:
    """An experience that was added or changed, with everything about it that takes time to compute."""

    entry: Entry
    terms: NDArray[np.int64]


def prepare(lessons: Sequence[Lesson]) -> list[Prepared]:
    """About 15 µs each: many of them belong into a thread."""
    return [Prepared(entry_of(lesson), hashes(terms(lesson.content))) for lesson in lessons]


@dataclass(slots=True)
class MemoryIndex:
    """Every experience that is not retired has a place: a row of each column. A retired one's place is used again."""

    places: dict[str, int] = field(default_factory=dict)
    tokens: int = 0
    """What the lines of all experiences cost together."""
    _entries: list[Entry | None] = field(default_factory=list)
    _numbers: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    _free: list[int] = field(default_factory=list)
    _postings: Postings = field(default_factory=Postings)
    _vectors: Vectors | None = None
    _oldest: list[Entry] = field(default_factory=list)
    """The answer of `first`, as far as it was asked for since the last change."""

    def copy(self) -> MemoryIndex:
        """The same library, to be changed apart."""
        return MemoryIndex(
            self.places.copy(),
            self.tokens,
            self._entries.copy(),
            self._numbers.copy(),
            self._free.copy(),
            self._postings.copy(),
            None if self._vectors is None else self._vectors.copy(),
        )

    def __len__(self) -> int:
        return len(self.places)

    def __contains__(self, identity: object) -> bool:
        return identity in self.places

    def get(self, identity: str) -> Entry | None:
        """The entry of an experience, or None where it is retired or unknown."""
        place = self.places.get(identity)
        return None if place is None else self._entries[place]

    def first(self, limit: int) -> list[Entry]:
        """The `limit` oldest, in order of their numbers."""
        if len(self._oldest) < min(limit, len(self)):
            numbers = self._numbers[self._numbers > 0]
            if limit < len(numbers):
                numbers = np.partition(numbers, limit)[:limit]
            oldest = (self._entries[self.places[f"e{number}"]] for number in np.sort(numbers).tolist())
            self._oldest = [entry for entry in oldest if entry is not None]
        return self._oldest[:limit]

    def change(
        self, changed: Sequence[Prepared], retired: Sequence[str], vectors: NDArray[np.floating] | None = None
    ) -> None:
        """Put new and changed experiences in and take retired ones out; `vectors` has a row for each changed one."""
        removed: dict[int, NDArray[np.int64]] = {}
        self._oldest = []
        for identity in [*retired, *(each.entry.id for each in changed)]:
            self._take_out(identity, removed)
        self._free.extend(sorted(removed, reverse=True))
        added = {self._put_in(each.entry): each.terms for each in changed}
        self._postings.change(removed, added, len(self._entries))
        self._number(removed, added)
        if self._vectors is None and vectors is not None and len(vectors):
            self._vectors = Vectors(vectors.shape[1])
        if self._vectors is not None:
            new = np.zeros((0, 0), np.float32) if vectors is None else vectors
            self._vectors.change(np.fromiter(removed, np.int32), np.fromiter(added, np.int32), new)

    def _take_out(self, identity: str, removed: dict[int, NDArray[np.int64]]) -> None:
        place = self.places.pop(identity, None)
        entry = None if place is None else self._entries[place]
        if place is None or entry is None:
            return
        self._entries[place] = None
        self.tokens -= entry.tokens
        removed[place] = hashes(terms(entry.content))

    def _put_in(self, entry: Entry) -> int:
        if self._free:
            place = self._free.pop()
            self._entries[place] = entry
        else:
            place = len(self._entries)
            self._entries.append(entry)
        self.places[entry.id] = place
        self.tokens += entry.tokens
        return place

    def _number(self, *changed: Iterable[int]) -> None:
        missing = len(self._entries) - len(self._numbers)
        if missing > 0:
            self._numbers = np.concatenate([self._numbers, np.zeros(missing + len(self._numbers) // 4, np.int64)])
        for place in chain(*changed):
            entry = self._entries[place]
            self._numbers[place] = 0 if entry is None else entry.number

    def relevance(self, words: Sequence[str], query: NDArray[np.float32] | None, limit: int) -> list[Ranked]:
        """The `limit` most relevant for a task's terms and its unit vector, best first, each in 0 to 1 (0 excluded).

        All are scored by their words and, where there are vectors, by their nearness; of a large library those that
        either of both brings up.
        """
        coverage = self._postings.coverage(words)
        if query is None or self._vectors is None:
            places = self._having(coverage, limit)
            scores = blended(coverage[places], None)
        elif self._vectors.few:
            places = np.arange(len(coverage))
            scores = blended(coverage, self._vectors.all_cosines(query)[: len(coverage)])
        else:
            places, cosines = self._brought_up(self._vectors, coverage, query, limit)
            scores = blended(coverage[places], cosines)
        best, scores = self._best(places, scores, limit)
        written = relevances(scores)
        found = len(written) - written.count(0.0)
        return list(zip(self._at(best[:found]), written[:found], strict=True))

    def _at(self, places: NDArray[np.intp]) -> Iterable[Entry]:
        """The entries of places that are taken, as whatever has a score is."""
        return map(cast("list[Entry]", self._entries).__getitem__, places.tolist())

    def _brought_up(
        self, vectors: Vectors, coverage: NDArray[np.float64], query: NDArray[np.float32], limit: int
    ) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """Places of the nearest and of those with most words, in no order, and their cosines."""
        places, cosines = vectors.similar(query, limit)
        near = np.zeros(len(coverage), np.bool_)
        near[places] = True
        others = self._having(coverage, limit)
        others = others[~near[others]]
        return np.concatenate([places, others]), np.concatenate([cosines, vectors.cosines(query, others)])

    def alike(self, words: Sequence[str], similarity: float) -> list[str]:
        """Ids of the experiences whose terms are as similar (Jaccard, 0 to 1) as this to distinct terms."""
        return self._ids(self._postings.alike(words, similarity))

    def by_words(self, words: Sequence[str], limit: int) -> list[str]:
        """Ids of the best by BM25 of the words, best first."""
        coverage = self._postings.coverage(words)
        places = self._having(coverage, limit)
        return self._ids(self._best(places, coverage[places], limit)[0])

    def by_nearness(self, query: NDArray[np.float32], limit: int) -> list[str]:
        """Ids of the nearest to a unit vector, nearest first; none where the library has no vectors."""
        if self._vectors is None:
            return []
        places, cosines = self._vectors.similar(query, limit)
        return self._ids(self._best(places, cosines, limit)[0])

    def _having(self, coverage: NDArray[np.float64], limit: int) -> NDArray[np.intp]:
        """Places that have words of the query, the best `limit` among them and not many more; in no order."""
        few = np.count_nonzero(coverage) < 4 * limit
        return np.flatnonzero(coverage) if few else at_least_the(limit, coverage)

    def _ids(self, places: NDArray[np.intp]) -> list[str]:
        return [f"e{number}" for number in self._numbers[places].tolist()]

    def _best(
        self, places: NDArray[np.intp], scores: NDArray[np.float64], limit: int
    ) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """The places with the best scores and these, best first; equal ones by the experiences' numbers."""
        enough = at_least_the(limit, scores)
        places, scores = places[enough], scores[enough]
        order = np.lexsort((self._numbers[places], -scores))[:limit]
        return places[order], scores[order]
