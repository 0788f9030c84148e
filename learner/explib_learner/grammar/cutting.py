"""Tests for the values that a measure takes: recurring values, and bounds between values."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

from explib_learner.grammar.keys import TRUE, Test
from explib_learner.grammar.records import Scalar

MOST_VALUES = 8
"""Values of one measure that are asked for by themselves, the most frequent first."""
_STEPS = (1000.0, 500.0, 100.0, 50.0, 10.0, 5.0, 1.0, 0.5, 0.25, 0.1, 0.05, 0.01)


def tests(values: Sequence[frozenset[Scalar]], least: int, cuts: int) -> Iterator[Test]:
    """Tests that split attempts, of which each shows a set of values, into sides of at least `least`.

    `cuts` is the largest number of bounds, 0 for none; they stand at equal shares of the attempts.
    """
    counts = Counter(value for shown in values for value in shown)
    if any(isinstance(value, bool) for value in counts):
        yield TRUE
        return
    frequent = [value for value, count in counts.most_common(MOST_VALUES) if count >= least]
    if len(counts) > 1:
        yield from (Test("is", value) for value in frequent)
    numbers = sorted(value for shown in values for value in shown if isinstance(value, float))
    if cuts and len(set(numbers)) > 2:
        places = {numbers[round(share * (len(numbers) - 1) / (cuts + 1))] for share in range(1, cuts + 1)}
        yield from (Test("least", place) for place in sorted(places) if place > numbers[0])


def bounds(values: Sequence[frozenset[Scalar]], around: Scalar) -> list[float]:
    """Bounds near one that split the values differently: between a value and the next, at the roundest number."""
    numbers = sorted({value for shown in values for value in shown if isinstance(value, float)})
    middle = bisect_left(numbers, around) if isinstance(around, float) else 0
    reach = len(numbers) // 6 + 2
    near = numbers[max(0, middle - reach) : middle + reach + 1]
    return [roundest(low, high) for low, high in pairwise(near)]


def roundest(low: float, high: float) -> float:
    """The roundest number above `low` and at most `high`."""
    if low < 0 <= high:
        return 0.0
    for step in _STEPS:
        place = math.floor(high / step) * step
        if low < place <= high:
            return float(f"{place:.10g}")
    return high
