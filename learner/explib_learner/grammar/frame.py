"""Attempts as the chains read them: columns centred inside strata, kinds of tasks taken out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from explib_learner.grammar.candidates import NOT_MET, Candidate, Column
from explib_learner.grammar.chains import Problem
from explib_learner.grammar.scores import Floats
from explib_learner.judging.strata import Indices, centred

_BARRED = 1e6
"""Cost of a column that only fills a problem up."""


@dataclass(frozen=True, slots=True)
class Scored:
    """A candidate with its cost in nats."""

    candidate: Candidate
    cost: float


class Frame:
    """One set of graded attempts."""

    def __init__(self, strata: Indices, words: Floats) -> None:
        self._strata = strata
        self._weights = np.ones(strata.size)
        self.kinds: Floats = centred(words, strata, self._weights)
        """Kinds of tasks: attempts × components."""
        kinds = self.kinds / max(float(np.sqrt((self.kinds**2).sum() / strata.size)), 1e-9)
        self._without_kinds = np.linalg.inv(np.eye(strata.size) + kinds @ kinds.T)

    def deviations(self, columns: Sequence[Column]) -> Floats:
        """Columns less their means among those of a stratum that met the situation: attempts × columns."""
        table = np.array(columns, dtype=np.float64).reshape(len(columns), self._strata.size).T
        return centred(np.where(table == NOT_MET, np.nan, table), self._strata, self._weights)

    def met(self, columns: Sequence[Column]) -> Floats:
        """Situations met, centred alike."""
        table = np.array(columns, dtype=np.float64).reshape(len(columns), self._strata.size).T
        return centred((table != NOT_MET).astype(np.float64), self._strata, self._weights)

    def problems(self, pools: Sequence[tuple[list[Scored], Floats]], copies: Sequence[Floats]) -> list[Problem]:
        """A problem for each pool of candidates with their deviations, and rewards; all as wide as the widest."""
        width = max(len(pool) for pool, _ in pools)
        made: dict[int, Floats] = {}
        problems = []
        for (pool, columns), rewards in zip(pools, copies, strict=True):
            more = width - len(pool)
            if id(columns) not in made:
                gram = columns.T @ self._without_kinds @ columns
                made[id(columns)] = np.pad(gram, (0, more))
            turned = self._without_kinds @ rewards
            problems.append(
                Problem(
                    gram=made[id(columns)],
                    cross=np.pad(columns.T @ turned, (0, more)),
                    square=float(rewards @ turned),
                    size=float(self._strata.size - len(set(self._strata.tolist()))),
                    costs=np.pad([each.cost for each in pool], (0, more), constant_values=_BARRED),
                )
            )
        return problems
