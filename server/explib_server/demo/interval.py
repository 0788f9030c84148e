"""A confidence interval for a mean over a few seeds."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from statistics import fmean, stdev

STUDENT_T = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 6: 2.447, 7: 2.365, 8: 2.306, 9: 2.262, 10: 2.228}
"""Degrees of freedom → the 97.5 % quantile of Student's t; beyond ten, 2.228 errs on the wide side."""


def mean_interval(values: Sequence[float]) -> tuple[float, float, float]:
    """Mean and 95 % interval (low, high) of independent values; needs at least two."""
    if len(values) < 2:
        raise ValueError("an interval needs at least two values")
    mean = fmean(values)
    half = STUDENT_T.get(len(values) - 1, STUDENT_T[10]) * stdev(values) / sqrt(len(values))
    return mean, mean - half, mean + half
