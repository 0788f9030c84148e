"""The joint fit: spike-and-slab regression by Gibbs sampling, many chains side by side.

rewards = strata + Zγ + Xβ + e, where β_j is 0 or N(0, .25²), γ ~ N(0, .08²), e ~ N(0, σ²) with one σ a reward source,
and k of D columns matter with Beta-binomial(1, 5). Weights temper the likelihood: an attempt of weight .5 counts half.
Chains read only sums over attempts (XᵀX, Xᵀy, yᵀy), so a step costs the same for 100 attempts and for 5,000.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from explib_learner.judging.strata import Floats, Indices

EFFECT_SD = 0.25
"""Prior size of an effect, in shares of the reward's range."""
CONTROL_SD = 0.08
"""Prior size of the effect of having met a situation."""
NOISES = np.geomspace(0.02, 0.6, 24)
"""Standard deviations of the noise among which a chain chooses."""
INCLUSION = (1.0, 5.0)
"""Parameters of the Beta-binomial number of columns that matter."""
NEIGHBOURS = 0.4
"""Correlation from which two columns may be exchanged in one move."""
EXCHANGES = 4
"""Such moves tried in each sweep."""


@dataclass(frozen=True, slots=True)
class Sums:
    """All that the chains read of the attempts. S sources, M controls followed by D columns, C chains.

    The last axis of `products` is 1 where all chains share their columns, else C.
    """

    products: Floats
    """S × (M+D) × (M+D) × 1 or C."""
    cross: Floats
    """Products with the rewards: S × (M+D) × C."""
    square: Floats
    """Sum of squared rewards inside strata: S × C."""
    size: Floats
    """Attempts less strata, weighted: S."""
    controls: int
    """M."""


@dataclass(frozen=True, slots=True)
class Draws:
    """Kept sweeps of all chains: sweeps × columns × chains, without the controls."""

    inclusion: Floats
    """Probability that the column matters, given all else in its sweep."""
    effects: Floats
    """Drawn effects, 0 where the column was out."""
    controls: Floats
    """Mean effects of the controls: M × chains."""
    noise: Floats
    """Mean standard deviation of the noise: sources × chains."""


@dataclass(frozen=True, slots=True)
class Start:
    """First state of the chains."""

    effects: Floats
    """(M+D) × C."""
    noise: Floats
    """S × C."""


def sums_of(controls: Floats, columns: Floats, rewards: Floats, sources: Floats, size: Floats) -> Sums:
    """Add up the attempts of each source: `rewards` is attempts × chains, `sources` the weights, sources × attempts."""
    explaining = np.hstack([controls, columns])
    weighted = [explaining.T * weights for weights in sources]
    return Sums(
        products=np.array([part @ explaining for part in weighted])[..., None],
        cross=np.array([part @ rewards for part in weighted]),
        square=sources @ rewards**2,
        size=size,
        controls=controls.shape[1],
    )


def stacked(problems: list[Sums]) -> Sums:
    """Lay one-chain problems with columns of their own side by side; rows that one of them lacks are 0."""
    controls = max(problem.controls for problem in problems)
    columns = max(problem.cross.shape[1] - problem.controls for problem in problems)
    sources, rows = len(problems[0].size), controls + columns
    products = np.zeros((sources, rows, rows, len(problems)))
    cross = np.zeros((sources, rows, len(problems)))
    for chain, problem in enumerate(problems):
        own = problem.cross.shape[1] - problem.controls
        places = np.r_[0 : problem.controls, controls : controls + own]
        products[:, places[:, None], places, chain] = problem.products[..., 0]
        cross[:, places, chain] = problem.cross[..., 0]
    return Sums(products, cross, np.hstack([problem.square for problem in problems]), problems[0].size, controls)


class Chains:
    """Gibbs chains over one or many problems, all moved together."""

    def __init__(self, sums: Sums, random: np.random.Generator, start: Start | None = None) -> None:
        self._sums = sums
        self._random = random
        rows, chains = sums.cross.shape[1:]
        self._diagonal = np.einsum("sjjc->sjc", sums.products)
        self._columns = np.flatnonzero(np.arange(rows) >= sums.controls)
        self._slab = np.where(np.arange(rows) < sums.controls, CONTROL_SD**-2, EFFECT_SD**-2)[:, None]
        alive = self._diagonal[:, sums.controls :].any(axis=0).sum(axis=0)
        self._prior = inclusion_odds(np.broadcast_to(alive, chains), rows - sums.controls)
        self._beta = np.zeros((rows, chains)) if start is None else start.effects.copy()
        self._tau = np.ones((len(sums.size), chains)) if start is None else start.noise**-2
        self._odds = np.zeros((rows, chains))
        self._partners = partners(sums) * EXCHANGES if sums.products.shape[-1] == 1 else []
        if start is None:
            self._draw_noise()

    def run(self, burn: int, kept: int) -> Draws:
        """Sweep `burn` times, then `kept` times and keep the draws."""
        first, (rows, chains) = self._sums.controls, self._beta.shape
        inclusion = np.empty((kept, rows - first, chains))
        effects = np.empty_like(inclusion)
        controls, noise = np.zeros((first, chains)), np.zeros_like(self._tau)
        for sweep in range(-burn, kept):
            self._sweep()
            if sweep >= 0:
                inclusion[sweep] = 1 / (1 + np.exp(-np.clip(self._odds[first:], -500, 500)))
                effects[sweep] = self._beta[first:]
                controls += self._beta[:first] / kept
                noise += self._tau**-0.5 / kept
            self._draw_noise()
        return Draws(inclusion, effects, controls, noise)

    def _sweep(self) -> None:
        precision = np.einsum("sc,sjc->jc", self._tau, self._diagonal) + self._slab
        evidence = 0.5 * np.log(self._slab / precision)
        noise = self._random.standard_normal(self._beta.shape) / np.sqrt(precision)
        uniform = self._random.random(self._beta.shape)
        hurdle = np.log(uniform) - np.log1p(-uniform)
        gradient = self._gradient()
        matters = (self._beta != 0).astype(np.intp)
        matters[: self._sums.controls] = 0
        count = matters.sum(axis=0)
        every = np.arange(self._beta.shape[1])
        for row in self._random.permutation(len(self._beta)):
            own, before = precision[row], self._beta[row]
            mean = (gradient[row] + before * (own - self._slab[row])) / own
            if row < self._sums.controls:
                after = mean + noise[row]
            else:
                count -= matters[row]
                odds = self._prior[every, count] + evidence[row] + 0.5 * mean * mean * own
                inside = odds > hurdle[row]
                after = np.where(inside, mean + noise[row], 0.0)
                self._odds[row] = odds
                matters[row] = inside
                count += inside
            self._move(gradient, row, after - before)
            self._beta[row] = after
        for lists, counts in self._partners:
            self._exchange(gradient, precision, evidence, lists, counts)

    def _gradient(self) -> Floats:
        """Products of the columns with what is not yet explained, in units of the noise: rows × chains."""
        explained = explained_products(self._sums, self._beta)
        gradient: Floats = np.einsum("sc,sjc->jc", self._tau, self._sums.cross - explained)
        return gradient

    def _move(self, gradient: Floats, row: int, change: Floats) -> None:
        if change.any():
            for source, tau in enumerate(self._tau):
                gradient -= self._sums.products[source, row] * (tau * change)

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
        shared = np.einsum("sc,sc->c", tau, self._sums.products[:, into, out, 0])
        before = gradient[out, chains] + beta * (own - self._slab[out, 0])
        after = gradient[into, chains] + beta * shared
        gain = evidence[into, chains] - evidence[out, chains] + 0.5 * (after**2 / other - before**2 / own)
        gain += np.log(counts[out] / counts[into])
        taken = np.log(draws[2, chains]) < gain
        chains, out, into = chains[taken], out[taken], into[taken]
        drawn = self._random.standard_normal(len(taken))[taken] / np.sqrt(other[taken]) + after[taken] / other[taken]
        for source, tau in enumerate(self._tau):
            products = self._sums.products[source, :, :, 0]
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
    if sums.products.shape[-1] == 1:
        return np.array([products[..., 0] @ beta for products in sums.products])
    explained: Floats = np.einsum("sjkc,kc->sjc", sums.products, beta)
    return explained


def unexplained(sums: Sums, beta: Floats) -> Floats:
    """Sum of squares that effects leave, sources × chains."""
    left: Floats = sums.square - np.einsum("jc,sjc->sc", beta, 2 * sums.cross - explained_products(sums, beta))
    left[left < 0] = 0.0
    return left


def inclusion_odds(columns: Indices, most: int) -> Floats:
    """Log odds that one more column matters where k others do, chains × k. `columns` is their number, by chain."""
    first, second = INCLUSION
    others = np.arange(most + 1)
    left = np.maximum(columns[:, None] - 1 - others, 0)
    odds: Floats = np.log(others + first) - np.log(left + second)
    return odds


def partners(sums: Sums) -> list[tuple[Indices, Indices]]:
    """Columns that each may be exchanged with: their rows, padded, and their numbers; empty where there are none."""
    total = sums.products[..., 0].sum(axis=0)
    lengths = np.sqrt(np.maximum(total.diagonal(), 1e-300))
    near = np.abs(total / np.outer(lengths, lengths)) > NEIGHBOURS
    near[: sums.controls] = near[:, : sums.controls] = False
    np.fill_diagonal(near, False)
    counts = near.sum(axis=1)
    if not counts.any():
        return []
    return [(np.argsort(~near, axis=1, kind="stable")[:, : counts.max()], counts)]
