"""Whole libraries over 10,000 tasks: one that is settled, and one into which new experiences come all the time.

A third of the experiences help, a third make no difference, 30 % harm. The lifts are those of the world's lessons; the
library under test shortlists what is relevant, draws each by its probability, and promotes, retires and restores by
`verdict`. It is compared on the same tasks with serving nothing and with serving everything that is relevant.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from explib.evidence.policy import serving_probability
from explib.evidence.posterior import posterior
from explib.evidence.sums import score
from explib.evidence.verdicts import Decision, Status, status_change
from simulated.figures import Figure, mean, standard_error
from simulated.world import Lesson, Rewards, World, solved

TASKS, EARLY = 10_000, 2_000
SETTLED, RELEVANT = 50, 8
ARRIVING = 100
"""One new experience for every 100 tasks."""
HELP, HARM = 0.06, 0.10
HARMFUL, WORTHLESS = 0.30, 0.30
"""Shares; the others help."""
STATUS: dict[Decision, Status] = {"promote": "active", "retire": "retired", "restore": "active"}


@dataclass(slots=True)
class Gains:
    """For each task, by how much it was more probable to be solved than without experiences."""

    evidence: list[float] = field(default_factory=list)
    everything: list[float] = field(default_factory=list)


def settled(runs: int) -> list[Figure]:
    """50 experiences from the start, 8 relevant to each task."""
    early, late, everything = [], [], []
    helpful: list[float] = []
    harmful: list[float] = []
    for seed in range(runs):
        world = World(seed)
        lessons = [_lesson(world) for _ in range(SETTLED)]
        gains, rewards = Gains(), Rewards()
        for at in range(TASKS):
            _task(world, world.chance.sample(lessons, RELEVANT), rewards, at, gains)
        early.append(mean(gains.evidence[:EARLY]))
        late.append(mean(gains.evidence))
        everything.append(mean(gains.everything))
        helpful += [float(each.retired) for each in lessons if each.lift > 0]
        harmful += [float(each.retired) for each in lessons if each.lift < 0]
    note = f"{runs} runs × {TASKS:,} tasks"
    return [
        Figure("settled library: helpful retired", mean(helpful), at_most=0.05, note=note),
        Figure("settled library: harmful retired", mean(harmful), at_least=0.50, note=note),
        _gain("settled library: gain over serving none, first 2,000 tasks", early, 0.04),
        _gain("settled library: gain over serving none, 10,000 tasks", late),
        _gain("settled library: serving all over serving none", everything),
    ]


def arriving(runs: int) -> list[Figure]:
    """An empty library that gets one new experience every 100 tasks."""
    over_none, over_all, everything = [], [], []
    for seed in range(runs):
        world = World(seed)
        lessons: list[Lesson] = []
        gains, rewards = Gains(), Rewards()
        for at in range(TASKS):
            if at % ARRIVING == 0:
                lessons.append(_lesson(world))
            relevant = world.chance.sample(lessons, min(RELEVANT, len(lessons)))
            _task(world, relevant, rewards, at, gains)
        over_none.append(mean(gains.evidence))
        everything.append(mean(gains.everything))
        over_all.append(mean(gains.evidence) - mean(gains.everything))
    return [
        _gain("arriving experiences: gain over serving none, 10,000 tasks", over_none, 0.045),
        _gain("arriving experiences: gain over serving all, 10,000 tasks", over_all, 0.08),
        _gain("arriving experiences: serving all over serving none", everything),
    ]


def _gain(name: str, gains: list[float], at_least: float | None = None) -> Figure:
    note = f"± {standard_error(gains):.3f}, {len(gains)} runs"
    return Figure(name, mean(gains), at_least=at_least, note=note if at_least is not None else f"{note}; comparison")


def _lesson(world: World) -> Lesson:
    draw = world.chance.random()
    return Lesson(-HARM if draw < HARMFUL else 0.0 if draw < HARMFUL + WORTHLESS else HELP)


def _task(world: World, relevant: list[Lesson], rewards: Rewards, at: int, gains: Gains) -> None:
    """One task: draw, solve, learn from the reward, decide."""
    kind = world.kind()
    base, centre = world.base(kind, at), rewards.baseline(kind)
    shortlist = [(each, serving_probability(posterior(each.sums))) for each in relevant if not each.retired]
    drawn = [(each, probability, world.chance.random() < probability) for each, probability in shortlist]
    chance = solved(base, sum(each.lift for each, _, served in drawn if served))
    reward = world.reward(chance)
    for each, probability, served in drawn:
        each.sums += score(served=served, probability=probability, outcome=reward, baseline=centre)
        decided = status_change(each.sums, each.status)
        if decided is not None:
            each.status = STATUS[decided.decision]
    rewards.add(kind, reward)
    none = solved(base, 0.0)
    gains.evidence.append(chance - none)
    gains.everything.append(solved(base, sum(each.lift for each in relevant)) - none)
