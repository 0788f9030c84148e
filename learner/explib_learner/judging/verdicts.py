"""Verdicts: from the draws of the fit and the stop rule's answer to a word on each decision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from explib.models.decisions import Decision, Verdict, VerdictState
from explib_learner.judging.columns import Attempts, Columns, RawColumns
from explib_learner.judging.fit import Draws
from explib_learner.judging.gate import Gate
from explib_learner.judging.strata import Floats, Indices, sums
from explib_learner.judging.units import Units

SIGN = 0.975
"""P(effect > 0) that belief asks for."""
WITNESSES = 2
"""Attempts of the less used side that belief asks for."""
WEAK_SOURCE = "inferred"
"""A reward source that alone makes nothing believed."""
SPOKEN_OF = 0.05
"""Below this probability nothing is said of a decision's effect, and it is nobody's rival."""
ENOUGH_DRAWS = 20


@dataclass(frozen=True, slots=True)
class Fitted:
    """A fit with all that is needed to read it."""

    raw: RawColumns
    attempts: Attempts
    columns: Columns
    related: Units
    draws: Draws
    own: Floats
    """Probability that each decision matters."""
    near: Floats
    """Probability that it or one of its rivals does."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Attempts of one decision in strata where its options vary."""

    followed: int = 0
    others: int = 0
    groups: int = 0
    lone: int = 0
    witnesses: int = 0
    strong: bool = False
    """A reward source stronger than a guess is among them."""


class Tally:
    """Attempts counted by stratum and option."""

    def __init__(self, raw: RawColumns, attempts: Attempts) -> None:
        self._taken = sums((raw.values == 1).astype(np.float64), attempts.strata).astype(int)
        self._other = sums((raw.values == 0).astype(np.float64), attempts.strata).astype(int)
        firsts = np.unique(attempts.strata, return_index=True)[1]
        self._lone = attempts.lone[firsts]
        self._strong = np.array([name != WEAK_SOURCE for name in attempts.sources])[attempts.source[firsts]]

    def counts(self, options: Indices, better: int | None) -> Counts:
        """Count for the options (raw columns) of one decision, one of which is the better."""
        vary = ((self._taken > 0) & (self._other > 0))[:, options].any(axis=1)
        met = (self._taken + self._other)[:, options].max(axis=1)
        told = Counts(groups=int((vary & ~self._lone).sum()), lone=int(met[self._lone].sum()))
        if better is None:
            return told
        taken, other = self._taken[:, better], self._other[:, better]
        split = (taken > 0) & (other > 0)
        return replace(
            told,
            followed=int(taken[split].sum()),
            others=int(other[split].sum()),
            witnesses=int(np.minimum(taken, other).sum()),
            strong=bool((split & self._strong).any()),
        )


@dataclass(frozen=True, slots=True)
class Effect:
    """The better option's effect: its raw column, the mean, the interval and P(effect > 0)."""

    option: int
    mean: float
    low: float
    high: float
    sign: float


def verdicts(decisions: Sequence[Decision], fitted: Fitted, gate: Gate) -> dict[str, Verdict]:
    """Say for each decision what the fit found, by decision id."""
    tally = Tally(fitted.raw, fitted.attempts)
    measured = [measure(decision, place, fitted, tally) for place, decision in enumerate(decisions)]
    sure = np.array([certain for _, certain in measured], dtype=np.bool_)
    believed = sure & (fitted.own >= gate.belief.level) & gate.belief.passed
    spoken = {}
    for place, (verdict, certain) in enumerate(measured):
        speaker = int(fitted.related.speaker[place])
        rivals = fitted.related.rivals[speaker] & (fitted.own >= SPOKEN_OF)
        rivals[speaker] = False
        open_rivals = bool(rivals.any() and not believed[rivals].any())
        state = state_of(fitted.own[speaker], fitted.near[speaker], certain, open_rivals, gate)
        spoken[verdict.decision_id] = replace(
            verdict,
            state=state,
            rivals=tuple(decisions[rival].id for rival in np.flatnonzero(rivals).tolist()) if state == "one of" else (),
            merged_into=None if speaker == place else decisions[speaker].id,
        )
    return spoken


def state_of(own: float, near: float, certain: bool, open_rivals: bool, gate: Gate) -> VerdictState:
    """Name the state of a decision of which it is known how likely it, and how likely it or a rival, matters."""
    if gate.belief.passed and own >= gate.belief.level and certain:
        return "believed"
    if gate.belief.passed and near >= gate.belief.level and own >= SPOKEN_OF and open_rivals:
        return "one of"
    if gate.candidate.passed and own >= gate.candidate.level:
        return "candidate"
    return "unknown"


def measure(decision: Decision, place: int, fitted: Fitted, tally: Tally) -> tuple[Verdict, bool]:
    """Read a decision's numbers off the draws, and tell whether they and its attempts are enough to believe it."""
    speaker = int(fitted.related.speaker[place])
    options = np.flatnonzero(fitted.raw.decision == place)
    effect = effect_of(options, np.flatnonzero(fitted.related.own[speaker]), fitted)
    counts = tally.counts(options, effect.option if effect else None)
    verdict = Verdict(
        decision_id=decision.id,
        state="unknown",
        inclusion=float(fitted.own[speaker]),
        better=decision.options[effect.option - int(options[0])].letter if effect else None,
        effect=effect.mean if effect else 0.0,
        low=effect.low if effect else 0.0,
        high=effect.high if effect else 0.0,
        sign_probability=effect.sign if effect else 0.5,
        followed=counts.followed,
        others=counts.others,
        groups=counts.groups,
        lone=counts.lone,
        witnesses=counts.witnesses,
    )
    return verdict, verdict.sign_probability >= SIGN and counts.witnesses >= WITNESSES and counts.strong


def effect_of(options: Indices, columns: Indices, fitted: Fitted) -> Effect | None:
    """Compare each option with the use-weighted mean of the others, in draws where the decision matters."""
    drawn = fitted.draws.effects[:, columns]
    drawn = drawn.transpose(0, 2, 1)[drawn.any(axis=1)]
    if len(drawn) < ENOUGH_DRAWS:
        return None
    effects = np.zeros((len(drawn), len(options)))
    for number, column in enumerate(columns):
        raw, sign = next(member for member in fitted.columns.members[column] if member[0] in options)
        effects[:, raw - options[0]] += sign * drawn[:, number]
    use = (fitted.raw.values[:, options] == 1).sum(axis=0)
    tried = np.flatnonzero(use)
    rest = (effects @ use)[:, None] - effects * use
    against = effects[:, tried] - rest[:, tried] / (use.sum() - use[tried])
    best = int(against.mean(axis=0).argmax())
    low, high = np.quantile(against[:, best], [0.025, 0.975])
    return Effect(
        option=int(options[tried[best]]),
        mean=float(against[:, best].mean()),
        low=float(low),
        high=float(high),
        sign=float((against[:, best] > 0).mean()),
    )
