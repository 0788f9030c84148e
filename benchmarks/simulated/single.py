"""One experience or one revision at a time: validity of the interval, accuracy, trials of revisions."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import reduce
from operator import add
from random import Random
from typing import TypeAlias

from explib.evidence.interval import interval
from explib.evidence.policy import serving_probability
from explib.evidence.posterior import posterior
from explib.evidence.sums import NOTHING, score
from explib.evidence.verdicts import trial_outcome
from explib.retrieval.lifts import TRIAL_FLOOR
from simulated.figures import Figure, mean, median
from simulated.world import Lesson, Rewards, World, solved

Draw: TypeAlias = Callable[[Random], float]

LOOKS = 2_000
LESSONS, RELEVANT = 50, 8
EARLY, LATE = 1_000, 5_000
COST = 0.10
TRIAL = 1_500


def nothing_helps(runs: int) -> list[Figure]:
    """A worthless experience, served with a probability that follows the evidence; its interval is read every time."""
    excluded = sum(_ever_excludes(World(seed)) for seed in range(runs))
    note = f"{runs:,} runs × {LOOKS:,} looks"
    return [Figure("nothing helps: intervals that ever exclude 0", excluded / runs, at_most=0.05, note=note)]


def _ever_excludes(world: World) -> bool:
    sums, rewards = NOTHING, Rewards()
    for at in range(LOOKS):
        kind = world.kind()
        probability, centre = serving_probability(posterior(sums)), rewards.baseline(kind)
        served = world.chance.random() < probability
        reward = world.reward(solved(world.base(kind, at), 0.0))
        sums += score(served=served, probability=probability, outcome=reward, baseline=centre)
        rewards.add(kind, reward)
        if interval(sums).excludes_zero:
            return True
    return False


def accuracy(runs: int) -> list[Figure]:
    """50 experiences, 8 of them relevant to a task, each served by a fair coin: how well the lifts are known."""
    worlds: dict[str, Draw] = {
        "lifts ±.04 to ±.10": lambda chance: chance.choice((-1, 1)) * chance.uniform(0.04, 0.10),
        "lifts ±.03, ±.06, ±.09": lambda chance: chance.choice((-1, 1)) * chance.choice((0.03, 0.06, 0.09)),
        "lifts from N(0, .06)": lambda chance: chance.gauss(0, 0.06),
    }
    figures: list[Figure] = []
    for number, (lifts, draw) in enumerate(worlds.items()):
        early, late, error = _accuracy(runs, draw)
        bounds = (0.78, 0.92, 0.040) if not number else (None, None, None)
        note = f"{lifts}; {runs} runs"
        figures += [
            Figure(f"50 experiences, p ½: sign right at {EARLY:,} rewards", early, at_least=bounds[0], note=note),
            Figure(f"50 experiences, p ½: sign right at {LATE:,} rewards", late, at_least=bounds[1], note=note),
            Figure(f"50 experiences, p ½: RMSE at {LATE:,} rewards", error, at_most=bounds[2], note=note),
        ]
    return figures


def _accuracy(runs: int, draw: Draw) -> tuple[float, float, float]:
    """The share of right signs early and late, and the root of the mean squared error of the belief late."""
    rights: dict[int, list[float]] = {EARLY: [], LATE: []}
    errors: list[float] = []
    for seed in range(runs):
        world, rewards = World(seed), Rewards()
        lessons = [Lesson(draw(world.chance)) for _ in range(LESSONS)]
        for at in range(LATE):
            _serve_by_coin(world, lessons, rewards, at)
            if at + 1 in rights:
                rights[at + 1] += [float((each.sums.s > 0) == (each.lift > 0)) for each in lessons]
        errors += [(posterior(each.sums).mean - each.lift) ** 2 for each in lessons]
    return mean(rights[EARLY]), mean(rights[LATE]), math.sqrt(mean(errors))


def _serve_by_coin(world: World, lessons: list[Lesson], rewards: Rewards, at: int) -> None:
    kind = world.kind()
    centre = rewards.baseline(kind)
    drawn = [(each, world.chance.random() < 0.5) for each in world.chance.sample(lessons, RELEVANT)]
    lift = sum(each.lift for each, served in drawn if served)
    reward = world.reward(solved(world.base(kind, at), lift))
    for each, served in drawn:
        each.sums += score(served=served, probability=0.5, outcome=reward, baseline=centre)
    rewards.add(kind, reward)


def trials(runs: int) -> list[Figure]:
    """A revision that costs .10, tried half and half against the one before it; and one that changes nothing.

    For comparison, revisions that only add: tried by the draws of what they add, which share the cost.
    """
    ended = [_rolled_back_after(World(seed), -COST) for seed in range(runs)]
    within = [after for after in ended if after is not None]
    harmless = [_rolled_back_after(World(seed), 0.0) for seed in range(runs)]
    note = f"{runs} runs"
    return [
        Figure("revision that costs .10: rolled back by 1,500 rewards", len(within) / runs, at_least=0.95, note=note),
        Figure("revision that costs .10: median rewards until then", median(within), at_most=350, note=note),
        Figure(
            "revision that changes nothing: rolled back",
            mean([float(after is not None) for after in harmless]),
            note="for comparison",
        ),
        *(_adding(runs, lessons) for lessons in (1, 2, 3)),
    ]


def _adding(runs: int, lessons: int) -> Figure:
    ended = [_removed_after(World(seed), [-COST / lessons] * lessons) for seed in range(runs)]
    within = [after for after in ended if after is not None]
    name = f"revision that adds {lessons} at a cost of .10: rolled back by 1,500 rewards"
    return Figure(name, len(within) / runs, note=f"after a median of {median(within):.0f}; for comparison")


def _removed_after(world: World, lifts: list[float]) -> int | None:
    """As `_rolled_back_after`, by the experiences' own draws, all of them relevant to every task."""
    own, rewards = [NOTHING] * len(lifts), Rewards()
    for at in range(TRIAL):
        kind = world.kind()
        centre = rewards.baseline(kind)
        chances = [serving_probability(posterior(each), TRIAL_FLOOR) for each in own]
        served = [world.chance.random() < chance for chance in chances]
        lift = sum(each for each, there in zip(lifts, served, strict=True) if there)
        reward = world.reward(solved(world.base(kind, at), lift))
        for number, (there, chance) in enumerate(zip(served, chances, strict=True)):
            own[number] += score(served=there, probability=chance, outcome=reward, baseline=centre)
        rewards.add(kind, reward)
        decision = trial_outcome(replace(reduce(add, own, NOTHING), n=at + 1))
        if decision is not None:
            return at + 1 if decision[0] == "roll back" else None
    return None


def _rolled_back_after(world: World, lift: float) -> int | None:
    """How many rewards it took; None where it was accepted or not decided."""
    sums, rewards = NOTHING, Rewards()
    for at in range(TRIAL):
        kind = world.kind()
        centre, served = rewards.baseline(kind), world.chance.random() < 0.5
        reward = world.reward(solved(world.base(kind, at), lift * served))
        sums += score(served=served, probability=0.5, outcome=reward, baseline=centre)
        rewards.add(kind, reward)
        decision = trial_outcome(sums)
        if decision is not None:
            return at + 1 if decision[0] == "roll back" else None
    return None
