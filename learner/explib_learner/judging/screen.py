"""The screen: of very many columns, those that are worth a place in the joint fit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from explib.models.decisions import GradedAttempt
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
    directions, columns = unit_columns(met_and_taken, strata, weights)
    met = (~np.isnan(met_and_taken[:, columns])).astype(np.float64)
    return [int(columns[row]) for row in promising(directions, met, rewards * np.sqrt(weights), strata, keep)]


def unit_columns(met_and_taken: Floats, strata: Indices, weights: Floats) -> tuple[Floats, Indices]:
    """Centre the columns and scale them to length 1; leave out constant ones and repetitions. Columns × attempts."""
    block = max(1, CELLS_AT_ONCE // met_and_taken.shape[0])
    seen: set[bytes] = set()
    directions: list[Floats] = []
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
                columns.append(start + int(column))
    return np.array(directions).reshape(len(columns), strata.size), np.array(columns, dtype=np.intp)


def promising(directions: Floats, met: Floats, rewards: Floats, strata: Indices, keep: int) -> list[int]:
    """Rows of `directions` by score: those that stand out stage by stage, then the best of the rest."""
    if not directions.shape[0] or not rewards.any():
        return []
    random = np.random.default_rng(SEED)
    first = scores = np.abs(directions @ rewards) / np.linalg.norm(rewards)
    explained: list[int] = []
    residual, passing = rewards, 0.0
    while len(explained) < STAGES:
        chance = np.abs(directions @ shuffled(residual, strata, PERMUTATIONS, random)) / np.linalg.norm(residual)
        passing = float(np.quantile(chance, 1 - SURVIVING_NOISE))
        best = int(np.argmax(scores))
        if scores[best] <= float(np.median(chance.max(axis=0))):
            break
        explained.append(best)
        residual = unexplained(rewards, directions[explained].T, met[:, explained], strata)
        if np.linalg.norm(residual) < 1e-9 * np.linalg.norm(rewards):
            break
        scores = np.abs(directions @ residual) / np.linalg.norm(residual)
        scores[explained] = 0.0
    merit = np.maximum(scores, first)
    rest = [int(row) for row in np.argsort(-merit, kind="stable") if merit[row] > passing and row not in explained]
    return (explained + rest)[:keep]


def unexplained(rewards: Floats, taken: Floats, met: Floats, strata: Indices) -> Floats:
    """Rewards without the effects of the columns and of having met their situations."""
    explaining = np.hstack([taken, centred(met, strata, np.ones(strata.size))])
    effects, *_ = np.linalg.lstsq(explaining, rewards, rcond=None)
    residual: Floats = rewards - explaining @ effects
    return residual
