"""The joint fit: spike-and-slab regression by Gibbs sampling, many chains side by side.

rewards = strata + Zγ + Xβ + e, where β_j is 0 or N(0, .25²), e ~ N(0, σ²) with one σ a source, and k of D columns
matter with Beta-binomial(1, 5). Weights temper the likelihood: an attempt of weight .5 counts half. The effects γ of
having met a situation are integrated out before (met.py). Chains read only sums over attempts (XᵀX, Xᵀy, yᵀy), so that
a step costs the same for 100 attempts and for 5,000.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from explib_learner.judging.strata import Floats, Indices

EFFECT_SD = 0.25
"""Prior size of an effect, in shares of the reward's range."""
NOISES = np.geomspace(0.02, 0.6, 24)
"""Standard deviations of the noise among which a chain chooses."""
INCLUSION = (1.0, 5.0)
"""Parameters of the Beta-binomial number of columns that matter."""
NEIGHBOURS = 0.4
"""Correlation from which two columns may be exchanged in one move."""
EXCHANGES = 2
"""Such moves tried in each sweep."""
HOPE = -2.0
"""Log odds of a column tried alone, below which chains over permuted rewards are not worth running."""


@dataclass(frozen=True, slots=True)
class Sums:
    """All that the chains read of the attempts. S sources, D columns, C chains."""

    products: Floats
    """S × D × D."""
    cross: Floats
    """Products with the rewards: S × D × C."""
    square: Floats
    """Sum of squared rewards inside strata: S × C."""
    size: Floats
    """Attempts less strata, weighted: S."""

    def of(self, chains: Indices) -> Sums:
        """Keep some chains."""
        return replace(self, cross=self.cross[..., chains], square=self.square[:, chains])

    def hopeful(self) -> NDArray[np.bool_]:
        """Mark chains where a column, tried alone, is not out of the question."""
        noise = self.square.sum(axis=0) / max(self.size.sum(), 1.0)
        odds = lone_odds(self.cross.sum(axis=0), np.einsum("sjj->j", self.products)[:, None], noise)
        return np.asarray((odds > HOPE).any(axis=0))


@dataclass(frozen=True, slots=True)
class Draws:
    """Kept sweeps of all chains."""

    inclusion: Floats
    """Probability that a column matters, given all else in its sweep: sweeps × columns × chains."""
    effects: Floats
    """Drawn effects, 0 where the column was out: sweeps × columns × chains."""
    noise: Floats
    """Mean standard deviation of the noise: sources × chains."""


@dataclass(frozen=True, slots=True)
class Start:
    """First state of all chains."""

    effects: Floats
    """By column."""
    noise: Floats
    """By source."""


class Chains:
    """Gibbs chains over one problem with many rewards, all moved together."""

    def __init__(self, sums: Sums, random: np.random.Generator, start: Start | None = None) -> None:
        self._sums = sums
        self._random = random
        columns, chains = sums.cross.shape[1:]
        self._diagonal = np.einsum("sjj->sj", sums.products)[..., None]
        self._prior = inclusion_odds(columns)
        self._odds = np.zeros((columns, chains))
        self._partners = partners(sums) * EXCHANGES
        self._beta = np.zeros((columns, chains))
        self._tau = np.ones((len(sums.size), chains))
        if start is None:
            self._draw_noise()
        else:
            self._beta += start.effects[:, None]
            self._tau *= start.noise[:, None] ** -2

    def run(self, burn: int, kept: int) -> Draws:
        """Sweep `burn` times, then `kept` times and keep the draws."""
        inclusion = np.empty((kept, *self._beta.shape))
        effects = np.empty_like(inclusion)
        noise = np.zeros_like(self._tau)
        for sweep in range(-burn, kept):
            self._sweep()
            if sweep >= 0:
                inclusion[sweep] = 1 / (1 + np.exp(-np.clip(self._odds, -500, 500)))
                effects[sweep] = self._beta
                noise += self._tau**-0.5 / kept
            self._draw_noise()
        return Draws(inclusion, effects, noise)

    def _sweep(self) -> None:
        """Draw each effect given all others, in random order; then exchange correlated columns."""
        data = np.einsum("sc,sjc->jc", self._tau, self._diagonal)
        precision = data + EFFECT_SD**-2
        evidence = -0.5 * np.log(EFFECT_SD**2 * precision)
        variance, noise = 1 / precision, self._random.standard_normal(self._beta.shape) / np.sqrt(precision)
        uniform = self._random.random(self._beta.shape)
        hurdle = np.log(uniform) - np.log1p(-uniform) - evidence
        gradient = self._gradient()
        inside = self._beta != 0
        count = inside.sum(axis=0)
        for row in self._random.permutation(len(self._beta)):
            before, was = self._beta[row], inside[row]
            pull = gradient[row] + before * data[row]
            mean = pull * variance[row]
            count -= was
            odds = 0.5 * pull * mean + self._prior.take(count)
            self._odds[row] = odds
            enters = odds > hurdle[row]
            if enters.any() or was.any():
                after = (mean + noise[row]) * enters
                self._move(gradient, row, after - before)
                self._beta[row], inside[row] = after, enters
                count += enters
        self._odds += evidence
        for lists, counts in self._partners:
            self._exchange(gradient, precision, evidence, lists, counts)

    def _gradient(self) -> Floats:
        """Products of the columns with what is not yet explained, in units of the noise: rows × chains."""
        explained = explained_products(self._sums, self._beta)
        gradient: Floats = np.einsum("sc,sjc->jc", self._tau, self._sums.cross - explained)
        return gradient

    def _move(self, gradient: Floats, row: int, change: Floats) -> None:
        """Keep the gradient up with a change of one column's effect."""
        products = self._sums.products[:, row, :, None]
        moved = np.flatnonzero(change)
        for source, tau in enumerate(self._tau):
            if 4 * moved.size > change.size:
                gradient -= products[source] * (tau * change)
            else:
                gradient[:, moved] -= products[source] * (tau * change)[moved]

    def _exchange(self, gradient: Floats, precision: Floats, evidence: Floats, lists: Indices, counts: Indices) -> None:
        """Offer each chain to put a correlated column in the place of one that is in, effects integrated out."""
        draws = self._random.random((3, self._beta.shape[1]))
        ready = (self._beta != 0) & (counts > 0)[:, None]
        order = ready.cumsum(axis=0)
        chains = np.flatnonzero(order[-1])
        wanted = (draws[0] * order[-1]).astype(np.intp) + 1
        out = (order >= wanted).argmax(axis=0)[chains]
        into = lists[out, (draws[1, chains] * counts[out]).astype(np.intp)]
        free = self._beta[into, chains] == 0
        chains, out, into = chains[free], out[free], into[free]
        tau = self._tau[:, chains]
        own, other = precision[out, chains], precision[into, chains]
        beta = self._beta[out, chains]
        shared = np.einsum("sc,sc->c", tau, self._sums.products[:, into, out])
        before = gradient[out, chains] + beta * (own - EFFECT_SD**-2)
        after = gradient[into, chains] + beta * shared
        gain = evidence[into, chains] - evidence[out, chains] + 0.5 * (after**2 / other - before**2 / own)
        gain += np.log(counts[out] / counts[into])
        taken = np.log(draws[2, chains]) < gain
        chains, out, into = chains[taken], out[taken], into[taken]
        drawn = self._random.standard_normal(len(taken))[taken] / np.sqrt(other[taken]) + after[taken] / other[taken]
        for source, tau in enumerate(self._tau):
            products = self._sums.products[source]
            gradient[:, chains] += tau[chains] * (products[:, out] * beta[taken] - products[:, into] * drawn)
        self._beta[out, chains], self._beta[into, chains] = 0.0, drawn

    def _draw_noise(self) -> None:
        """Draw σ of each source on its grid, by Gumbel's trick."""
        errors = unexplained(self._sums, self._beta)[..., None]
        size = self._sums.size[:, None, None]
        weight = -0.5 * errors / NOISES**2 - size * np.log(NOISES)
        chosen = (weight + self._random.gumbel(size=weight.shape)).argmax(axis=-1)
        self._tau = NOISES[chosen] ** -2


def explained_products(sums: Sums, beta: Floats) -> Floats:
    """Multiply the products with effects: sources × rows × chains."""
    explained: Floats = sums.products @ beta
    return explained


def unexplained(sums: Sums, beta: Floats) -> Floats:
    """Sum of squares that effects leave, sources × chains."""
    left: Floats = sums.square - np.einsum("jc,sjc->sc", beta, 2 * sums.cross - explained_products(sums, beta))
    left[left < 0] = 0.0
    return left


def inclusion_odds(columns: int) -> Floats:
    """Log odds that one more of the columns matters where k others do, by k."""
    first, second = INCLUSION
    others = np.arange(columns)
    odds: Floats = np.log(others + first) - np.log(columns - 1 - others + second)
    return odds


def lone_odds(cross: Floats, square: Floats, noise: Floats) -> Floats:
    """Log odds that a column matters where no other does, from its sums; `noise` is the variance of what it leaves."""
    noise = np.maximum(noise, NOISES[0] ** 2)
    precision = square / noise + EFFECT_SD**-2
    odds: Floats = 0.5 * (cross / noise) ** 2 / precision - 0.5 * np.log(EFFECT_SD**2 * precision)
    odds -= np.log(max(len(cross), 1) - 1 + INCLUSION[1])
    return odds


def partners(sums: Sums) -> list[tuple[Indices, Indices]]:
    """Columns that each may be exchanged with: their rows, padded, and their numbers; empty where there are none."""
    total = sums.products.sum(axis=0)
    lengths = np.sqrt(np.maximum(total.diagonal(), 1e-300))
    near = np.abs(total / np.outer(lengths, lengths)) > NEIGHBOURS
    np.fill_diagonal(near, False)
    counts = near.sum(axis=1)
    if not counts.any():
        return []
    return [(np.argsort(~near, axis=1, kind="stable")[:, : counts.max()], counts)]
