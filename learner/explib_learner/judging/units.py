"""Units: decisions whose columns nearly agree are counted as one finding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explib_learner.judging.columns import Columns, RawColumns
from explib_learner.judging.strata import Floats, Indices

CONFOUNDED = 0.8
"""Correlation above which two columns can hardly be told apart."""


@dataclass(frozen=True, slots=True)
class Units:
    """Which columns belong to each decision, and which lie near it."""

    own: NDArray[np.bool_]
    """Decisions × columns."""
    near: NDArray[np.bool_]
    """Decisions × columns: its own, and those confounded with one of them."""
    rivals: NDArray[np.bool_]
    """Decisions × decisions that share a near column."""
    speaker: Indices
    """For each decision the first one with the same columns; only that one has columns here."""

    def inclusion(self, probabilities: Floats) -> tuple[Floats, Floats]:
        """Probability that a decision matters, and that it or a rival does: each decisions × chains.

        `probabilities` is those of the columns, sweeps × columns × chains.
        """
        out = np.log1p(-np.minimum(probabilities, 1 - 1e-12))
        own = 1 - np.exp(self.own.astype(np.float64) @ out)
        near = 1 - np.exp(self.near.astype(np.float64) @ out)
        return own.mean(axis=0), near.mean(axis=0)

    def counted(self, own: Floats, near: Floats, levels: Sequence[float]) -> NDArray[np.intp]:
        """Count the units that reach each level, levels × chains: a decision leads where no rival is likelier."""
        counts = np.zeros((len(levels), own.shape[1]), dtype=np.intp)
        for decision in np.flatnonzero(self.own.any(axis=1)):
            leading = own[decision] >= own[self.rivals[decision]].max(axis=0)
            counts += [leading & (near[decision] >= level) for level in levels]
        return counts


def units(columns: Columns, raw: RawColumns) -> Units:
    """Relate the decisions of raw columns to the columns that came of them."""
    decisions = raw.decisions
    own = np.zeros((decisions, len(columns.members)), dtype=np.bool_)
    for column, members in enumerate(columns.members):
        own[[raw.decision[place] for place, _ in members], column] = True
    first: dict[bytes, int] = {}
    speaker = np.array([first.setdefault(row.tobytes(), decision) for decision, row in enumerate(own)], dtype=np.intp)
    speaker = np.where(own.any(axis=1), speaker, np.arange(decisions))
    own[speaker != np.arange(decisions)] = False
    lengths = np.linalg.norm(columns.deviations, axis=0)
    alike = np.abs(columns.deviations.T @ columns.deviations) > CONFOUNDED * np.outer(lengths, lengths)
    near = (own.astype(np.float64) @ alike) > 0
    return Units(own, near, (near.astype(np.float64) @ own.T) > 0, speaker)
