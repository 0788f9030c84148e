"""Nearest vectors in memory, by comparing all of them: exact, nothing to build, a change costs what it changes.

A vector is held as 8-bit numbers, which say its cosine to ±0.004. All in one thread: many servers share a machine.
"""

from __future__ import annotations

import numpy as np
import simsimd
from numpy.typing import NDArray

PART = 4096
"""Vectors that are taken in together: bounds the memory that this needs beside them."""
LARGEST = 127
"""The largest 8-bit number; a vector's largest component becomes it."""


class Vectors:
    """Unit vectors by place; a place without one is near to nothing: its cosine is 0."""

    def __init__(self, dimensions: int) -> None:
        self._numbers: NDArray[np.int8] = np.zeros((0, dimensions), np.int8)
        self._scales: NDArray[np.float32] = np.zeros(0, np.float32)

    def copy(self) -> Vectors:
        """The same vectors, to be changed apart."""
        other = Vectors(self._numbers.shape[1])
        other._numbers, other._scales = self._numbers.copy(), self._scales.copy()
        return other

    def change(self, removed: NDArray[np.int32], added: NDArray[np.int32], vectors: NDArray[np.floating]) -> None:
        """Empty places, then fill others: `vectors` has a row for each added place. Removed places may be filled."""
        self._scales[removed] = 0
        if not len(added):
            return
        self._make_room(int(added.max()) + 1)
        for start in range(0, len(added), PART):
            places, part = added[start : start + PART], vectors[start : start + PART].astype(np.float32)
            self._numbers[places], self._scales[places] = _numbers(part)

    def _make_room(self, places: int) -> None:
        rows, dimensions = self._numbers.shape
        if places > rows:
            room = max(places, rows + rows // 4) - rows
            self._numbers = np.concatenate([self._numbers, np.zeros((room, dimensions), np.int8)])
            self._scales = np.concatenate([self._scales, np.zeros(room, np.float32)])

    def cosines(self, query: NDArray[np.float32], places: int) -> NDArray[np.float64]:
        """The cosine of each of the first `places` to a unit vector; 0 for one without a vector."""
        cosines = np.zeros(places)
        numbers, scale = _numbers(query[None])
        rows = min(places, len(self._scales))
        if rows:
            products: NDArray[np.float64] = np.asarray(simsimd.cdist(numbers, self._numbers[:rows], "dot"))[0]
            np.multiply(products, self._scales[:rows] * scale, out=cosines[:rows])
        return cosines


def _numbers(vectors: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Each vector as 8-bit numbers, and what to multiply them with."""
    largest = np.abs(vectors).max(axis=1)
    largest[largest == 0] = 1
    return np.rint(vectors * (LARGEST / largest)[:, None]).astype(np.int8), largest / np.float32(LARGEST)
