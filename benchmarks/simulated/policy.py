"""Serving from the first reward on: what a person's library gains, by how its lessons were learned and how good.

Lessons have a class by how they were learned: one that helps is borne out twice with probability .45, another with .10;
the rest were seen once. Serving is the retriever's own (`LiftCache`): first probabilities, shift, budget. It is
compared on the same tasks with serving everything and, by its gain, with serving nothing.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from explib.evidence.alarm import SURPRISES_READ, is_alarmed
from explib.evidence.ledger import HOLDOUT, CounterKey, Counters, experience_key
from explib.evidence.posterior import posterior
from explib.evidence.sums import NOTHING, ScoreSums, baseline, score
from explib.evidence.verdicts import status_change
from explib.models.experiences import LessonClass
from explib.retrieval.entry import Entry
from explib.retrieval.lifts import LiftCache
from simulated.figures import Figure, mean, median, standard_error

FIRST, EARLY, LATE = 20, 100, 1_000
CHECKS, BASE = 5, 0.306
"""A task has so many conventions that apply; each is right by itself with this probability."""
HELP = 0.524
"""By how much a lesson that helps raises that probability."""
HELPS_BORNE_OUT, USELESS_BORNE_OUT = 0.45, 0.10
TURN, LONGEST = 300, 3_000
Draw: TypeAlias = Callable[[random.Random], float]
REGIMES: dict[str, tuple[int, Draw]] = {
    "12 good lessons": (12, lambda _: 1.0),
    "20 lessons, 30 % don't help": (20, lambda dice: 1.0 if dice.random() < 0.7 else dice.choice((0.0, -0.5))),
    "20 lessons, a third each help, do nothing, harm": (20, lambda dice: dice.choice((1.0, 0.0, -0.5))),
    "20 lessons, 80 % harm": (20, lambda dice: 1.0 if dice.random() < 0.2 else -0.5),
}
"""How many lessons, and each one's effect as a share of HELP."""


@dataclass(slots=True)
class Served:
    """A library under test, as one process of the retriever holds it."""

    holdout: float = 0.0
    cache: LiftCache = field(default_factory=LiftCache)
    sums: dict[CounterKey, ScoreSums] = field(default_factory=dict)
    times: dict[CounterKey, int] = field(default_factory=dict)
    retired: set[str] = field(default_factory=set)
    total: float = 0.0
    count: int = 0
    surprises: list[float] = field(default_factory=list)

    def draw(self, dice: random.Random, entries: list[Entry]) -> list[tuple[Entry, float, bool]]:
        """Each of those that are not retired, with its probability and whether it is served."""
        live = [entry for entry in entries if entry.id not in self.retired]
        self.cache.note(live)
        chances = self.cache.probabilities(live)
        return [(entry, p, dice.random() < p) for entry, p in zip(live, chances, strict=True)]

    def reward(self, drawn: list[tuple[Entry, float, bool]], reward: float, *, held_out: bool = False) -> None:
        """Take in what came of it."""
        centre = baseline(0.0, 0, self.total, self.count)
        changed: dict[CounterKey, Counters] = {}
        if self.holdout:
            added = score(served=not held_out, probability=1 - self.holdout, outcome=reward, baseline=centre)
            self.sums[HOLDOUT] = self.sums.get(HOLDOUT, NOTHING) + added
            changed[HOLDOUT] = Counters(believed=self.sums[HOLDOUT])
        for entry, p, served in () if held_out else drawn:
            key = experience_key(entry.id, 1)
            added = score(served=served, probability=p, outcome=reward, baseline=centre)
            self.sums[key] = self.sums.get(key, NOTHING) + added
            self.times[key] = self.times.get(key, 0) + served
            changed[key] = Counters(believed=self.sums[key], served=self.times[key])
            decided = status_change(self.sums[key], "active")
            if decided is not None and decided.decision == "retire":
                self.retired.add(entry.id)
        self.total, self.count = self.total + reward, self.count + 1
        self.surprises.append(reward - centre)
        self.cache.alarmed = is_alarmed(self.surprises[-SURPRISES_READ:])
        self.cache.counted += not held_out
        self.cache.take(changed)


def regimes(worlds: int) -> list[Figure]:
    """The gain over serving nothing in the first 20, 100 and 1,000 tasks, of a person's library and of serving all."""
    figures: list[Figure] = []
    for name, (count, draw) in REGIMES.items():
        found = [_world(seed, count, draw, 0.0) for seed in range(worlds)]
        for tasks in (FIRST, EARLY, LATE):
            gains = [mean(gain[:tasks]) for gain, _ in found]
            everything = [mean(all_of[:tasks]) for _, all_of in found]
            note = f"± {standard_error(gains):.3f}; serving all {mean(everything):+.3f}; {worlds} worlds"
            floor = 0.93 * mean(everything) if count == 12 and tasks == FIRST else None
            figures.append(Figure(f"{name}: gain, first {tasks:,}", mean(gains), at_least=floor, note=note))
    count, draw = REGIMES["20 lessons, 80 % harm"]
    team = [mean(_world(seed, count, draw, 0.05)[0]) for seed in range(worlds)]
    note = f"± {standard_error(team):.3f}"
    return [*figures, Figure(f"20 lessons, 80 % harm, 5 % held out: gain, first {LATE:,}", mean(team), note=note)]


def _world(seed: int, count: int, draw: Draw, holdout: float) -> tuple[list[float], list[float]]:
    dice = random.Random(seed)
    effects = {f"e{number}": draw(dice) for number in range(1, count + 1)}
    entries = [_entry(name, dice, effect) for name, effect in effects.items()]
    library, gains, everything = Served(holdout), [], []
    for _ in range(LATE):
        relevant = dice.sample(entries, CHECKS)
        drawn, held_out = library.draw(dice, relevant), dice.random() < holdout
        served = set[str]() if held_out else {entry.id for entry, _, there in drawn if there}
        chances = [_right(effects[entry.id] if entry.id in served else 0.0) for entry in relevant]
        library.reward(drawn, sum(dice.random() < chance for chance in chances) / CHECKS, held_out=held_out)
        gains.append(mean(chances) - BASE)
        everything.append(mean([_right(effects[entry.id]) for entry in relevant]) - BASE)
    return gains, everything


def _entry(name: str, dice: random.Random, effect: float) -> Entry:
    borne_out = dice.random() < (HELPS_BORNE_OUT if effect > 0 else USELESS_BORNE_OUT)
    learned: LessonClass = "A" if borne_out else "B"
    return Entry(name, name, "active", 1, 1, int(name[1:]), learned, met_again=True)


def _right(effect: float) -> float:
    return min(max(BASE + HELP * effect, 0.02), 0.98)


def turning(runs: int) -> list[Figure]:
    """A lesson of class A that helps by .10 and harms by .10 after 300 rewards: until its rewards say that it harms."""
    with_alarm = [_believed_harmful_after(seed, alarm=True) for seed in range(runs)]
    without = [_believed_harmful_after(seed, alarm=False) for seed in range(runs)]
    note = f"median of {runs} runs; {LONGEST:,} where it never was"
    return [
        Figure("lesson that turns harmful: rewards until P(helps) < ½", median(with_alarm), note=note),
        Figure("the same without the alarm", median(without), note=f"{note}; comparison"),
    ]


def _believed_harmful_after(seed: int, *, alarm: bool) -> float:
    dice, library = random.Random(seed), Served()
    entry = Entry("e1", "e1", "active", 1, 1, 1, "A")
    for at in range(TURN + LONGEST):
        drawn = library.draw(dice, [entry])
        lift = 0.1 if at < TURN else -0.1
        library.reward(drawn, float(dice.random() < 0.5 + lift * drawn[0][2]) if drawn else 0.5)
        library.cache.alarmed &= alarm
        if at >= TURN and posterior(library.sums[experience_key("e1", 1)]).helps < 0.5:
            return at - TURN + 1
    return LONGEST
