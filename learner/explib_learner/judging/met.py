"""Controls: what having met a situation says of a lone attempt's reward, taken out before options are compared."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from explib_learner.judging.strata import Floats

LEAST_SIDE = 3
"""Lone attempts that met a situation, and that did not, for it to be a control."""
STRENGTHS = (0.0, 0.01, 0.03, 0.1, 0.3, 1.0)
"""Prior variances of such effects, in units of the noise's, among which the rewards choose."""


def met_patterns(raw: Floats, lone: NDArray[np.bool_], nested: NDArray[np.bool_]) -> Floats:
    """Lay out each distinct set of lone attempts that met a situation: attempts × sets, 1, 0, or NaN in groups.

    A set that the options of another decision make, or that is marked as nested, is left out: it is an effect itself.
    """
    met = ~np.isnan(raw[lone])
    choices = {side[:, column].tobytes() for side in (raw[lone] == 1, raw[lone] == 0) for column in range(raw.shape[1])}
    patterns: dict[bytes, int] = {}
    for column in np.flatnonzero(~nested):
        pattern, rest = met[:, column], ~met[:, column]
        if min(pattern.sum(), rest.sum()) >= LEAST_SIDE and not {pattern.tobytes(), rest.tobytes()} & choices:
            patterns.setdefault(min(pattern.tobytes(), rest.tobytes()), int(column))
    values = np.full((len(raw), len(patterns)), np.nan)
    values[lone] = met[:, list(patterns.values())]
    return values


def shrunk_directions(patterns: Floats, rewards: Floats) -> Floats:
    """Find P so that PPᵀ times rewards is their ridge fit by the patterns; the ridge is the likeliest of STRENGTHS."""
    energy, turned = np.linalg.eigh(patterns.T @ patterns)
    energy = np.maximum(energy, 0.0)
    directions = patterns @ turned
    agreement = (directions.T @ rewards) ** 2
    total, size = float(rewards @ rewards), np.count_nonzero(rewards)

    def likelihood(strength: float) -> float:
        left = total - float((agreement * strength / (1 + strength * energy)).sum())
        return -0.5 * float(np.log1p(strength * energy).sum() + size * np.log(max(left, 1e-300)))

    strength = max(STRENGTHS, key=likelihood)
    shrunk: Floats = directions * np.sqrt(strength / (1 + strength * energy))
    return shrunk
