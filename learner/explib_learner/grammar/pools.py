"""Candidates that are tested together, plain and under conditions, and what each costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from explib_learner.grammar.candidates import NOT_MET, Candidate, candidate_of, candidates, conditions, fewest, rank_of
from explib_learner.grammar.frame import Scored
from explib_learner.grammar.keys import Condition, Names, Predicate
from explib_learner.grammar.reading import Reading
from explib_learner.grammar.scores import ConditionalScores, Floats

PLAIN_RANK = 1
"""Up to this rank a family is plain: its predicates compete with fewer others, so that less is asked of them."""
CONDITIONED_RANK = 2
"""Up to this rank the predicates of a family are tried under conditions."""
RANK_COST, CONDITIONAL_COST = 0.7, 2.0
"""Nats beyond the logarithm of the number of rivals: for each rank that is not plain, and for a condition."""
_TOP = 40
"""Conditional candidates of one tool that are looked at."""


@dataclass(slots=True)
class _Narrowed:
    """Candidates of one tool's calls under all conditions there."""

    found: list[Candidate]
    conditions: list[Condition]
    scores: ConditionalScores


class Pools:
    """All candidates of a set of attempts, named blind to rewards."""

    def __init__(self, readings: Sequence[Reading]) -> None:
        self._least = fewest(len(readings))
        self.candidates = candidates(readings)
        self.plain = _costed(self.candidates)
        """Those without conditions."""
        self._narrowed = self._conditional(readings)
        rivals = sum(len(each.found) * len(each.conditions) for each in self._narrowed)
        self._cost = float(np.log(max(rivals, 1))) + CONDITIONAL_COST
        self._made: dict[Predicate, Candidate] = {}

    def asked_for(self, residual: Floats, most: int) -> list[Scored]:
        """Choose the candidates under conditions that explain most of what others leave, the best first."""
        best: list[tuple[float, int, int, int]] = []
        for at, each in enumerate(self._narrowed):
            gains = 0.5 * each.scores.of(residual, self._least + 1) ** 2
            for place in np.argpartition(-gains, min(_TOP, gains.size - 1), axis=None)[:_TOP].tolist():
                row, column = divmod(place, gains.shape[1])
                if gains[row, column] > 0:
                    best.append((-float(gains[row, column]), at, row, column))
        return [
            Scored(self._under(self._narrowed[at], row, column), self._cost)
            for _, at, row, column in sorted(best)[:most]
        ]

    def _conditional(self, readings: Sequence[Reading]) -> list[_Narrowed]:
        by_tool: dict[Names, list[Candidate]] = {}
        for each in self.candidates:
            plain = each.rank <= CONDITIONED_RANK or each.predicate.family == "used"
            if plain and each.predicate.test.kind == "is":
                by_tool.setdefault(each.anchor, []).append(each)
        narrowed = []
        for tool, found in by_tool.items():
            known, table = conditions(readings, tool)
            if known:
                columns = np.array([each.column for each in found], dtype=np.float64)
                met, taken = (columns != NOT_MET).astype(np.float64), (columns == 1.0).astype(np.float64)
                narrowed.append(_Narrowed(found, known, ConditionalScores(met, taken, table.astype(np.float64))))
        return narrowed

    def _under(self, each: _Narrowed, row: int, column: int) -> Candidate:
        """A candidate under a condition, as it is at the first call: coded exactly only where it is kept."""
        plain = each.found[row]
        predicate = replace(plain.predicate, condition=each.conditions[column])
        if predicate not in self._made:
            narrowed = np.where(each.scores.narrowed[:, column] > 0, plain.column, NOT_MET).astype(np.int8)
            self._made[predicate] = candidate_of(predicate, narrowed, plain.rank, plain.anchor)
        return self._made[predicate]


def _costed(found: Sequence[Candidate]) -> list[Scored]:
    """Each costs the logarithm of the number of its rivals, plain or not; what is less plain is less likely, too."""
    far = [max(rank_of(each) - PLAIN_RANK, 0) for each in found]
    plain, other = (float(np.log(max(rivals, 1))) for rivals in (far.count(0), len(far) - far.count(0)))
    return [Scored(each, other + RANK_COST * more if more else plain) for each, more in zip(found, far, strict=True)]
