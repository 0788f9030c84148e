"""The judge: decisions, codes and graded attempts in; verdicts, and what chance would have given, out."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from explib.models.decisions import Code, Decision, GradedAttempt, Verdict
from explib_learner.judging.columns import Attempts, Columns, RawColumns, distinct_columns, ordered, raw_columns
from explib_learner.judging.fit import EFFECT_SD, Chains, Start
from explib_learner.judging.gate import LEVELS, Gate, gate, permuted_counts
from explib_learner.judging.units import units
from explib_learner.judging.verdicts import Fitted, verdicts

SEED = 20_251_008
CHAINS = 24
BURN, KEPT = 30, 50
"""Sweeps of each chain."""
WARM_BURN = 10
"""Sweeps left out where chains start from an earlier state."""

LIKELY = 0.5
"""Share of draws from which a column is in the state that a fit ends with."""


@dataclass(frozen=True, slots=True)
class State:
    """Where a fit ended, for the next one to start from."""

    effects: Mapping[tuple[str, str], float]
    """Effect of a decision's option against the rest, by decision id and letter; those that are likely to matter."""
    noise: Mapping[str, float]
    """Standard deviation of the rewards' noise, by reward source."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """A step's verdicts, and how far they can be trusted."""

    verdicts: Mapping[str, Verdict]
    """By decision id, one for each decision given."""
    gate: Gate
    explained: float
    """Share of the rewards' variance inside strata that decisions explain, 0 to 1."""
    state: State
    seconds: float


class Judge:
    """One joint fit over all graded attempts. Equal input gives equal verdicts, whatever its attempts are called."""

    def __init__(self, seed: int = SEED) -> None:
        self._seed = seed

    def judge(
        self,
        decisions: Sequence[Decision],
        codes: Sequence[Code],
        attempts: Sequence[GradedAttempt],
        last: State | None = None,
    ) -> Judgement:
        """Judge all decisions together.

        Of decisions that split the attempts alike the first one given speaks for all. `last` is where the step before
        ended. Raises ValueError on a reward that is no number, a weight outside 0..1, and a code whose letter its
        decision has not.
        """
        began = time.monotonic()
        random = np.random.default_rng(self._seed)
        names = [(decision.id, option.letter) for decision in decisions for option in decision.options]
        raw = raw_columns(decisions, codes, attempts)
        rows = ordered(attempts, raw.values)
        raw = raw.rows(rows.order)
        columns = distinct_columns(raw, rows)
        fitted = self._fit(raw, rows, columns, starting(last, names, columns, rows), random)
        found = fitted.related.counted(fitted.own[:, None], fitted.near[:, None], LEVELS)[:, 0]
        stop = gate(found, permuted_counts(rows, columns, fitted.related, random))
        return Judgement(
            verdicts=verdicts(decisions, fitted, stop),
            gate=stop,
            explained=explained(fitted),
            state=ended(names, fitted),
            seconds=time.monotonic() - began,
        )

    def _fit(
        self, raw: RawColumns, rows: Attempts, columns: Columns, start: Start | None, random: np.random.Generator
    ) -> Fitted:
        rewards = np.repeat(rows.rewards[:, None], CHAINS, axis=1)
        sums = rows.sums(columns, rewards)
        draws = Chains(sums, random, start).run(WARM_BURN if start else BURN, KEPT)
        related = units(columns, raw)
        own, near = related.inclusion(draws.inclusion)
        return Fitted(raw, rows, columns, related, draws, own.mean(axis=1), near.mean(axis=1))


def starting(last: State | None, names: Sequence[tuple[str, str]], columns: Columns, rows: Attempts) -> Start | None:
    """Lay an earlier state out for the chains; columns and sources that it does not know start anew."""
    if last is None:
        return None
    effects = np.zeros(len(columns.members))
    for column, members in enumerate(columns.members):
        known = [sign * last.effects[names[raw]] for raw, sign in members if names[raw] in last.effects]
        effects[column] = known[0] if known else 0.0
    noise = np.array([last.noise.get(source, EFFECT_SD) for source in rows.sources])
    return Start(effects, noise)


def ended(names: Sequence[tuple[str, str]], fitted: Fitted) -> State:
    """Keep what the chains of the next step start from."""
    drawn = fitted.draws.effects
    often = (drawn != 0).mean(axis=(0, 2))
    effects = {}
    for column in np.flatnonzero(often >= LIKELY):
        mean = float(drawn[:, column].mean() / often[column])
        effects.update({names[raw]: sign * mean for raw, sign in fitted.columns.members[column]})
    noise = fitted.draws.noise.mean(axis=1)
    return State(effects, {source: float(noise[place]) for place, source in enumerate(fitted.attempts.sources)})


def explained(fitted: Fitted) -> float:
    """Share of the variance inside strata that goes when the mean effects are taken away."""
    weights, rewards = fitted.attempts.weights, fitted.attempts.rewards
    total = float(weights @ rewards**2)
    left = rewards - fitted.columns.deviations @ fitted.draws.effects.mean(axis=(0, 2))
    return max(0.0, 1 - float(weights @ left**2) / total) if total > 0 else 0.0
