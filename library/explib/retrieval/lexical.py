"""BM25 in memory over the terms of `explib.words.terms`: the same on every engine and in every language.

Each term counts once in an experience (lessons are a sentence long), so a posting is a place and nothing else:
score = Σ idf(t) · (k1 + 1) / (1 + k1 · (1 - b + b · length / mean length)), with idf = ln(1 + (N - n + ½) / (n + ½)),
Robertson and Zaragoza, "The Probabilistic Relevance Framework" (2009). Terms are held as 64-bit hashes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

K1 = 1.2
B = 0.75
MOST_POSTINGS = 50_000
"""Postings read for one query, the rarest terms first: bounds its time. The commonest terms say least."""
FOLDED_TERMS = 4096
"""Changed terms that are held beside the sorted postings before they are folded into them."""

Places = NDArray[np.int32]


def hashes(terms: Iterable[str]) -> NDArray[np.int64]:
    """The terms as they are held: Python's 64-bit hashes, good within one process."""
    return np.fromiter(map(hash, terms), np.int64)


class Postings:
    """Where each term occurs. A place is a row number given by the owner; it holds one document or none."""

    def __init__(self) -> None:
        self._keys: NDArray[np.int64] = np.empty(0, np.int64)
        self._ends: NDArray[np.int64] = np.empty(0, np.int64)
        self._places: Places = np.empty(0, np.int32)
        self._changed: dict[int, Places] = {}
        self._lengths: Places = np.zeros(0, np.int32)
        self._documents = 0
        self._length = 0

    def change(
        self, removed: Mapping[int, NDArray[np.int64]], added: Mapping[int, NDArray[np.int64]], places: int
    ) -> None:
        """Take documents out of their places, then put others in; each by its place, with its hashed terms.

        `places` is the number of places that there are from now on.
        """
        if places > len(self._lengths):
            self._lengths = np.concatenate([self._lengths, np.zeros(places - len(self._lengths), np.int32)])
        self._measure(removed, added)
        if not len(self._places) and not self._changed:
            self._sort(*_flat(added))
            return
        gone, new = _by_term(removed), _by_term(added)
        for term in gone.keys() | new.keys():
            kept = self._of(term)
            if term in gone:
                kept = kept[~np.isin(kept, gone[term])]
            self._changed[term] = np.concatenate([kept, np.array(new.get(term, ()), np.int32)])
        if len(self._changed) > FOLDED_TERMS:
            self._fold()

    def _measure(self, removed: Mapping[int, NDArray[np.int64]], added: Mapping[int, NDArray[np.int64]]) -> None:
        for place in removed:
            self._length -= int(self._lengths[place])
            self._lengths[place] = 0
        for place, terms in added.items():
            self._lengths[place] = len(terms)
            self._length += len(terms)
        self._documents += len(added) - len(removed)

    def _of(self, term: int) -> Places:
        changed = self._changed.get(term)
        if changed is not None:
            return changed
        at = int(np.searchsorted(self._keys, term))
        if at == len(self._keys) or self._keys[at] != term:
            return self._places[:0]
        return self._places[int(self._ends[at - 1]) if at else 0 : int(self._ends[at])]

    def _fold(self) -> None:
        """Changed terms take their place among the sorted ones."""
        counts = np.diff(self._ends, prepend=0)
        kept = np.repeat(~np.isin(self._keys, np.fromiter(self._changed, np.int64)), counts)
        terms = [np.repeat(self._keys, counts)[kept]]
        terms += [np.full(len(places), term, np.int64) for term, places in self._changed.items()]
        self._sort(np.concatenate(terms), np.concatenate([self._places[kept], *self._changed.values()]))
        self._changed = {}

    def _sort(self, terms: NDArray[np.int64], places: Places) -> None:
        order = np.argsort(terms, kind="stable")
        self._places = places[order]
        self._keys, counts = np.unique(terms[order], return_counts=True)
        self._ends = np.cumsum(counts)

    def coverage(self, terms: Sequence[str]) -> NDArray[np.float64]:
        """How much of a query each place covers: its BM25 score as a share of Σ idf over the query's terms.

        By place, 0 where it has none of them; short documents may come to a little more than 1.
        """
        asked = [self._of(term) for term in dict.fromkeys(hashes(terms).tolist())]
        asked.sort(key=len)
        counts = np.array([len(places) for places in asked], np.int64)
        telling = np.log1p((self._documents - counts + 0.5) / (counts + 0.5))
        read = max(1, int(np.searchsorted(np.cumsum(counts), MOST_POSTINGS, "right")))
        found = np.concatenate([*asked[:read], self._places[:0]])
        weights = np.repeat(telling[:read], counts[:read])
        sums = np.bincount(found, weights, len(self._lengths)).astype(np.float64, copy=False)
        places = np.flatnonzero(sums)
        if len(places):
            relative = self._lengths[places] * (self._documents / self._length)
            sums[places] *= (K1 + 1) / (1 + K1 * (1 - B + B * relative)) / telling.sum()
        return sums


def _flat(documents: Mapping[int, NDArray[np.int64]]) -> tuple[NDArray[np.int64], Places]:
    terms = list(documents.values()) or [np.empty(0, np.int64)]
    lengths = [len(each) for each in documents.values()]
    return np.concatenate(terms), np.repeat(np.fromiter(documents, np.int32), lengths)


def _by_term(documents: Mapping[int, NDArray[np.int64]]) -> dict[int, list[int]]:
    by_term: dict[int, list[int]] = defaultdict(list)
    for place, terms in documents.items():
        for term in terms.tolist():
            by_term[term].append(place)
    return by_term
