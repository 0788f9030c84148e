"""Weighted tempered Gibbs sampling of which columns matter, many problems side by side.

rewards = controls + Xβ + e, β_j is 0 or N(0, gσ²). Effects, controls and σ are integrated out, so that a state is only
a set of columns; σ² ~ inverse gamma, g from GAINS. A step looks at every column's odds given all others, and changes
one that is unlikely to be as it is (Zanella and Roberts, "Scalable importance tempering", 2019, algorithm wTGS).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explib_learner.grammar.scores import Floats

GAINS = np.geomspace(0.02, 40.0, 9)
"""Variances of effects, in units of the noise's, among which a chain chooses."""
NOISE_SHAPE, NOISE_SD = 2.0, 0.04
"""Prior of σ², as so many half attempts with this standard deviation."""
WANDERING = 3.0
"""Columns that are unlikely to matter are tried about as often as so many that do."""
REBATE = 1.0
"""Nats that count as gained with each column: many small effects tell a set from chance before each is likely."""
MOST = 24
"""Columns of one state."""
_GAIN_EVERY = 8


@dataclass(frozen=True, slots=True)
class Problem:
    """All that a chain reads of attempts, controls taken out. Problems that run together have as many columns."""

    gram: Floats
    cross: Floats
    square: float
    size: float
    """Attempts less strata."""
    costs: Floats
    """Nats that each column costs, beyond what the number of columns that matter gives back."""


@dataclass(frozen=True, slots=True)
class Draws:
    """Chains × columns, but for `gain`."""

    inclusion: Floats
    """Probability that each column matters."""
    effects: Floats
    """Mean effects, 0 counted where a column is out."""
    gain: Floats
    """Log posterior of the best state, less that of no column, and REBATE for each of its columns: one a chain."""


class TemperedChains:
    """One chain a problem."""

    def __init__(self, problems: Sequence[Problem], random: np.random.Generator) -> None:
        self._gram = np.array([problem.gram for problem in problems])
        self._cross = np.array([problem.cross for problem in problems])
        self._costs = np.array([problem.costs for problem in problems])
        self._square = np.array([problem.square for problem in problems])
        self._size = np.array([problem.size for problem in problems])
        self._diagonal = np.einsum("cjj->cj", self._gram)
        self._random = random
        chains, self._width = self._cross.shape
        self._rows = np.arange(chains)
        self._most = max(2, min(MOST, int(self._size.min()) // 3))
        self._state = np.full((chains, self._most), -1, dtype=np.intp)
        self._variance = np.ones(chains)

    def run(self, burn: int, kept: int) -> Draws:
        """Take `burn` steps, then `kept` steps whose states count by their weights."""
        inclusion, effects = np.zeros_like(self._cross), np.zeros_like(self._cross)
        total = np.full(len(self._rows), 1e-300)
        best = np.zeros(len(self._rows))
        for step in range(-burn, kept):
            if step % _GAIN_EVERY == 0:
                self._draw_variance()
            odds, inside, means, score = self._odds()
            best = np.maximum(best, score + REBATE * inside.sum(axis=1))
            likely = 1 / (1 + np.exp(-np.clip(odds, -30, 30)))
            pull = (likely + WANDERING / self._width) / np.where(inside, likely, 1 - likely)
            pull[~inside & (inside.sum(axis=1) >= self._most)[:, None]] = 0.0
            if step >= 0:
                weight = 1 / pull.sum(axis=1)
                inclusion += likely * weight[:, None]
                effects += means * weight[:, None]
                total += weight
            self._change(pull)
        return Draws(inclusion / total[:, None], effects / total[:, None], best)

    def _change(self, pull: Floats) -> None:
        """Take one column of each chain in or out, drawn by its pull."""
        cumulated = pull.cumsum(axis=1)
        drawn = (cumulated < (self._random.random(len(pull)) * cumulated[:, -1])[:, None]).sum(axis=1)
        drawn = np.minimum(drawn, self._width - 1)
        held = self._state == drawn[:, None]
        slot = np.where(held.any(axis=1), held.argmax(axis=1), (self._state < 0).argmax(axis=1))
        self._state[self._rows, slot] = np.where(held.any(axis=1), -1, drawn)

    def _inner(self) -> tuple[NDArray[np.intp], Floats, Floats, Floats]:
        """Columns of the states (0 for empty places), which places are filled, their products and moments."""
        taken = np.sort(self._state, axis=1)[:, -max(1, int((self._state >= 0).sum(axis=1).max())) :]
        filled = (taken >= 0).astype(np.float64)
        index = np.maximum(taken, 0)
        inner = self._gram[self._rows[:, None, None], index[:, :, None], index[:, None, :]]
        inner = inner * filled[:, :, None] * filled[:, None, :]
        return index, filled, inner, np.take_along_axis(self._cross, index, axis=1) * filled

    def _odds(self) -> tuple[Floats, NDArray[np.bool_], Floats, Floats]:
        """Log odds of each column given all others, which are in, their mean effects, and each state's score."""
        index, filled, inner, moments = self._inner()
        shape = NOISE_SHAPE + 0.5 * self._size
        scale = NOISE_SHAPE * NOISE_SD**2 + 0.5 * self._square
        system = inner + np.eye(inner.shape[1]) / self._variance[:, None, None]
        inverse = np.linalg.inv(system)
        fitted = np.einsum("cij,cj->ci", inverse, moments)
        left = scale - 0.5 * np.einsum("ci,ci->c", fitted, moments)
        number = filled.sum(axis=1)
        products = self._gram[self._rows[:, None], index] * filled[:, :, None]
        rest = self._diagonal - np.einsum("cij,cij->cj", products, inverse @ products)
        pull = self._cross - np.einsum("ci,cij->cj", fitted, products)
        odds = self._gained(np.maximum(rest, 0.0), pull, left[:, None], shape[:, None])
        odds += np.log(number + 1)[:, None] - self._costs
        own = np.einsum("cii->ci", inverse)
        without_rest = np.maximum(1 / own - 1 / self._variance[:, None], 0.0)
        without_left = left[:, None] + 0.5 * fitted**2 / own
        within = self._gained(without_rest, fitted / own, without_left, shape[:, None])
        within += np.log(np.maximum(number, 1))[:, None] - np.take_along_axis(self._costs, index, axis=1)
        inside, means = np.zeros(odds.shape, dtype=np.bool_), np.zeros_like(odds)
        chain, place = np.nonzero(filled)
        column = index[chain, place]
        inside[chain, column], means[chain, column] = True, fitted[chain, place]
        odds[chain, column] = within[chain, place]
        volume = np.linalg.slogdet(system * self._variance[:, None, None])[1]
        costs = (np.take_along_axis(self._costs, index, axis=1) * filled).sum(axis=1)
        score = -0.5 * volume - shape * np.log(left / scale) - costs + _log_factorial(number)
        return odds, inside, means, score

    def _gained(self, rest: Floats, pull: Floats, left: Floats, shape: Floats) -> Floats:
        """Log evidence that a column adds, of which `rest` is not explained by others, and the rewards' `pull`."""
        variance = self._variance[:, None]
        drop = 0.5 * variance * pull**2 / (1 + variance * rest)
        share = np.minimum(drop / left, 1 - 1e-9)
        gained: Floats = -0.5 * np.log1p(variance * rest) - shape * np.log1p(-share)
        return gained

    def _draw_variance(self) -> None:
        """Draw each chain's variance of effects on its grid, by Gumbel's trick."""
        _, _, inner, moments = self._inner()
        energy, turned = np.linalg.eigh(inner)
        along = np.einsum("cij,ci->cj", turned, moments) ** 2
        energy = np.maximum(energy, 0.0)[:, None, :]
        gains = GAINS[None, :, None]
        explained = (gains * along[:, None, :] / (1 + gains * energy)).sum(axis=2)
        scale = NOISE_SHAPE * NOISE_SD**2 + 0.5 * self._square[:, None]
        left = np.maximum(scale - 0.5 * explained, 1e-9)
        shape = (NOISE_SHAPE + 0.5 * self._size)[:, None]
        weight = -0.5 * np.log1p(gains * energy).sum(axis=2) - shape * np.log(left)
        self._variance = GAINS[(weight + self._random.gumbel(size=weight.shape)).argmax(axis=1)]


def _log_factorial(number: Floats) -> Floats:
    """log k! for each k."""
    table = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, MOST + 1)))])
    factorials: Floats = table[number.astype(np.intp)]
    return factorials
