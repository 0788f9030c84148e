"""Nearest vectors in memory, by scans: of all vectors in a library of usual size, of their signs in a large one.

A vector is held as 8-bit numbers, which say its cosine to ±0.004, and as signs, a bit a dimension. Up to SCANNED
vectors all are multiplied; of more, the signs that differ from the query's are counted first, a scan of 32 bytes each,
and only the nearest by them are multiplied. There is nothing to build, and a change costs what the changed vectors
cost. All in one thread: many servers share a machine.
"""

from __future__ import annotations

import numpy as np
import simsimd
from numpy.typing import NDArray

from explib.retrieval.ranking import at_least_the

SCANNED = 20_000
"""Vectors up to which all are multiplied: about as long as it takes to choose by signs."""
MULTIPLIED_SHARE = 1 / 40
"""The share of a larger library that is multiplied."""
SAMPLED = 8
"""One of so many vectors is looked at to learn how many signs the nearest share."""
PART = 4096
"""Vectors that are taken in together: bounds the memory that this needs beside them."""
LARGEST = 127
"""The largest 8-bit number; a vector's largest component becomes it."""
FAR = -2.0
"""What is below every cosine."""


class Vectors:
    """Unit vectors by place; a place without one is near to nothing: its cosine is 0."""

    def __init__(self, dimensions: int) -> None:
        self._dimensions = dimensions
        self._numbers: NDArray[np.int8] = np.zeros((0, dimensions), np.int8)
        self._scales: NDArray[np.float32] = np.zeros(0, np.float32)
        self._signs: NDArray[np.uint8] = np.zeros((0, -(-dimensions // 8)), np.uint8)
        self._taken: NDArray[np.bool_] = np.zeros(0, np.bool_)

    def copy(self) -> Vectors:
        """The same vectors, to be changed apart."""
        other = Vectors(self._dimensions)
        other._numbers, other._scales = self._numbers.copy(), self._scales.copy()
        other._signs, other._taken = self._signs.copy(), self._taken.copy()
        return other

    def change(self, removed: NDArray[np.int32], added: NDArray[np.int32], vectors: NDArray[np.floating]) -> None:
        """Empty places, then fill others: `vectors` has a row for each added place. Removed places may be filled."""
        self._taken[removed] = False
        self._scales[removed] = 0
        if not len(added):
            return
        self._make_room(int(added.max()) + 1)
        for start in range(0, len(added), PART):
            places, part = added[start : start + PART], vectors[start : start + PART].astype(np.float32)
            self._numbers[places], self._scales[places] = _numbers(part)
            self._signs[places] = np.packbits(part > 0, axis=1)
            self._taken[places] = True

    def _make_room(self, places: int) -> None:
        held = len(self._taken)
        if places <= held:
            return
        room = max(places, held + held // 4) - held
        self._numbers = np.concatenate([self._numbers, np.zeros((room, self._dimensions), np.int8)])
        self._scales = np.concatenate([self._scales, np.zeros(room, np.float32)])
        self._signs = np.concatenate([self._signs, np.zeros((room, self._signs.shape[1]), np.uint8)])
        self._taken = np.concatenate([self._taken, np.zeros(room, np.bool_)])

    @property
    def few(self) -> bool:
        """Whether all are multiplied."""
        return len(self._taken) <= SCANNED

    def all_cosines(self, query: NDArray[np.float32]) -> NDArray[np.float64]:
        """The cosine of every place to a unit vector, and perhaps of some to spare; 0 for one without a vector."""
        return self._multiplied(query, self._numbers, self._scales)

    def similar(self, query: NDArray[np.float32], limit: int) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """The places of the `limit` nearest to a unit vector and not many more, with their cosines; in no order."""
        if self.few:
            cosines = self.all_cosines(query)
            cosines[~self._taken] = FAR
            places = at_least_the(limit, cosines)
            cosines = cosines[places]
        else:
            alike = self._alike(query, max(4 * limit, int(len(self._taken) * MULTIPLIED_SHARE)))
            cosines = self.cosines(query, alike)
            best = at_least_the(limit, cosines)
            places, cosines = alike[best], cosines[best]
        near = cosines > FAR
        return places[near], cosines[near]

    def cosines(self, query: NDArray[np.float32], places: NDArray[np.intp]) -> NDArray[np.float64]:
        """The cosine of each of the places to a unit vector; 0 for one without a vector."""
        return self._multiplied(query, self._numbers.take(places, axis=0), self._scales[places])

    @staticmethod
    def _multiplied(
        query: NDArray[np.float32], numbers: NDArray[np.int8], scales: NDArray[np.float32]
    ) -> NDArray[np.float64]:
        if not len(numbers):
            return np.zeros(0)
        asked, scale = _numbers(query[None])
        products: NDArray[np.float64] = np.asarray(simsimd.cdist(asked, numbers, "dot"))[0]
        return products * (scales * scale)

    def _alike(self, query: NDArray[np.float32], wanted: int) -> NDArray[np.intp]:
        """About `wanted` places, those that share the most signs with the query; by a sample, how many it has to be."""
        signs = np.packbits(query > 0)[None]
        differing: NDArray[np.float64] = np.asarray(simsimd.cdist(signs, self._signs, "hamming", dtype="bin8"))[0]
        differing[~self._taken] = far = float(self._dimensions + 1)
        sample = differing[::SAMPLED]
        furthest = np.partition(sample, among)[among] if (among := wanted // SAMPLED) < len(sample) else far
        return np.flatnonzero(differing <= min(float(furthest), far - 1))


def _numbers(vectors: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Each vector as 8-bit numbers, and what to multiply them with."""
    largest = np.abs(vectors).max(axis=1)
    largest[largest == 0] = 1
    return np.rint(vectors * (LARGEST / largest)[:, None]).astype(np.int8), largest / np.float32(LARGEST)
