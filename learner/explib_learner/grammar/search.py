"""The search for decisions that matter: sets of candidates sampled by their evidence, held against permuted rewards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import lgamma

import numpy as np

from explib.models.decisions import GradedAttempt
from explib_learner.grammar.candidates import Candidate, candidate_of, column_of, fewest, plainness, split_of, varies
from explib_learner.grammar.chains import Draws, TemperedChains
from explib_learner.grammar.explaining import Explanation, task_words
from explib_learner.grammar.frame import Frame, Scored
from explib_learner.grammar.keys import Condition, Names, Predicate, Test
from explib_learner.grammar.moving import Bounds, affirmed
from explib_learner.grammar.pools import Pools
from explib_learner.grammar.reading import Reading
from explib_learner.grammar.scores import Floats
from explib_learner.judging.strata import centred, numbered, shuffled, stratum_keys

SEED = 20_251_008
COPIES = 4
"""Chains over the rewards."""
FIRST_PERMUTATIONS, PERMUTATIONS = 4, 14
"""Permutations of the rewards: the first ones are enough where the gain exceeds CLEAR times theirs."""
CLEAR = 4.0
FIRST_STEPS, STEPS = (150, 250), (250, 500)
"""Steps left out and kept, of plain candidates alone and of those that they leave room for."""
PLAIN, CONDITIONAL = 120, 120
"""Candidates of the second round: the likeliest of the first, and those under conditions."""
CHANCE = 0.015
"""Probability that permuted rewards alone give a gain as large as what is accepted."""
LIKELY = 0.65
"""Probability that a decision, or one that hardly differs, matters."""
_ALIKE = 0.75
"""Likeness from which candidates describe one decision."""
_PLAINER = 0.25
"""A plainer description may be less likely by this factor."""
_LEAST_EFFECT = 0.03
"""Share of the reward's range below which a decision is not worth a lesson."""
_EULER = 0.5772156649


@dataclass(frozen=True, slots=True)
class _Selection:
    """Decisions that explain rewards together."""

    chosen: list[Scored]
    score: float
    """Evidence minus costs, in nats."""
    residual: Floats
    effects: Floats


class Search:
    """One search. Candidates are named blind to rewards at its making; `run` may then be asked for any rewards."""

    def __init__(self, readings: Sequence[Reading]) -> None:
        self._readings = readings
        self._least = fewest(len(readings))
        self._bounds = Bounds(readings)
        self._pools = Pools(readings)
        self._by_split = {split_of(each.column): each for each in self._pools.candidates}
        self._words = task_words(readings)

    def run(self, attempts: Sequence[GradedAttempt], most: int) -> list[Candidate]:
        """Find at most `most` decisions, the surest first. `attempts` stand in the order of the readings."""
        strata = numbered(stratum_keys(attempts))
        rewards = np.array([attempt.reward for attempt in attempts])
        rewards = centred(rewards[:, None], strata, np.ones(len(rewards)))[:, 0]
        if not self._pools.plain or not rewards.any():
            return []
        frame = Frame(strata, self._words)
        plain = frame.deviations([each.candidate.column for each in self._pools.plain])
        found, gain = self._likely(rewards, frame, plain)
        if not found:
            return []
        permuted = shuffled(rewards, strata, PERMUTATIONS, np.random.default_rng(SEED)).T
        chance = self._by_chance(permuted[:FIRST_PERMUTATIONS], frame, plain)
        if gain < CLEAR * max(1.0, float(chance.max())):
            chance = np.append(chance, self._by_chance(permuted[FIRST_PERMUTATIONS:], frame, plain))
        if gain <= _limit(chance):
            return []
        return self._kept(found[:most], rewards, frame)

    def _likely(self, rewards: Floats, frame: Frame, plain: Floats) -> tuple[list[Scored], float]:
        """Decisions that chains over the rewards agree on, the likeliest first, and the gain of the best states."""
        first = self._first([rewards] * COPIES, frame, plain)
        pool = self._second(rewards - plain @ first.effects.mean(axis=0), first.inclusion.mean(axis=0))
        columns = frame.deviations([each.candidate.column for each in pool])
        draws = _sampled(frame, [(pool, columns)] * COPIES, [rewards] * COPIES, STEPS)
        return _decisions(pool, columns, draws.inclusion.mean(axis=0)), float(np.median(draws.gain))

    def _by_chance(self, permuted: Floats, frame: Frame, plain: Floats) -> Floats:
        """The gains of the same search in permuted rewards."""
        first = self._first(list(permuted), frame, plain)
        pools = []
        for rewards, effects, inclusion in zip(permuted, first.effects, first.inclusion, strict=True):
            pool = self._second(rewards - plain @ effects, inclusion)
            pools.append((pool, frame.deviations([each.candidate.column for each in pool])))
        return _sampled(frame, pools, list(permuted), STEPS).gain

    def _first(self, copies: list[Floats], frame: Frame, plain: Floats) -> Draws:
        return _sampled(frame, [(self._pools.plain, plain)] * len(copies), copies, FIRST_STEPS)

    def _second(self, residual: Floats, inclusion: Floats) -> list[Scored]:
        likeliest = [self._pools.plain[at] for at in np.argsort(-inclusion, kind="stable")[:PLAIN]]
        return likeliest + self._pools.asked_for(residual, CONDITIONAL)

    def _selection(self, chosen: list[Scored], rewards: Floats, frame: Frame) -> _Selection:
        explanation = Explanation(rewards, frame, [each.candidate.column for each in chosen])
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

    def _thinned(self, selection: _Selection, rewards: Floats, frame: Frame) -> _Selection:
        """Leave out, weakest first, what the score does not need once the others are there: mostly their echoes."""
        while True:
            without = [
                self._selection([*selection.chosen[:at], *selection.chosen[at + 1 :]], rewards, frame)
                for at in range(len(selection.chosen))
            ]
            weakest = max(without, key=lambda each: each.score, default=None)
            if weakest is None or weakest.score < selection.score:
                return selection
            selection = weakest

    def _kept(self, found: list[Scored], rewards: Floats, frame: Frame) -> list[Candidate]:
        """Decisions with their bounds moved to where rewards differ most, without those that have no effect."""
        chosen = [self._exact(each) for each in _split(found)]
        chosen = [each for each in chosen if varies(each.candidate.column, self._least)]
        for at in range(len(chosen)):
            others = self._selection([*chosen[:at], *chosen[at + 1 :]], rewards, frame)
            refined = self._bounds.refined(chosen[at].candidate, others.residual)
            chosen[at] = replace(chosen[at], candidate=self._plainest(refined))
        kept = self._thinned(self._selection(chosen, rewards, frame), rewards, frame)
        return [
            affirmed(each.candidate, float(effect), self._readings)
            for each, effect in zip(kept.chosen, kept.effects, strict=True)
            if abs(effect) >= _LEAST_EFFECT
        ]


def _sampled(
    frame: Frame, pools: Sequence[tuple[list[Scored], Floats]], copies: list[Floats], steps: tuple[int, int]
) -> Draws:
    return TemperedChains(frame.problems(pools, copies), np.random.default_rng(SEED)).run(*steps)


def _decisions(pool: Sequence[Scored], columns: Floats, inclusion: Floats) -> list[Scored]:
    """Group candidates that hardly differ; of each group that is likely, the plainest of its likeliest."""
    directions = columns / np.maximum(np.linalg.norm(columns, axis=0), 1e-12)
    left = inclusion.copy()
    found: list[tuple[float, Scored]] = []
    while left.any():
        first = int(left.argmax())
        alike = np.abs(directions.T @ directions[:, first]) >= _ALIKE
        alike[first] = True
        together = float(left[alike].sum())
        if together >= LIKELY:
            near = np.flatnonzero(alike & (left >= _PLAINER * left[first])).tolist()
            found.append((together, min((pool[at] for at in near), key=lambda each: plainness(each.candidate))))
        left[alike] = 0.0
    return [scored for _, scored in sorted(found, key=lambda pair: -pair[0])]


def _limit(chance: Floats) -> float:
    """The gain that permuted rewards exceed with probability CHANCE: quantile of a Gumbel law fitted to their gains."""
    scale = max(float(np.std(chance)), 0.3) * np.sqrt(6.0) / np.pi
    location = float(np.mean(chance)) - _EULER * scale
    return float(location - scale * np.log(-np.log1p(-CHANCE)))


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
