"""The stop rule: what the fit finds is held against what it finds where rewards are permuted inside strata."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from explib_learner.judging.columns import Attempts, Columns
from explib_learner.judging.fit import Chains
from explib_learner.judging.strata import shuffled
from explib_learner.judging.units import Units

Counts: TypeAlias = NDArray[np.intp]

BATCH = 200
"""Permutations fitted together."""
BATCHES = 2
BURN, KEPT = 15, 35
"""Sweeps of a chain over permuted rewards."""

BELIEF_LEVELS = (0.9, 0.95, 0.98, 0.99, 0.995)
CANDIDATE_LEVELS = (0.5, 0.6, 0.7, 0.8, 0.9)
LEVELS = tuple(sorted({*BELIEF_LEVELS, *CANDIDATE_LEVELS}))


@dataclass(frozen=True, slots=True)
class Bar:
    """How much chance a kind of finding may hold."""

    levels: tuple[float, ...]
    """Probabilities of inclusion that may be asked for, the lowest that holds is."""
    p: float
    """At most as large a share of permutations may find as much."""
    share: float
    """Findings by chance, at most, as a share of those that were made."""


BELIEF = Bar(BELIEF_LEVELS, p=0.005, share=0.05)
CANDIDATE = Bar(CANDIDATE_LEVELS, p=0.03, share=0.25)


@dataclass(frozen=True, slots=True)
class Passage:
    """What a bar says of a fit: findings at the level where it holds, or at its first level where it never does."""

    passed: bool
    level: float
    found: int
    """Decisions; those that can hardly be told apart are one."""
    chance: float
    """Mean number with permuted rewards."""
    p: float
    """(1 + permutations that find at least as many) / (permutations + 1)."""


@dataclass(frozen=True, slots=True)
class Gate:
    """The stop rule's answer: "11 believed; chance would give 0.01"."""

    belief: Passage
    candidate: Passage
    permutations: int


NOTHING = Gate(Passage(False, 0.9, 0, 0.0, 1.0), Passage(False, 0.5, 0, 0.0, 1.0), 0)
"""The gate of a fit that found nothing that could pass."""


def gate(found: Counts, chance: Iterator[Counts]) -> Gate:
    """Compare findings at each of LEVELS with batches of permuted ones (levels × permutations), till it is clear."""
    drawn = np.empty((len(LEVELS), 0), dtype=np.intp)
    answer = NOTHING
    if not found.any():
        return answer
    for batch in chance:
        drawn = np.hstack([drawn, batch])
        answer = Gate(passage(BELIEF, found, drawn), passage(CANDIDATE, found, drawn), drawn.shape[1])
        if settled(BELIEF, answer.belief, found, drawn) and settled(CANDIDATE, answer.candidate, found, drawn):
            break
    return answer


def passage(bar: Bar, found: Counts, drawn: Counts) -> Passage:
    """Find the lowest level of a bar that holds."""
    tried = [measured(bar, level, found, drawn) for level in bar.levels]
    return next((each for each in tried if each.passed), tried[0])


def measured(bar: Bar, level: float, found: Counts, drawn: Counts) -> Passage:
    """Hold one level against the permutations."""
    row = LEVELS.index(level)
    number, chance = int(found[row]), float(drawn[row].mean())
    p = float(1 + (drawn[row] >= number).sum()) / (drawn.shape[1] + 1)
    return Passage(number > 0 and p <= bar.p and chance <= bar.share * number, level, number, chance, p)


def settled(bar: Bar, answer: Passage, found: Counts, drawn: Counts) -> bool:
    """Tell whether more permutations would hardly change an answer: it holds at its lowest level, or at none by far."""
    if answer.passed:
        return answer.level == bar.levels[0]
    return all(measured(bar, level, found, drawn).p > 3 * bar.p for level in bar.levels)


def permuted_counts(
    attempts: Attempts, columns: Columns, related: Units, random: np.random.Generator
) -> Iterator[Counts]:
    """Fit the real fit's columns to permuted rewards and count units, levels × permutations, batch after batch."""
    for _ in range(BATCHES):
        rewards = shuffled(attempts.rewards, attempts.strata, BATCH, random)
        sums = attempts.sums(columns, rewards)
        hopeful = np.flatnonzero(sums.hopeful())
        counts = np.zeros((len(LEVELS), BATCH), dtype=np.intp)
        if hopeful.size:
            inclusion = Chains(sums.of(hopeful), random).run(BURN, KEPT).inclusion
            counts[:, hopeful] = related.counted(*related.inclusion(inclusion), LEVELS)
        yield counts
