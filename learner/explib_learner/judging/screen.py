"""The screen: of very many columns, those that are worth a place in the joint fit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from explib.models.decisions import GradedAttempt
from explib_learner.judging.fit import HOPE, lone_odds
from explib_learner.judging.strata import Floats, Indices, centred, checked, numbered, shuffled, stratum_keys

SEED = 20_251_008
PERMUTATIONS = 20
STAGES = 20
"""At most as many columns are explained away before the last scores are taken."""
SURVIVING_NOISE = 0.2
"""Share of columns without effect that may pass."""
CELLS_AT_ONCE = 4_000_000
"""Bounds the memory of centring."""


def screen(met_and_taken: Floats, attempts: Sequence[GradedAttempt], keep: int) -> list[int]:
    """Choose at most `keep` columns, the most promising first; of equal or mirrored columns only the first.

    `met_and_taken` is attempts × columns: 1 taken, 0 not taken, NaN where the situation was not met. A column's score
    is its standardised effect inside strata, held against permuted rewards. Stagewise: what stands out is explained
    away before the rest is scored again, so that a strong effect hides no weaker one. Who fits the chosen columns
    gives the judge all of them as `searched`, so that its stop rule repeats this choice. Raises ValueError on a
    reward that is no number, or where the rows are not the attempts.
    """
    checked(attempts)
    if met_and_taken.ndim != 2 or met_and_taken.shape[0] != len(attempts):
        raise ValueError(f"{len(attempts)} attempts need as many rows, not an array of shape {met_and_taken.shape}")
    if not len(attempts) or not met_and_taken.shape[1]:
        return []
    strata = numbered(stratum_keys(attempts))
    weights = np.array([attempt.weight for attempt in attempts])
    rewards = np.array([attempt.reward for attempt in attempts])
    rewards = centred(rewards[:, None], strata, weights)[:, 0]
    return Screen(met_and_taken, strata, weights).best(rewards, keep)


class Screen:
    """Very many columns, made ready once and scored against any rewards."""

    def __init__(self, met_and_taken: Floats, strata: Indices, weights: Floats) -> None:
        self._strata = strata
        self._scale = np.sqrt(weights)
        self._directions, self._lengths, self._columns = unit_columns(met_and_taken, strata, weights)
        self.values = met_and_taken

    @property
    def size(self) -> int:
        """Number of distinct columns that vary."""
        return len(self._columns)

    def hopeful(self, rewards: Floats) -> NDArray[np.bool_]:
        """Mark copies of rewards (attempts × copies) for which a column, tried alone, is not out of the question."""
        scaled = rewards * self._scale[:, None]
        cross = (self._directions @ scaled) * self._lengths[:, None]
        noise = (scaled**2).sum(axis=0) / max(1, self._strata.size - len(set(self._strata.tolist())))
        odds = lone_odds(cross, self._lengths[:, None] ** 2, noise, self.size)
        return np.asarray((odds > HOPE).any(axis=0))

    def best(self, rewards: Floats, keep: int) -> list[int]:
        """Choose columns by score: those that stand out stage by stage, then the best of the rest.

        `rewards` is centred inside strata.
        """
        rewards = rewards * self._scale
        if not self._columns.size or not rewards.any():
            return []
        random = np.random.default_rng(SEED)
        first = scores = np.abs(self._directions @ rewards) / np.linalg.norm(rewards)
        explained: list[int] = []
        residual, passing = rewards, 0.0
        while len(explained) < STAGES:
            chance = np.abs(self._directions @ shuffled(residual, self._strata, PERMUTATIONS, random))
            chance /= np.linalg.norm(residual)
            passing = float(np.quantile(chance, 1 - SURVIVING_NOISE))
            best = int(np.argmax(scores))
            if scores[best] <= float(np.median(chance.max(axis=0))):
                break
            explained.append(best)
            residual = self._unexplained(rewards, explained)
            if np.linalg.norm(residual) < 1e-9 * np.linalg.norm(rewards):
                break
            scores = np.abs(self._directions @ residual) / np.linalg.norm(residual)
            scores[explained] = 0.0
        merit = np.maximum(scores, first)
        ranked = np.argsort(-merit, kind="stable")
        rest = [row for row in ranked if merit[row] > passing and row not in explained]
        return [int(self._columns[row]) for row in (explained + rest)[:keep]]

    def _unexplained(self, rewards: Floats, explained: list[int]) -> Floats:
        """Rewards without the effects of columns and of having met their situations."""
        met = (~np.isnan(self.values[:, self._columns[explained]])).astype(np.float64)
        met = centred(met, self._strata, self._scale**2) * self._scale[:, None]
        explaining = np.hstack([self._directions[explained].T, met])
        effects, *_ = np.linalg.lstsq(explaining, rewards, rcond=None)
        residual: Floats = rewards - explaining @ effects
        return residual


def unit_columns(met_and_taken: Floats, strata: Indices, weights: Floats) -> tuple[Floats, Floats, Indices]:
    """Centre the columns and scale them to length 1; leave out constant ones and repetitions.

    Returns columns × attempts, their lengths before, and their places among those given.
    """
    block = max(1, CELLS_AT_ONCE // met_and_taken.shape[0])
    seen: set[bytes] = set()
    directions: list[Floats] = []
    kept_lengths: list[float] = []
    columns: list[int] = []
    for start in range(0, met_and_taken.shape[1], block):
        deviations = centred(met_and_taken[:, start : start + block], strata, weights) * np.sqrt(weights)[:, None]
        lengths = np.linalg.norm(deviations, axis=0)
        for column in np.flatnonzero(lengths > 1e-9):
            direction = deviations[:, column] / lengths[column]
            direction *= np.sign(direction[np.flatnonzero(direction)[0]])
            pattern = (np.round(direction, 6) + 0.0).tobytes()  # -0.0 and 0.0 differ in their bytes
            if pattern not in seen:
                seen.add(pattern)
                directions.append(direction)
                kept_lengths.append(float(lengths[column]))
                columns.append(start + int(column))
    rows = np.array(directions).reshape(len(columns), strata.size)
    return rows, np.array(kept_lengths), np.array(columns, dtype=np.intp)
