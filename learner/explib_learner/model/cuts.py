"""Bounds that a model left open, cut where rewards differ most: it names the thing, code finds the number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise, product

import numpy as np

from explib.models.decisions import GradedAttempt
from explib_learner.analyst import Batch, NamedDecision
from explib_learner.graded import graded_attempts
from explib_learner.grammar.candidates import column_of, fewest
from explib_learner.grammar.coding import predicate_in
from explib_learner.grammar.cutting import roundest
from explib_learner.grammar.grammar import decision_of
from explib_learner.grammar.keys import OPEN, Condition, Predicate, Test
from explib_learner.grammar.reading import Reading
from explib_learner.grammar.scores import Floats, scores
from explib_learner.grammar.trace import trace_of
from explib_learner.judging.strata import centred, numbered, shuffled, stratum_keys
from explib_learner.model.predicates import open_values

MOST_BOUNDS = 24
"""Bounds that are tried for one open place."""
PERMUTATIONS = 39
"""Orders of the rewards by lot, none of which may have a bound that splits them as well as the one that is taken."""
SEED = 20_251_008


class Cuts:
    """The graded attempts of a library, for any number of open predicates."""

    def __init__(
        self, readings: Sequence[Reading], attempts: Sequence[GradedAttempt], explained: Sequence[float]
    ) -> None:
        """`explained`: what other decisions say of each attempt's reward, in the order of both sequences."""
        self._readings = readings
        self._least = fewest(len(readings))
        strata = numbered(stratum_keys(attempts))
        left = np.array([each.reward for each in attempts]) - np.array(explained)
        rewards = centred(left[:, None], strata, np.ones(len(left)))
        by_lot = shuffled(rewards[:, 0], strata, PERMUTATIONS, np.random.default_rng(SEED))
        self._rewards: Floats = np.hstack([rewards, by_lot])

    def cut(self, predicate: Predicate) -> Predicate | None:
        """The predicate with bounds that tell rewards apart better than any does by lot; None where there are none."""
        cuts = [_settled(predicate, bounds) for bounds in product(*self._places(predicate))]
        columns = np.array([column_of(cut, self._readings) for cut in cuts]).reshape(len(cuts), len(self._readings))
        if not columns.size:
            return None
        met, taken = (columns >= 0).astype(np.float64), (columns == 1).astype(np.float64)
        told = np.abs(scores(met, taken, self._rewards, self._least))
        best = int(told[:, 0].argmax())
        return cuts[best] if told[best, 0] > told[:, 1:].max() else None

    def _places(self, predicate: Predicate) -> list[list[float]]:
        """For each open place the bounds between two numbers that attempts show, the roundest of each gap."""
        open_places = open_values(predicate, self._readings)
        most = MOST_BOUNDS if len(open_places) == 1 else round(MOST_BOUNDS**0.5)
        return [_thinned([roundest(*gap) for gap in pairwise(sorted(values))], most) for values in open_places]


def _thinned(bounds: list[float], most: int) -> list[float]:
    """At most so many, at equal distances."""
    if len(bounds) <= most:
        return bounds
    return [bounds[round(at * (len(bounds) - 1) / (most - 1))] for at in range(most)]


def _settled(predicate: Predicate, bounds: Sequence[float]) -> Predicate:
    left = list(bounds)
    if predicate.test.value == OPEN:
        predicate = replace(predicate, test=Test(predicate.test.kind, left.pop(0)))
    condition = predicate.condition
    if left and condition is not None:
        predicate = replace(predicate, condition=Condition(condition.fact, Test(condition.test.kind, left.pop(0))))
    return predicate


def cuts_of(batch: Batch) -> Cuts:
    """The batch's graded attempts, what believed decisions explain of their rewards taken out."""
    graded = {each.trajectory_id: each for each in graded_attempts(batch.history, batch.library.settings)}
    attempts = [attempt for attempt in batch.history if attempt.trajectory.id in graded]
    letters = {(code.decision_id, code.trajectory_id): code.letter for code in batch.codes}
    verdicts = [entry.verdict for entry in batch.codebook if entry.verdict is not None]
    believed = [each for each in verdicts if each.state == "believed" and each.merged_into is None]
    explained = [
        sum(each.effect for each in believed if letters.get((each.decision_id, name)) == each.better) for name in graded
    ]
    return Cuts([Reading(trace_of(each)) for each in attempts], list(graded.values()), explained)


def cut_decisions(batch: Batch, named: Sequence[NamedDecision]) -> list[NamedDecision]:
    """Decisions whose open bound is cut by all that is graded: anew in each run, as the grammar's are named."""
    decisions = (*(entry.decision for entry in batch.codebook), *(each.decision for each in named))
    predicates = (predicate_in(key) for key in dict.fromkeys(decision.key for decision in decisions))
    open_ones = [each for each in predicates if each is not None and each.is_open]
    cuts = map(cuts_of(batch).cut, open_ones) if open_ones else ()
    return [NamedDecision(decision_of(cut)) for cut in cuts if cut is not None]
