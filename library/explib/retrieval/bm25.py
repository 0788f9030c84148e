"""BM25 in memory over the terms of `explib.text.words.terms`: the same on every engine and in every language.

Each term counts once in an experience (lessons are a sentence long), so a posting is a place and nothing else:
score = Σ idf(t) · (k1 + 1) / (1 + k1 · (1 - b + b · length / mean length)), with idf = ln(1 + (N - n + ½) / (n + ½)),
Robertson and Zaragoza, "The Probabilistic Relevance Framework" (2009). Terms are held as 64-bit hashes.
"""

from __future__ import annotations

import copy
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

K1 = 1.2
B = 0.75
MOST_POSTINGS = 3_000
"""Postings read for one query, here and in the database, the rarest terms first: bounds its time. The commonest terms
say least: among 10⁴ and 6 · 10⁴ others nothing is served worse for it with an embedder, and without one English alone
is (`benchmarks/retrieval_quality.py --among`)."""
FOLDED_TERMS = 4096
"""Changed terms that are held beside the sorted postings before they are folded into them."""
REMEMBERED_TERMS = 10_000
"""Terms of queries whose postings are at hand, about 400 bytes each."""
REBUILT_SHARE = 0.05
"""A change that brings more than this share of the documents sorts all postings anew, which is then quicker."""

Places = NDArray[np.int32]
_Term: TypeAlias = "tuple[int, float, Places]"
"""How many places have it, its idf, and where they are."""
_COUNT = itemgetter(0)


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
        self._weighed: NDArray[np.float64] | None = None
        self._remembered: dict[str, _Term] = {}

    def copy(self) -> Postings:
        """The same postings, to be changed apart."""
        other = copy.copy(self)  # arrays are replaced, never written to
        other._changed, other._lengths, other._remembered = self._changed.copy(), self._lengths.copy(), {}
        return other

    def change(
        self, removed: Mapping[int, NDArray[np.int64]], added: Mapping[int, NDArray[np.int64]], places: int
    ) -> None:
        """Take documents out of their places, then put others in; each by its place, with its hashed terms.

        `places` is the number of places that there are from now on.
        """
        if places > len(self._lengths):
            self._lengths = np.concatenate([self._lengths, np.zeros(places - len(self._lengths), np.int32)])
        self._measure(removed, added)
        gone = np.zeros(places, np.bool_)
        gone[list(removed)] = True
        if len(added) > REBUILT_SHARE * self._documents:
            self._fold(gone, *_flat(added))
            return
        new = _by_term(added)
        touched = np.array([*(_by_term(removed).keys() | new.keys())], np.int64)
        for term, held in zip(touched.tolist(), self._all_of(touched), strict=True):
            self._changed[term] = np.concatenate([held[~gone[held]], np.array(new.get(term, ()), np.int32)])
        if len(self._changed) > FOLDED_TERMS:
            self._fold(np.zeros(places, np.bool_), *_flat({}))

    def _measure(self, removed: Mapping[int, NDArray[np.int64]], added: Mapping[int, NDArray[np.int64]]) -> None:
        for place in removed:
            self._length -= int(self._lengths[place])
            self._lengths[place] = 0
        for place, terms in added.items():
            self._lengths[place] = len(terms)
            self._length += len(terms)
        self._documents += len(added) - len(removed)
        self._weighed = None
        self._remembered.clear()

    def _all_of(self, terms: NDArray[np.int64]) -> list[Places]:
        """The places of each term, in the order of the terms."""
        if not len(self._keys):
            return [self._changed.get(term, self._places) for term in terms.tolist()]
        at = np.minimum(np.searchsorted(self._keys, terms), len(self._keys) - 1)
        ends = np.where(self._keys[at] == terms, self._ends[at], 0).tolist()
        starts = np.where(at > 0, self._ends[at - 1], 0).tolist()
        return [
            self._changed[term] if term in self._changed else self._places[start:end]
            for term, start, end in zip(terms.tolist(), starts, ends, strict=True)
        ]

    def _fold(self, gone: NDArray[np.bool_], terms: NDArray[np.int64], places: Places) -> None:
        """Changed terms and new postings take their place among the sorted ones, without those of places gone."""
        counts = np.diff(self._ends, prepend=0)
        sorted_terms = np.repeat(self._keys, counts)
        kept = ~(np.isin(sorted_terms, np.fromiter(self._changed, np.int64)) | gone[self._places])
        all_terms, all_places = [sorted_terms[kept], terms], [self._places[kept], places]
        for term, held in self._changed.items():
            staying = held[~gone[held]]
            all_terms.append(np.full(len(staying), term, np.int64))
            all_places.append(staying)
        flat = np.concatenate(all_terms)
        order = np.argsort(flat, kind="stable")
        self._places = np.concatenate(all_places)[order]
        self._keys, counts = np.unique(flat[order], return_counts=True)
        self._ends = np.cumsum(counts)
        self._changed = {}

    def coverage(self, terms: Sequence[str]) -> NDArray[np.float64]:
        """How much of a query each place covers: its BM25 score as a share of Σ idf over the query's distinct terms.

        Short documents may come to a little more than 1.
        """
        if not terms:
            return np.zeros(len(self._lengths))
        asked = sorted(self._asked(terms), key=_COUNT)
        whole = sum(telling for _, telling, _ in asked) or 1.0
        read, postings = 0, 0
        for count, _, _ in asked:
            postings += count
            if read and postings > MOST_POSTINGS:
                break
            read += 1
        counts, tellings, places = zip(*asked[:read], strict=True)
        shares = np.repeat(np.array(tellings) / whole, counts)
        summed = np.bincount(np.concatenate(places), shares, len(self._lengths))
        return np.multiply(summed, self._weights())

    def alike(self, terms: Sequence[str], similarity: float) -> NDArray[np.intp]:
        """The places whose documents share at least this much of all their terms (Jaccard) with distinct terms."""
        if not terms:
            return np.zeros(0, np.intp)
        places = np.concatenate([places for _, _, places in self._asked(terms)])
        shared = np.bincount(places, minlength=len(self._lengths))
        return np.flatnonzero((shared > 0) & (shared >= similarity * (len(terms) + self._lengths - shared)))

    def _asked(self, terms: Sequence[str]) -> list[_Term]:
        """Each term; remembered, since tasks are written with the same words."""
        known = self._remembered
        if len(known) + len(terms) > REMEMBERED_TERMS:
            known.clear()
        new = [term for term in terms if term not in known]
        for term, places in zip(new, self._all_of(hashes(new)) if new else (), strict=True):
            count = len(places)
            known[term] = count, math.log1p((self._documents - count + 0.5) / (count + 0.5)), places
        return [known[term] for term in terms]

    def _weights(self) -> NDArray[np.float64]:
        """What a term's idf counts in each place: less in a long document."""
        if self._weighed is None:
            relative = self._lengths.astype(np.float64) * (self._documents / max(1, self._length))
            self._weighed = np.divide(K1 + 1, 1 + K1 * (1 - B + B * relative))
        return self._weighed


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
