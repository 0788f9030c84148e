"""The search for decisions that matter: stage by stage, each against what the same search finds in permuted rewards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from explib.models.decisions import GradedAttempt
from explib_learner.grammar.candidates import (
    NOT_MET,
    Candidate,
    Column,
    Columns,
    as_column,
    candidates,
    column_of,
    conditions,
    fewest,
    varies,
)
from explib_learner.grammar.coding import instances, majority, within
from explib_learner.grammar.cutting import bounds
from explib_learner.grammar.explaining import Explanation, task_words
from explib_learner.grammar.keys import Condition, Test
from explib_learner.grammar.reading import Reading
from explib_learner.grammar.scores import Floats, conditional_scores, scores

SEED = 20_251_008
PLAIN_PERMUTATIONS = 200
CONDITIONAL_PERMUTATIONS = 40
PLAIN_RANK = 1
"""Up to this rank a family is plain: its predicates compete with fewer others, so that less is asked of them."""
CONDITIONED_RANK = 2
"""Up to this rank the predicates of a family are tried under conditions."""
FIRST_CHANCE, LATER_CHANCE = 0.02, 0.05
"""Probability that permuted rewards alone pass a threshold: for the first decision, and once one is found."""
_SHARES = {"plain": 0.4, "wide": 0.3, "conditional": 0.3}
_NEAR = 0.93
"""Share of the best score from which a plainer description of nearly the same split is preferred."""
_ALIKE = 0.75
_LEAST_Z = 2.5
_LEAST_EFFECT = 0.04
"""Share of the reward's range below which a decision is not worth a lesson."""
_EULER = 0.5772156649


@dataclass(frozen=True, slots=True)
class Scored:
    """A candidate with its t, and its t as a share of what chance reaches."""

    candidate: Candidate
    t: float
    strength: float


@dataclass(slots=True)
class _Pool:
    """Candidates that are tested together, with the largest |t| of permuted rewards."""

    found: list[Candidate]
    met: Floats
    taken: Floats
    chance: Floats = field(default_factory=lambda: np.empty(0))


@dataclass(slots=True)
class _Narrowed:
    """Candidates of one tool's calls under all conditions there."""

    pool: _Pool
    conditions: list[Condition]
    table: Floats


class Search:
    """One search. Candidates are named blind to rewards at its making; `run` may then be asked for any rewards."""

    def __init__(self, readings: Sequence[Reading]) -> None:
        self._readings = readings
        self._least = fewest(len(readings))
        self.candidates = candidates(readings)
        self._controls = task_words(readings)
        self._pools = {
            "plain": _pool([each for each in self.candidates if each.rank <= PLAIN_RANK]),
            "wide": _pool([each for each in self.candidates if each.rank > PLAIN_RANK]),
        }
        self._narrowed = self._conditional()

    def run(self, attempts: Sequence[GradedAttempt], most: int) -> list[Candidate]:
        """Find at most `most` decisions, the surest first. `attempts` stand in the order of the readings."""
        rewards, strata = centred(attempts)
        chance = self._chance(Explanation(rewards, self._controls, []).residual, strata)
        chosen: list[Candidate] = []
        while len(chosen) < most:
            explanation = Explanation(rewards, self._controls, [each.column for each in chosen])
            if explanation.residual @ explanation.residual < 1e-9 * len(rewards):
                break
            limits = {kind: _limit(chance[kind], _SHARES[kind], first=not chosen) for kind in chance}
            best = self._best(explanation.residual, limits, chosen)
            if best is None:
                break
            chosen.append(self._refined(best.candidate, explanation.residual))
        return _kept(chosen, rewards, self._controls)

    def _conditional(self) -> list[_Narrowed]:
        by_tool: dict[str | None, list[Candidate]] = {}
        for each in self.candidates:
            if each.rank <= CONDITIONED_RANK or each.predicate.family == "used":
                if each.predicate.test.kind == "is":
                    by_tool.setdefault(each.anchor, []).append(each)
        narrowed = []
        for tool, found in by_tool.items():
            known, table = conditions(self._readings, tool)
            if known:
                narrowed.append(_Narrowed(_pool(found), known, table.astype(np.float64)))
        return narrowed

    def _chance(self, residual: Floats, strata: Columns) -> dict[str, Floats]:
        """The largest |t| in each pool, for permuted rewards."""
        rng = np.random.default_rng(SEED)
        permuted = np.array([_permuted(residual, strata, rng) for _ in range(PLAIN_PERMUTATIONS)]).T
        chance = {
            kind: np.abs(scores(pool.met, pool.taken, permuted, self._least)).max(axis=0)
            for kind, pool in self._pools.items()
            if pool.found
        }
        if self._narrowed:
            chance["conditional"] = np.array(
                [
                    max(float(np.abs(self._under(each, permuted[:, at])).max()) for each in self._narrowed)
                    for at in range(CONDITIONAL_PERMUTATIONS)
                ]
            )
        return chance

    def _under(self, each: _Narrowed, rewards: Floats) -> Floats:
        return conditional_scores(each.pool.met, each.pool.taken, each.table, rewards, self._least + 1)

    def _best(self, residual: Floats, limits: dict[str, float], chosen: Sequence[Candidate]) -> Scored | None:
        """The plainest of those that are about as strong as the strongest and split nearly the same way."""
        strong = [each for each in self._strong(residual, limits) if not _repeats(each.candidate, chosen)]
        if not strong:
            return None
        first = max(strong, key=lambda each: each.strength)
        near = [
            each
            for each in strong
            if abs(each.t) >= _NEAR * abs(first.t) and _likeness(each.candidate, first.candidate) >= _ALIKE
        ]
        return min([first, *near], key=lambda each: _plainness(each.candidate))

    def _strong(self, residual: Floats, limits: dict[str, float]) -> list[Scored]:
        """All candidates beyond chance, and the strongest conditional ones."""
        strong: list[Scored] = []
        for kind, pool in self._pools.items():
            if pool.found:
                t = scores(pool.met, pool.taken, residual[:, None], self._least)[:, 0]
                strong.extend(
                    Scored(pool.found[at], float(t[at]), float(abs(t[at]) / limits[kind]))
                    for at in np.flatnonzero(np.abs(t) >= limits[kind])
                )
        for each in self._narrowed:
            t = self._under(each, residual)
            for at in np.argsort(-np.abs(t), axis=None)[:12]:
                row, column = np.unravel_index(at, t.shape)
                if abs(t[row, column]) >= limits["conditional"]:
                    strong.extend(self._exact(each, int(row), int(column), residual, limits["conditional"]))
        return strong

    def _exact(self, each: _Narrowed, row: int, column: int, residual: Floats, limit: float) -> list[Scored]:
        """The candidate under its condition as it is coded, if it is still beyond chance."""
        plain = each.pool.found[row]
        predicate = replace(plain.predicate, condition=each.conditions[column])
        coded = column_of(predicate, self._readings)
        if not varies(coded, self._least):
            return []
        t = _score(coded, residual, self._least)
        found = Candidate(predicate, coded, plain.rank, plain.anchor)
        return [Scored(found, t, abs(t) / limit)] if abs(t) >= limit else []

    def _refined(self, chosen: Candidate, residual: Floats) -> Candidate:
        """The bound of a predicate and of its condition, where rewards differ most."""
        predicate = chosen.predicate
        best = chosen
        if predicate.test.kind == "least":
            best = self._moved(best, residual)
        condition = best.predicate.condition
        if condition is not None and condition.test.kind in ("least", "below"):
            best = self._narrowed_anew(best, condition, residual)
        return best

    def _moved(self, chosen: Candidate, residual: Floats) -> Candidate:
        predicate = chosen.predicate
        seen = [
            within(predicate.condition, instances(predicate.family, predicate.names, reading), reading)
            for reading in self._readings
        ]
        values = [frozenset(instance.value for instance in found) for found in seen]
        best, highest = chosen, abs(_score(chosen.column, residual, self._least)) - 1e-9
        for bound in bounds(values):
            test = Test("least", bound)
            column = as_column([majority(test, found) for found in seen])
            t = abs(_score(column, residual, self._least))
            if t > highest:
                best, highest = replace(chosen, predicate=replace(predicate, test=test), column=column), t
        return best

    def _narrowed_anew(self, chosen: Candidate, condition: Condition, residual: Floats) -> Candidate:
        predicate = chosen.predicate
        anchors = [instances(predicate.family, predicate.names, reading) for reading in self._readings]
        values = [
            frozenset(
                value for instance in found if (value := reading.facts(instance.anchor).get(condition.fact)) is not None
            )
            for found, reading in zip(anchors, self._readings, strict=True)
        ]
        best, highest = chosen, abs(_score(chosen.column, residual, self._least)) - 1e-9
        for bound in bounds(values):
            moved = replace(predicate, condition=Condition(condition.fact, Test(condition.test.kind, bound)))
            column = column_of(moved, self._readings)
            t = abs(_score(column, residual, self._least))
            if t > highest and varies(column, self._least):
                best, highest = replace(chosen, predicate=moved, column=column), t
        return best


def centred(attempts: Sequence[GradedAttempt]) -> tuple[Floats, Columns]:
    """Rewards minus the mean of their stratum (a group, or all lone attempts together), and the strata as numbers."""
    sizes: dict[str | None, int] = {}
    for attempt in attempts:
        sizes[attempt.group_id] = sizes.get(attempt.group_id, 0) + 1
    keys = [attempt.group_id if sizes[attempt.group_id] > 1 else None for attempt in attempts]
    numbers = {key: at for at, key in enumerate(dict.fromkeys(keys))}
    strata = np.array([numbers[key] for key in keys], dtype=np.int64)
    rewards = np.array([attempt.reward for attempt in attempts])
    for stratum in range(len(numbers)):
        rewards[strata == stratum] -= rewards[strata == stratum].mean()
    return rewards, strata


def _pool(found: list[Candidate]) -> _Pool:
    table = np.array([each.column for each in found], dtype=np.float64)
    return _Pool(found, (table != NOT_MET).astype(np.float64), (table == 1.0).astype(np.float64))


def _permuted(values: Floats, strata: Columns, rng: np.random.Generator) -> Floats:
    permuted = values.copy()
    for stratum in np.unique(strata):
        places = np.flatnonzero(strata == stratum)
        permuted[places] = values[rng.permutation(places)]
    return permuted


def _limit(chance: Floats, share: float, *, first: bool) -> float:
    """The |t| that permuted rewards exceed with a small probability: quantile of a Gumbel law fitted to their largest."""
    probability = (FIRST_CHANCE if first else LATER_CHANCE) * share
    scale = float(np.std(chance)) * np.sqrt(6.0) / np.pi
    location = float(np.mean(chance)) - _EULER * scale
    return float(location - scale * np.log(-np.log1p(-probability)))


def _score(column: Column, residual: Floats, least: int) -> float:
    met, taken = (column != NOT_MET).astype(np.float64), (column == 1).astype(np.float64)
    return float(scores(met[None], taken[None], residual[:, None], least)[0, 0])


def _deviations(column: Column) -> Floats:
    met = column != NOT_MET
    deviations: Floats = np.where(met, column - column[met].mean() if met.any() else 0.0, 0.0)
    return deviations


def _likeness(one: Candidate, two: Candidate) -> float:
    a, b = _deviations(one.column), _deviations(two.column)
    return float(abs(a @ b) / max(np.sqrt((a @ a) * (b @ b)), 1e-12))


def _repeats(candidate: Candidate, chosen: Sequence[Candidate]) -> bool:
    return any(_likeness(candidate, each) > 0.97 for each in chosen)


def _plainness(candidate: Candidate) -> tuple[bool, int, int, str]:
    predicate = candidate.predicate
    return predicate.condition is not None, candidate.rank, len(predicate.key), predicate.key


def _kept(chosen: list[Candidate], rewards: Floats, controls: Floats) -> list[Candidate]:
    """Leave out, weakest first, what the others explain as well; the surest first."""
    left = list(chosen)
    while left:
        explanation = Explanation(rewards, controls, [each.column for each in left])
        z = np.where(np.abs(explanation.effects) < _LEAST_EFFECT, 0.0, np.abs(explanation.z))
        weakest = int(np.argmin(z))
        if z[weakest] >= _LEAST_Z:
            return [left[at] for at in np.argsort(-z)]
        left.pop(weakest)
    return left
