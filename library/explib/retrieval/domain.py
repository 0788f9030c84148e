"""The tasks that a library has learned from: a new task that is as near to them as they are to each other is its kind.

Lessons about a situation that arises in the middle of a task share no word with the task's text. So what a library that
fits an answer is asked is not whether one of its lessons reads like the task, but whether the task is of its kind.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

KEPT_TASKS = 256
"""The newest tasks of a library that a new one is compared with."""
SHARE_OF_USUAL = 0.6
"""How near a task must be, as a share of how near nearly all of the library's own tasks are to their nearest."""
RARELY = 0.05
LEAST_NEAR, NEAR = 0.1, 0.45
"""Bounds of that nearness (cosine). Held-out tasks of five made-up worlds had .50 and more to five tasks of their own
world, those of other worlds .39 at the 95th percentile."""


@dataclass(frozen=True, slots=True)
class Domain:
    """Unit vectors of past tasks, a row each, and the nearness from which a task is of their kind."""

    vectors: NDArray[np.float32]
    near: float

    @classmethod
    def of(cls, vectors: Sequence[NDArray[np.floating]] | NDArray[np.floating]) -> Domain:
        """From the vectors of distinct tasks."""
        rows = np.asarray(vectors, np.float32)
        if len(rows) < 2:
            return cls(rows, NEAR)
        cosines = rows @ rows.T
        np.fill_diagonal(cosines, -1.0)
        usual = float(np.quantile(cosines.max(axis=1), RARELY))
        return cls(rows, min(max(SHARE_OF_USUAL * usual, LEAST_NEAR), NEAR))

    def covers(self, query: NDArray[np.floating]) -> bool:
        """True for a task, as a unit vector, that is of the kind of the library's tasks."""
        return bool(len(self.vectors)) and float((self.vectors @ query.astype(np.float32)).max()) >= self.near
