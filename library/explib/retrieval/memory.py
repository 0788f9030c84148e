"""A library in memory: its entries, its terms and its vectors, changed in place. No waiting, no input or output."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from sys import intern
from typing import cast

import numpy as np
from numpy.typing import NDArray

from explib.models.experiences import Lesson
from explib.retrieval.bm25 import Postings
from explib.retrieval.entry import Entry, Ranked, entry_of
from explib.retrieval.ranking import COVERED_ENOUGH, NEAR_ENOUGH, at_least_the, blended, relevances
from explib.retrieval.vectors import Vectors
from explib.text.words import terms


@dataclass(frozen=True, slots=True)
class Prepared:
    """An experience that was added or changed, with everything about it that takes time to compute."""

    entry: Entry
    terms: list[str]


def prepare(lessons: Sequence[Lesson]) -> list[Prepared]:
    """About 15 µs each: many of them belong into a thread."""
    return [Prepared(entry_of(lesson), list(map(intern, terms(lesson.content)))) for lesson in lessons]


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
        removed: dict[int, list[str]] = {}
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

    def _take_out(self, identity: str, removed: dict[int, list[str]]) -> None:
        place = self.places.pop(identity, None)
        entry = None if place is None else self._entries[place]
        if place is None or entry is None:
            return
        self._entries[place] = None
        self.tokens -= entry.tokens
        removed[place] = terms(entry.content)

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

        All are scored by their words and, where there are vectors, by their nearness; equals come by their numbers.
        Nothing where the nearest is far and none shares the task's words: the task is of another kind.
        """
        coverage = self._postings.coverage(words)
        cosines = None
        if query is not None and self._vectors is not None:
            cosines = self._vectors.cosines(query, len(coverage))
            if cosines.max(initial=0) < NEAR_ENOUGH and coverage.max(initial=0) < COVERED_ENOUGH:
                return []
        scores = blended(coverage, cosines)
        places = at_least_the(limit, scores)
        order = np.lexsort((self._numbers[places], -scores[places]))[:limit]
        best = places[order]
        written = relevances(scores[best])
        found = len(written) - written.count(0.0)
        return list(zip(self._at(best[:found]), written[:found], strict=True))

    def _at(self, places: NDArray[np.intp]) -> Iterable[Entry]:
        """The entries of places that are taken, as whatever has a score is."""
        return map(cast("list[Entry]", self._entries).__getitem__, places.tolist())

    def alike(self, words: Sequence[str], similarity: float) -> list[str]:
        """Ids of the experiences whose terms are as similar (Jaccard, 0 to 1) as this to distinct terms."""
        return [f"e{number}" for number in self._numbers[self._postings.alike(words, similarity)].tolist()]
