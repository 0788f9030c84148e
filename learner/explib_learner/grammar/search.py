"""The search for decisions that matter: stage by stage, each against what the same search finds in permuted rewards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import lgamma

import numpy as np

from explib.models.decisions import GradedAttempt
from explib_learner.grammar.candidates import (
    NOT_MET,
    Candidate,
    candidate_of,
    candidates,
    column_of,
    conditions,
    fewest,
    plainness,
    split_of,
    varies,
)
from explib_learner.grammar.explaining import Explanation, task_words
from explib_learner.grammar.keys import Condition, Names, Predicate, Test
from explib_learner.grammar.moving import Bounds, affirmed
from explib_learner.grammar.reading import Reading
from explib_learner.grammar.scores import Floats, conditional_scores, scores
from explib_learner.judging.strata import centred, numbered, shuffled, stratum_keys

SEED = 20_251_008
FIRST_PERMUTATIONS, PERMUTATIONS = 4, 16
PLAIN_RANK = 1
"""Up to this rank a family is plain: its predicates compete with fewer others, so that less is asked of them."""
CONDITIONED_RANK = 2
"""Up to this rank the predicates of a family are tried under conditions."""
CHANCE = 0.015
"""Probability that permuted rewards alone give a gain as large as what is accepted."""
SURE = 3.0
"""Nats of evidence, beyond its cost, that are lost without a decision that is named."""
_EXTRA_COST = {"plain": 0.0, "wide": 1.0, "conditional": 2.0}
"""Nats beyond the logarithm of the number of rivals."""
_NEAR = 1.5
"""Nats that a plainer description of nearly the same split may explain less."""
_ALIKE = 0.75
_SAME = 0.9
"""Likeness from which it may explain less by _SAME_SHARE: where little noise is left, nats are many and mean little."""
_SAME_SHARE = 0.15
_TOP = 8
_PATIENCE = 6
"""Decisions that may be added without gain before the search ends."""
_LEAST_EFFECT = 0.04
"""Share of the reward's range below which a decision is not worth a lesson."""
_EULER = 0.5772156649


@dataclass(frozen=True, slots=True)
class Scored:
    """A candidate with its cost, and by how much it is expected to raise the score."""

    candidate: Candidate
    cost: float
    gain: float


@dataclass(slots=True)
class _Pool:
    """Candidates that are tested together."""

    found: list[Candidate]
    met: Floats
    taken: Floats


@dataclass(slots=True)
class _Narrowed:
    """Candidates of one tool's calls under all conditions there."""

    pool: _Pool
    conditions: list[Condition]
    table: Floats


@dataclass(frozen=True, slots=True)
class _Selection:
    """Decisions that explain rewards together."""

    chosen: list[Scored]
    score: float
    """Evidence minus costs, in nats."""
    residual: Floats
    effects: Floats
    gain: float = 0.0
    """Score beyond that of no decision at all."""


class Search:
    """One search. Candidates are named blind to rewards at its making; `run` may then be asked for any rewards."""

    def __init__(self, readings: Sequence[Reading]) -> None:
        self._readings = readings
        self._least = fewest(len(readings))
        self._bounds = Bounds(readings)
        self.candidates = candidates(readings)
        self._by_split = {split_of(each.column): each for each in self.candidates}
        self._controls = task_words(readings)
        self._pools = {
            "plain": _pool([each for each in self.candidates if each.rank <= PLAIN_RANK]),
            "wide": _pool([each for each in self.candidates if each.rank > PLAIN_RANK]),
        }
        self._narrowed = self._conditional()
        self._under_conditions = sum(len(each.pool.found) * len(each.conditions) for each in self._narrowed)
        self._made: dict[Predicate, Candidate] = {}

    def run(self, attempts: Sequence[GradedAttempt], most: int) -> list[Candidate]:
        """Find at most `most` decisions, the surest first. `attempts` stand in the order of the readings."""
        strata = numbered(stratum_keys(attempts))
        rewards = np.array([attempt.reward for attempt in attempts])
        rewards = centred(rewards[:, None], strata, np.ones(len(rewards)))[:, 0]
        selection = self._selected(rewards, most)
        if not selection.chosen:
            return []
        permuted = shuffled(rewards, strata, PERMUTATIONS, np.random.default_rng(SEED)).T
        chance = [self._selected(other, most).gain for other in permuted[:FIRST_PERMUTATIONS]]
        if 4 * max(chance) > selection.gain:
            chance += [self._selected(other, most).gain for other in permuted[FIRST_PERMUTATIONS:]]
        if selection.gain <= _limit(np.array(chance)):
            return []
        return self._kept(selection, rewards)

    def _selected(self, rewards: Floats, most: int) -> _Selection:
        """Add, exchange and leave out decisions for as long as the score rises."""
        current = self._selection([], rewards)
        best = current
        start, waited = current.score, 0
        while len(current.chosen) < min(most, len(rewards) // 4) and waited <= _PATIENCE:
            added = self._best(current.residual, current.chosen)
            if added is None:
                break
            current = self._selection([*current.chosen, added], rewards)
            waited += 1
            if waited > 1:
                current = self._exchanged(current, rewards)
            if current.score > best.score + 1e-6:
                best, waited = current, 0
        best = self._thinned(best, rewards, 0.0)
        return replace(best, gain=best.score - start)

    def _selection(self, chosen: list[Scored], rewards: Floats) -> _Selection:
        explanation = Explanation(rewards, self._controls, [each.candidate.column for each in chosen])
        score = explanation.evidence - sum(each.cost for each in chosen) + lgamma(len(chosen) + 1)
        return _Selection(chosen, score, explanation.residual, explanation.effects)

    def _plainest(self, candidate: Candidate) -> Candidate:
        same = self._by_split.get(split_of(candidate.column), candidate)
        return min(candidate, same, key=plainness)

    def _exact(self, scored: Scored) -> Scored:
        candidate = scored.candidate
        if candidate.predicate.condition is None:
            return scored
        column = column_of(candidate.predicate, self._readings)
        return replace(scored, candidate=candidate_of(candidate.predicate, column, candidate.rank, candidate.anchor))

    def _without(self, selection: _Selection, at: int, rewards: Floats) -> _Selection:
        return self._selection([*selection.chosen[:at], *selection.chosen[at + 1 :]], rewards)

    def _exchanged(self, selection: _Selection, rewards: Floats) -> _Selection:
        """Exchange each decision, the earliest first, for a better one in the company of the others."""
        for at in range(len(selection.chosen) - 1):
            others = self._without(selection, at, rewards)
            other = self._best(others.residual, others.chosen)
            if other is None or other.candidate is selection.chosen[at].candidate:
                continue
            changed = [*selection.chosen[:at], other, *selection.chosen[at + 1 :]]
            exchanged = self._selection(changed, rewards)
            if exchanged.score > selection.score + 0.5:
                selection = exchanged
        return selection

    def _thinned(self, selection: _Selection, rewards: Floats, sure: float) -> _Selection:
        """Leave out, weakest first, what the score doesn't need by as much as `sure`."""
        while selection.chosen:
            left = [self._without(selection, at, rewards) for at in range(len(selection.chosen))]
            weakest = max(left, key=lambda each: each.score)
            if weakest.score < selection.score - sure:
                break
            selection = weakest
        return selection

    def _kept(self, selection: _Selection, rewards: Floats) -> list[Candidate]:
        """The selection with its bounds moved to where rewards differ most, without what is unsure or has no effect."""
        chosen = [self._exact(each) for each in _split(selection.chosen)]
        chosen = [each for each in chosen if varies(each.candidate.column, self._least)]
        for at in range(len(chosen)):
            others = self._selection([*chosen[:at], *chosen[at + 1 :]], rewards)
            refined = self._bounds.refined(chosen[at].candidate, others.residual)
            chosen[at] = replace(chosen[at], candidate=self._plainest(refined))
        selection = self._thinned(self._selection(chosen, rewards), rewards, SURE)
        strong = [
            scored
            for scored, effect in zip(selection.chosen, selection.effects, strict=True)
            if abs(effect) >= _LEAST_EFFECT
        ]
        selection = self._thinned(self._selection(strong, rewards), rewards, SURE)
        needed = [self._without(selection, at, rewards).score for at in range(len(selection.chosen))]
        return [
            affirmed(selection.chosen[at].candidate, float(selection.effects[at]), self._readings)
            for at in np.argsort(needed)
        ]

    def _conditional(self) -> list[_Narrowed]:
        by_tool: dict[Names, list[Candidate]] = {}
        for each in self.candidates:
            plain = each.rank <= CONDITIONED_RANK or each.predicate.family == "used"
            if plain and each.predicate.test.kind == "is":
                by_tool.setdefault(each.anchor, []).append(each)
        narrowed = []
        for tool, found in by_tool.items():
            known, table = conditions(self._readings, tool)
            if known:
                narrowed.append(_Narrowed(_pool(found), known, table.astype(np.float64)))
        return narrowed

    def _under(self, each: _Narrowed, rewards: Floats) -> Floats:
        return conditional_scores(each.pool.met, each.pool.taken, each.table, rewards, self._least + 1)

    def _best(self, residual: Floats, chosen: Sequence[Scored]) -> Scored | None:
        """The plainest of those that gain about as much as the one that gains most and split nearly the same way."""
        strong = sorted(self._strong(residual), key=lambda each: -each.gain)
        first = next((each for each in strong if not _repeats(each.candidate, chosen)), None)
        if first is None:
            return None
        near = [each for each in strong if _nearly(each, first)]
        return min([first, *near], key=lambda each: plainness(each.candidate))

    def _strong(self, residual: Floats) -> list[Scored]:
        """The candidates that gain most, of each pool and tool."""
        strong: list[Scored] = []
        for kind, pool in self._pools.items():
            if pool.found:
                cost = float(np.log(len(pool.found))) + _EXTRA_COST[kind]
                gains = 0.5 * scores(pool.met, pool.taken, residual[:, None], self._least)[:, 0] ** 2 - cost
                strong.extend(Scored(pool.found[at], cost, float(gains[at])) for at in np.argsort(-gains)[:_TOP])
        cost = float(np.log(max(self._under_conditions, 1))) + _EXTRA_COST["conditional"]
        for each in self._narrowed:
            gains = 0.5 * self._under(each, residual) ** 2 - cost
            for at in np.argpartition(-gains, min(_TOP, gains.size - 1), axis=None)[:_TOP]:
                row, column = np.unravel_index(at, gains.shape)
                if gains[row, column] > 0:
                    found = self._under_condition(each, int(row), int(column))
                    strong.append(Scored(found, cost, float(gains[row, column])))
        return strong

    def _under_condition(self, each: _Narrowed, row: int, column: int) -> Candidate:
        """A candidate under a condition, as it is at the first call: coded exactly only where it is kept."""
        plain = each.pool.found[row]
        predicate = replace(plain.predicate, condition=each.conditions[column])
        if predicate not in self._made:
            narrowed = np.where(each.table[:, column] > 0, plain.column, NOT_MET).astype(np.int8)
            self._made[predicate] = candidate_of(predicate, narrowed, plain.rank, plain.anchor)
        return self._made[predicate]


def _pool(found: list[Candidate]) -> _Pool:
    table = np.array([each.column for each in found], dtype=np.float64)
    return _Pool(found, (table != NOT_MET).astype(np.float64), (table == 1.0).astype(np.float64))


def _limit(chance: Floats) -> float:
    """The gain that permuted rewards exceed with probability CHANCE: quantile of a Gumbel law fitted to their gains."""
    scale = max(float(np.std(chance)), 1.0) * np.sqrt(6.0) / np.pi
    location = float(np.mean(chance)) - _EULER * scale
    return float(location - scale * np.log(-np.log1p(-CHANCE)))


def _likeness(one: Candidate, two: Candidate) -> float:
    return float(abs(one.direction @ two.direction))


def _split(chosen: Sequence[Scored]) -> list[Scored]:
    """One condition for each predicate and fact; where it is chosen plain, too, that is meant for all other cases."""
    narrowed: dict[tuple[str, Names, Test], Condition] = {}
    kept: dict[tuple[str, Names, Test, Names | None], Scored] = {}
    for each in chosen:
        predicate = each.candidate.predicate
        plain = (predicate.family, predicate.names, predicate.test)
        if predicate.condition is not None:
            narrowed.setdefault(plain, predicate.condition)
        kept.setdefault((*plain, None if predicate.condition is None else predicate.condition.fact), each)
    split = []
    for (family, names, test, fact), each in kept.items():
        condition = narrowed.get((family, names, test))
        if fact is None and condition is not None:
            others = Predicate(family, names, test, Condition(condition.fact, condition.test.opposite))
            split.append(replace(each, candidate=replace(each.candidate, predicate=others)))
        else:
            split.append(each)
    return split


def _nearly(other: Scored, first: Scored) -> bool:
    likeness = _likeness(other.candidate, first.candidate)
    less = first.gain - other.gain
    return (likeness >= _ALIKE and less <= _NEAR) or (likeness >= _SAME and less <= _SAME_SHARE * first.gain)


def _repeats(candidate: Candidate, chosen: Sequence[Scored]) -> bool:
    return any(_likeness(candidate, each.candidate) > 0.97 for each in chosen)
