"""Bounds of numbers, moved to where rewards differ most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from explib_learner.grammar.candidates import Candidate, as_column, candidate_of, column_of, fewest, split_of, varies
from explib_learner.grammar.coding import instances, majority, within
from explib_learner.grammar.cutting import bounds
from explib_learner.grammar.keys import Condition, Test
from explib_learner.grammar.reading import Reading
from explib_learner.grammar.scores import Floats, score

_MOST_VALUES = 8


class Bounds:
    """Moves the bounds of predicates and of their conditions."""

    def __init__(self, readings: Sequence[Reading]) -> None:
        self._readings = readings
        self._least = fewest(len(readings))

    def refined(self, chosen: Candidate, residual: Floats) -> Candidate:
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
        best, highest = chosen, abs(score(chosen.column, residual, self._least)) - 1e-9
        for bound in bounds(values, predicate.test.value):
            test = Test("least", bound)
            column = as_column([majority(test, found) for found in seen])
            t = abs(score(column, residual, self._least))
            if t > highest:
                moved = replace(predicate, test=test)
                best, highest = candidate_of(moved, column, chosen.rank, chosen.anchor), t
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
        best, highest = chosen, abs(score(chosen.column, residual, self._least)) - 1e-9
        for bound in bounds(values, condition.test.value):
            moved = replace(predicate, condition=Condition(condition.fact, Test(condition.test.kind, bound)))
            column = column_of(moved, self._readings)
            t = abs(score(column, residual, self._least))
            if t > highest and varies(column, self._least):
                best, highest = candidate_of(moved, column, chosen.rank, chosen.anchor), t
        return best


def affirmed(chosen: Candidate, effect: float, readings: Sequence[Reading]) -> Candidate:
    """The same split by the value that does better, where there are two: "pass grams" beats "do not pass kilos"."""
    predicate = chosen.predicate
    if effect >= 0 or predicate.test.kind != "is" or isinstance(predicate.test.value, bool):
        return chosen
    values = {
        instance.value
        for reading in readings
        for instance in within(predicate.condition, instances(predicate.family, predicate.names, reading), reading)
    }
    for value in sorted(values - {predicate.test.value}, key=str)[:_MOST_VALUES]:
        other = replace(predicate, test=Test("is", value))
        column = column_of(other, readings)
        if split_of(column) == split_of(chosen.column):
            return candidate_of(other, column, chosen.rank, chosen.anchor)
    return chosen
