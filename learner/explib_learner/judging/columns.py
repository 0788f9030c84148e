"""Columns: from codes to the numbers that the fit reads, one column an option, equal ones merged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explib.models.decisions import UNCLEAR, Code, Decision, GradedAttempt
from explib_learner.judging.fit import Sums
from explib_learner.judging.met import met_patterns, shrunk_directions
from explib_learner.judging.strata import Floats, Indices, centred, checked, numbered, stratum_keys

LONE_SIDE = 3
"""A column that varies among lone attempts only needs as many on either side."""


@dataclass(frozen=True, slots=True)
class Attempts:
    """Graded attempts in an order of their own, which neither their ids nor the order of their arrival change."""

    order: list[int]
    """Where each row was in the sequence given."""
    strata: Indices
    lone: NDArray[np.bool_]
    rewards: Floats
    """Centred inside strata."""
    weights: Floats
    sources: tuple[str, ...]
    """Names of the reward sources, sorted."""
    source: Indices
    """Place in `sources` of each row."""

    def sums(self, columns: Columns, rewards: Floats) -> Sums:
        """Add up columns and rewards (attempts × chains) by source, what having met a situation explains taken out."""
        parts = [self._sums(columns, rewards, self.source == source) for source in range(len(self.sources))]
        sources, width = len(parts), len(columns.members)
        return Sums(
            products=np.array([products for products, _, _, _ in parts]).reshape(sources, width, width),
            cross=np.array([cross for _, cross, _, _ in parts]).reshape(sources, width, rewards.shape[1]),
            square=np.array([square for _, _, square, _ in parts]).reshape(sources, rewards.shape[1]),
            size=np.array([size for _, _, _, size in parts]),
        )

    def _sums(self, columns: Columns, rewards: Floats, rows: NDArray[np.bool_]) -> tuple[Floats, Floats, Floats, float]:
        weights = self.weights[rows]
        scale = np.sqrt(weights)[:, None]
        explaining, explained = columns.deviations[rows] * scale, rewards[rows] * scale
        both = np.hstack([explaining, explained])
        controls = columns.controls[rows]
        left = both - controls @ (controls.T @ both)
        width = explaining.shape[1]
        degrees = float(weights.sum()) - self._means(rows) - float((controls**2).sum())
        return (
            explaining.T @ left[:, :width],
            explaining.T @ left[:, width:],
            np.einsum("rc,rc->c", explained, left[:, width:]),
            max(degrees, 0.0),
        )

    def _means(self, rows: NDArray[np.bool_]) -> float:
        """Weight that the means of strata use up."""
        counts = np.bincount(self.strata[rows])
        totals = np.bincount(self.strata[rows], self.weights[rows])
        return float((totals[counts > 0] / counts[counts > 0]).sum())


@dataclass(frozen=True, slots=True)
class RawColumns:
    """One column an option: 1 taken, 0 another one taken, NaN where its situation was not met."""

    values: Floats
    """Attempts × options."""
    decision: Indices
    """Number of the decision that each column belongs to, from 0."""
    nested: NDArray[np.bool_]
    """Marks columns whose situation is another decision's option: having met it is no control."""
    decisions: int

    def rows(self, order: Sequence[int]) -> RawColumns:
        """Put the attempts into another order."""
        return RawColumns(self.values[order], self.decision, self.nested, self.decisions)


@dataclass(frozen=True, slots=True)
class Columns:
    """Distinct columns of the fit."""

    deviations: Floats
    """Attempts × columns, centred among those of a stratum that met the situation."""
    members: tuple[tuple[tuple[int, float], ...], ...]
    """Raw columns that each column stands for, with 1, or -1 where it is mirrored."""
    controls: Floats
    """Attempts × directions. Times its own transpose this is the part of rewards that met situations explain."""


def raw_columns(decisions: Sequence[Decision], codes: Sequence[Code], attempts: Sequence[GradedAttempt]) -> RawColumns:
    """Lay out codes as columns.

    The option of a code that is unclear, and codes of the groups that a decision was named from, are NaN, too. Codes
    of other decisions and attempts are passed over. Raises ValueError on a letter that its decision has not.
    """
    places = {decision.id: (place, decision) for place, decision in enumerate(decisions)}
    starts = np.cumsum([0] + [len(decision.options) for decision in decisions])
    letters = [{option.letter: place for place, option in enumerate(decision.options)} for decision in decisions]
    rows: Mapping[str, int] = {attempt.trajectory_id: row for row, attempt in enumerate(attempts)}
    raw = np.full((len(attempts), int(starts[-1])), np.nan, dtype=np.float64)
    for code in codes:
        row, found = rows.get(code.trajectory_id), places.get(code.decision_id)
        if row is None or found is None or code.letter == UNCLEAR:
            continue
        place, decision = found
        if code.letter not in letters[place]:
            raise ValueError(f"decision {decision.id} has no option {code.letter!r}: code {code.trajectory_id} anew")
        if attempts[row].group_id is None or attempts[row].group_id not in decision.named_from:
            raw[row, starts[place] : starts[place + 1]] = 0.0
            raw[row, starts[place] + letters[place][code.letter]] = 1.0
    sizes = [len(decision.options) for decision in decisions]
    nested = np.array([decision.parent is not None for decision in decisions], dtype=np.bool_)
    return RawColumns(raw, np.repeat(np.arange(len(decisions)), sizes), np.repeat(nested, sizes), len(decisions))


def ordered(attempts: Sequence[GradedAttempt], raw: Floats) -> Attempts:
    """Sort attempts by what they hold, so that a fixed seed gives one result whatever they are called."""
    checked(attempts)
    keys = stratum_keys(attempts)
    patterns = np.nan_to_num(raw, nan=2.0).astype(np.uint8)
    held = [
        (attempt.reward, attempt.source, attempt.weight, patterns[row].tobytes())
        for row, attempt in enumerate(attempts)
    ]
    together: dict[tuple[str | None, str], list[tuple[float, str, float, bytes]]] = {}
    for row in sorted(range(len(attempts)), key=held.__getitem__):
        together.setdefault(keys[row], []).append(held[row])
    by_content = sorted(together, key=lambda key: (key[0] is None, together[key]))
    rank = {key: place for place, key in enumerate(by_content)}
    order = sorted(range(len(attempts)), key=lambda row: (rank[keys[row]], held[row]))
    strata = numbered([keys[row] for row in order])
    weights = np.array([attempts[row].weight for row in order])
    rewards = np.array([attempts[row].reward for row in order])
    sources = tuple(sorted({attempt.source for attempt in attempts}))
    return Attempts(
        order=order,
        strata=strata,
        lone=np.array([keys[row][0] is None for row in order], dtype=np.bool_),
        rewards=centred(rewards[:, None], strata, weights)[:, 0],
        weights=weights,
        sources=sources,
        source=np.array([sources.index(attempts[row].source) for row in order], dtype=np.intp),
    )


def distinct_columns(raw: RawColumns, attempts: Attempts) -> Columns:
    """Centre raw columns (in the order of `attempts`), leave out those that can say nothing, and merge equal ones."""
    deviations = centred(raw.values, attempts.strata, attempts.weights)
    telling = np.flatnonzero(varies(raw.values, deviations, attempts))
    merged: dict[bytes, list[tuple[int, float]]] = {}
    for column in telling:
        values = deviations[:, column]
        sign = 1.0 if values[np.flatnonzero(values)[0]] > 0 else -1.0
        merged.setdefault((np.round(values * sign, 9) + 0.0).tobytes(), []).append((int(column), sign))
    members = tuple(tuple((column, sign * entries[0][1]) for column, sign in entries) for entries in merged.values())
    kept = deviations[:, [entries[0][0] for entries in members]]
    patterns = met_patterns(raw.values[:, telling], attempts.lone, raw.nested[telling])
    controls = met_effects(centred(patterns, attempts.strata, attempts.weights), attempts)
    return Columns(kept, members, controls)


def met_effects(patterns: Floats, attempts: Attempts) -> Floats:
    """Lay out, source by source, the directions that take the effects of met situations out of rewards."""
    scale = np.sqrt(attempts.weights)
    parts = []
    for source in range(len(attempts.sources)):
        rows = (attempts.source == source) * scale
        parts.append(shrunk_directions(patterns * rows[:, None], attempts.rewards * rows))
    return np.hstack([np.zeros((len(patterns), 0)), *parts])


def varies(raw: Floats, deviations: Floats, attempts: Attempts) -> NDArray[np.bool_]:
    """Mark columns that vary in a group, or among lone attempts with enough on either side."""
    lone = raw[attempts.lone]
    enough = np.minimum((lone == 1).sum(axis=0), (lone == 0).sum(axis=0)) >= LONE_SIDE
    found: NDArray[np.bool_] = deviations[~attempts.lone].any(axis=0) | (deviations[attempts.lone].any(axis=0) & enough)
    return found
