"""BM25 in memory over the terms of `explib.text.words.terms`: the same on every engine and in every language.

Each term counts once in an experience (lessons are a sentence long), so a posting is a place and nothing else:
score = Σ idf(t) · (k1 + 1) / (1 + k1 · (1 - b + b · length / mean length)), with idf = ln(1 + (N - n + ½) / (n + ½)),
Robertson and Zaragoza, "The Probabilistic Relevance Framework" (2009).
"""

from __future__ import annotations

import copy
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

K1 = 1.2
B = 0.75
MOST_POSTINGS = 3_000
"""Postings read for one query, here and in the database, the rarest terms first: bounds its time. The commonest terms
say least: among 10⁴ and 6 · 10⁴ others nothing is served worse for it with an embedder, and without one English alone
is (`benchmarks/retrieval_quality.py --among`)."""

Places = NDArray[np.int32]
_NOWHERE: Places = np.zeros(0, np.int32)


def idf(documents_with: int, documents: int) -> float:
    """How much a term tells that occurs in so many of so many documents."""
    return math.log1p((documents - documents_with + 0.5) / (documents_with + 0.5))


class Postings:
    """Where each term occurs. A place is a row number given by the owner; it holds one document or none."""

    def __init__(self) -> None:
        self._places: dict[str, Places] = {}
        self._lengths: Places = np.zeros(0, np.int32)
        self._documents = 0
        self._length = 0
        self._weights: NDArray[np.float64] | None = None

    def copy(self) -> Postings:
        """The same postings, to be changed apart."""
        other = copy.copy(self)  # arrays are replaced, never written to
        other._places, other._lengths = self._places.copy(), self._lengths.copy()
        return other

    def change(self, removed: Mapping[int, Sequence[str]], added: Mapping[int, Sequence[str]], places: int) -> None:
        """Take documents out of their places, then put others in; each by its place, with its terms.

        `places` is the number of places that there are from now on.
        """
        if places > len(self._lengths):
            self._lengths = np.concatenate([self._lengths, np.zeros(places - len(self._lengths), np.int32)])
        gone = np.zeros(places, np.bool_)
        gone[list(removed)] = True
        self._length += sum(map(len, added.values())) - int(self._lengths[gone].sum())
        self._lengths[gone] = 0
        new: dict[str, list[int]] = defaultdict(list)
        for place, terms in added.items():
            self._lengths[place] = len(terms)
            for term in terms:
                new[term].append(place)
        self._documents += len(added) - len(removed)
        self._weights = None
        for term in new.keys() | set[str]().union(*removed.values()):
            staying = self._places.get(term, _NOWHERE)
            staying = staying[~gone[staying]] if removed else staying
            self._places[term] = np.concatenate([staying, np.array(new.get(term, ()), np.int32)])
            if not len(self._places[term]):
                del self._places[term]

    def coverage(self, terms: Sequence[str]) -> NDArray[np.float64]:
        """How much of a query each place covers: its BM25 score as a share of Σ idf over the query's distinct terms.

        Short documents may come to a little more than 1.
        """
        if not terms:
            return np.zeros(len(self._lengths))
        rarest = sorted((self._places.get(term, _NOWHERE) for term in terms), key=len)
        idfs = [idf(len(places), self._documents) for places in rarest]
        counts = np.cumsum([len(places) for places in rarest])
        read = max(1, int(np.searchsorted(counts, MOST_POSTINGS, side="right")))
        shares = np.repeat(np.array(idfs[:read]) / (sum(idfs) or 1.0), [len(places) for places in rarest[:read]])
        summed = np.bincount(np.concatenate(rarest[:read]), shares, len(self._lengths))
        return np.multiply(summed, self._weighed())

    def alike(self, terms: Sequence[str], similarity: float) -> NDArray[np.intp]:
        """The places whose documents share at least this much of all their terms (Jaccard) with distinct terms."""
        if not terms:
            return np.zeros(0, np.intp)
        places = np.concatenate([self._places.get(term, _NOWHERE) for term in terms])
        shared = np.bincount(places, minlength=len(self._lengths))
        return np.flatnonzero((shared > 0) & (shared >= similarity * (len(terms) + self._lengths - shared)))

    def _weighed(self) -> NDArray[np.float64]:
        """The weight of a term's idf in each place: less in a long document."""
        if self._weights is None:
            relative = self._lengths.astype(np.float64) * (self._documents / max(1, self._length))
            self._weights = np.divide(K1 + 1, 1 + K1 * (1 - B + B * relative))
        return self._weights
