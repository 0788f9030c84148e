"""What a simulation measured, beside what it should reach."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number; `at_least` and `at_most` are its bounds, None where it is told for comparison only."""

    name: str
    measured: float
    at_least: float | None = None
    at_most: float | None = None
    note: str = ""

    @property
    def reached(self) -> bool | None:
        """Whether the measured number is within its bounds; None where there are none."""
        if self.at_least is None and self.at_most is None:
            return None
        above = self.at_least is None or self.measured >= self.at_least
        return above and (self.at_most is None or self.measured <= self.at_most)

    @property
    def bound(self) -> str:
        """The bound as the table shows it."""
        if self.at_least is not None:
            return f"≥ {self.at_least:g}"
        return "" if self.at_most is None else f"≤ {self.at_most:g}"


def mean(values: Sequence[float]) -> float:
    """The mean; nan of none."""
    return sum(values) / len(values) if values else math.nan


def standard_error(values: Sequence[float]) -> float:
    """The standard error of the mean; nan of fewer than two."""
    if len(values) < 2:
        return math.nan
    centre = mean(values)
    return math.sqrt(sum((each - centre) ** 2 for each in values) / (len(values) - 1) / len(values))


def median(values: Sequence[float]) -> float:
    """The median; nan of none."""
    ordered = sorted(values)
    return ordered[len(ordered) // 2] if ordered else math.nan
