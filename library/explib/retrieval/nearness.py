"""Nearest vectors in memory: exact in a small library, approximate in a large one.

Each vector is held twice: as signs (a bit a dimension) and as 16-bit numbers. A query first counts the signs that
differ, for all vectors, which is a scan of 32 bytes each; only the RESCORED best go through the exact product. It is a
scan, so there is nothing to build and a change costs what the changed vectors cost. All in one thread and without BLAS,
whose threads cost more than they save here.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RESCORED = 500
"""Vectors that get the exact product, about: a library up to this size is searched exactly."""
RESCORED_SHARE = 1 / 60
"""The same as a share of a large library, so that its recall doesn't fall with its size."""
SAMPLED = 8
"""One of so many vectors is looked at to learn how many signs the nearest share."""
PART = 4096
"""Vectors that are taken in together: bounds the memory that this needs beside them."""
SCALE = 32767.0
"""A component of 1 as a 16-bit number."""


class Vectors:
    """Unit vectors by place; a place without one is far from everything."""

    def __init__(self, dimensions: int) -> None:
        self._dimensions = dimensions
        self._numbers: NDArray[np.int16] = np.zeros((0, dimensions), np.int16)
        self._signs: NDArray[np.uint64] = np.zeros((-(-dimensions // 64), 0), np.uint64)
        self._taken: NDArray[np.bool_] = np.zeros(0, np.bool_)

    def copy(self) -> Vectors:
        """The same vectors, to be changed apart."""
        other = Vectors(self._dimensions)
        other._numbers, other._signs, other._taken = self._numbers.copy(), self._signs.copy(), self._taken.copy()
        return other

    def change(self, removed: NDArray[np.int32], added: NDArray[np.int32], vectors: NDArray[np.floating]) -> None:
        """Empty places, then fill others: `vectors` has a row for each added place. Removed places may be filled."""
        self._taken[removed] = False
        if not len(added):
            return
        self._make_room(int(added.max()) + 1)
        for start in range(0, len(added), PART):
            places, part = added[start : start + PART], vectors[start : start + PART].astype(np.float32)
            self._numbers[places] = np.rint(part * SCALE)
            self._signs[:, places] = _signs(part)
            self._taken[places] = True

    def _make_room(self, places: int) -> None:
        held = len(self._taken)
        if places <= held:
            return
        grown = max(places, held + held // 4)
        numbers, signs, taken = self._numbers, self._signs, self._taken
        self._numbers = np.zeros((grown, self._dimensions), np.int16)
        self._signs = np.zeros((len(signs), grown), np.uint64)
        self._taken = np.zeros(grown, np.bool_)
        self._numbers[:held], self._signs[:, :held], self._taken[:held] = numbers, signs, taken

    def similar(self, query: NDArray[np.float32]) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
        """The places that are probably nearest to a unit vector, and the cosine of each; in no order."""
        wanted = max(RESCORED, int(len(self._taken) * RESCORED_SHARE))
        places = np.flatnonzero(self._taken) if len(self._taken) <= wanted else self._alike(query, wanted)
        cosines = np.einsum("ij,j->i", self._numbers.take(places, axis=0).astype(np.float32), query / np.float32(SCALE))
        return places, cosines

    def cosines(self, query: NDArray[np.float32], places: NDArray[np.intp]) -> NDArray[np.float32]:
        """The cosine of each of the places to a unit vector; 0 for one without a vector."""
        numbers = self._numbers.take(places, axis=0).astype(np.float32)
        return np.where(self._taken[places], np.einsum("ij,j->i", numbers, query / np.float32(SCALE)), np.float32(0))

    def _alike(self, query: NDArray[np.float32], wanted: int) -> NDArray[np.intp]:
        """About `wanted` places, those that share the most signs with the query; by a sample, how many it has to be."""
        signs = _signs(query[None])[:, 0]
        differing = np.zeros(len(self._taken), np.uint16)
        for held, asked in zip(self._signs, signs, strict=True):
            differing += np.bitwise_count(held ^ asked)
        differing[~self._taken] = far = 64 * len(signs) + 1
        sample = differing[::SAMPLED]
        furthest = np.partition(sample, among)[among] if (among := wanted // SAMPLED) < len(sample) else far
        return np.flatnonzero(differing <= min(int(furthest), far - 1))


def _signs(vectors: NDArray[np.float32]) -> NDArray[np.uint64]:
    """A column for each vector: its signs in words of 64 bits."""
    packed = np.packbits(vectors > 0, axis=1)
    padded = np.zeros((len(packed), -(-packed.shape[1] // 8) * 8), np.uint8)
    padded[:, : packed.shape[1]] = packed
    return padded.view(np.uint64).T
