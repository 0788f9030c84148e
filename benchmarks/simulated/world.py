"""The simulated world.

Tasks are of 100 kinds that come in random order. Without experiences a task of a kind is solved with a probability of
its own, uniform from .2 to .8, to which a slow wave of ±.1 is added that all kinds share: the base rate drifts. Each
served experience that is relevant adds its lift, the sum is cut to .02 to .98, and the reward is 1 with that
probability, else 0. Every reward is reported, at once.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field

from explib.evidence.sums import NOTHING, ScoreSums, baseline
from explib.evidence.verdicts import Status

KINDS = 100
LOWEST, HIGHEST = 0.2, 0.8
DRIFT = 0.1
PERIOD = 3_000
"""Tasks in one wave of the drift."""
LEAST, MOST = 0.02, 0.98


@dataclass(slots=True)
class Lesson:
    """A simulated experience: its true lift, and what the library under test knows of it."""

    lift: float
    sums: ScoreSums = NOTHING
    status: Status = "candidate"

    @property
    def retired(self) -> bool:
        """Whether it is no longer served."""
        return self.status == "retired"


@dataclass(slots=True)
class Rewards:
    """Rewards so far, by kind of task and in all: where baselines come from."""

    totals: dict[int, float] = field(default_factory=dict)
    counts: dict[int, int] = field(default_factory=dict)
    total: float = 0.0
    count: int = 0

    def baseline(self, kind: int) -> float:
        """The baseline of a task of this kind, as the library fixes it before it draws."""
        return baseline(self.totals.get(kind, 0.0), self.counts.get(kind, 0), self.total, self.count)

    def add(self, kind: int, reward: float) -> None:
        """Take a reward in."""
        self.totals[kind] = self.totals.get(kind, 0.0) + reward
        self.counts[kind] = self.counts.get(kind, 0) + 1
        self.total += reward
        self.count += 1


class World:
    """Where tasks and rewards come from; the same seed gives the same tasks."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self._bases = [self.chance.uniform(LOWEST, HIGHEST) for _ in range(KINDS)]
        self._phase = self.chance.uniform(0, 2 * math.pi)

    def kind(self) -> int:
        """The next task."""
        return self.chance.randrange(KINDS)

    def base(self, kind: int, at: int) -> float:
        """The probability of solving the `at`-th task without experiences."""
        return self._bases[kind] + DRIFT * math.sin(self._phase + 2 * math.pi * at / PERIOD)

    def reward(self, probability: float) -> float:
        """1 with this probability, else 0."""
        return float(self.chance.random() < probability)


def solved(base: float, lift: float) -> float:
    """The probability of solving a task, cut to what is possible."""
    return min(max(base + lift, LEAST), MOST)
