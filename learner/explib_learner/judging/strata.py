"""Strata: attempts whose rewards may be compared, and columns centred inside them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from explib.models.decisions import GradedAttempt

Floats: TypeAlias = NDArray[np.float64]
Indices: TypeAlias = NDArray[np.intp]


def checked(attempts: Sequence[GradedAttempt]) -> None:
    """Refuse what no fit can read. Raises ValueError naming the attempt."""
    for attempt in attempts:
        if not np.isfinite(attempt.reward):
            raise ValueError(
                f"the reward of attempt {attempt.trajectory_id} is {attempt.reward}: leave ungraded attempts out"
            )
        if not 0 < attempt.weight <= 1:
            raise ValueError(
                f"the weight of attempt {attempt.trajectory_id} is {attempt.weight}: give one above 0 and at most 1"
            )


def stratum_keys(attempts: Sequence[GradedAttempt]) -> list[tuple[str | None, str]]:
    """Name each attempt's stratum: its group and reward source, or no group where it is the only one of them."""
    sizes = Counter((attempt.group_id, attempt.source) for attempt in attempts)
    return [
        (attempt.group_id if sizes[attempt.group_id, attempt.source] > 1 else None, attempt.source)
        for attempt in attempts
    ]


def numbered(keys: Sequence[tuple[str | None, str]]) -> Indices:
    """Number the strata from 0 in the order of their first attempts."""
    numbers: dict[tuple[str | None, str], int] = {}
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys], dtype=np.intp)


def sums(values: Floats, strata: Indices) -> Floats:
    """Add up the rows (attempts) of each stratum."""
    if not strata.size:
        return np.zeros((0, values.shape[1]))
    order = np.argsort(strata, kind="stable")
    starts = np.searchsorted(strata[order], np.arange(strata.max() + 1))
    total: Floats = np.add.reduceat(values[order], starts, axis=0)
    return total


def centred(columns: Floats, strata: Indices, weights: Floats) -> Floats:
    """Subtract the weighted mean inside each stratum from columns (attempts × columns); NaN is left out and is 0."""
    met = ~np.isnan(columns)
    filled = np.where(met, columns, 0.0)
    totals = sums(met * weights[:, None], strata)
    means = sums(filled * weights[:, None], strata) / np.where(totals > 0, totals, 1.0)
    deviations = np.where(met, filled - means[strata], 0.0)
    deviations[np.abs(deviations) < 1e-12] = 0.0
    return deviations


def shuffled(values: Floats, strata: Indices, copies: int, random: np.random.Generator) -> Floats:
    """Permute values inside strata: attempts × copies."""
    order = np.argsort(strata, kind="stable")
    permuted = np.empty((values.size, copies))
    for copy in range(copies):
        drawn = np.lexsort((random.random(values.size), strata))
        permuted[order, copy] = values[drawn]
    return permuted
