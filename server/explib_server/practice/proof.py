"""Proof by pairs: the same tasks under two sides' lessons, as many as were planned, and what that shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import comb, sqrt
from statistics import fmean, stdev
from typing import TypeAlias

from explib.evidence.interval import Interval, interval
from explib.evidence.sums import ScoreSums
from explib.models.libraries import LibrarySettings
from explib_server.application import Application
from explib_server.practice.journal import Journal
from explib_server.practice.loop import Rollouts
from explib_server.practice.plan import Plan
from explib_server.practice.protocol import Rollout
from explib_server.practice.sides import Sides, sides_of

Chance: TypeAlias = Callable[[int, int], float]
HARM = "harm shown"
NORMAL = 1.959964
"""The 97.5 % quantile of the normal distribution."""
FEWEST_TASKS = 6
"""Tasks below which only the interval is used that holds at any time."""
FULL = 1 - 1e-9
"""Share of the range from which on a rollout has succeeded."""


@dataclass(frozen=True, slots=True)
class Arm:
    """One side of a proof: its rewards by task, as shares of the range."""

    rewards: dict[str, list[float]]

    @property
    def mean(self) -> float:
        """Mean@k: over tasks of the mean over their rollouts; 0 without any."""
        return fmean(fmean(found) for found in self.rewards.values()) if self.rewards else 0.0

    def pass_at(self, k: int) -> float:
        """The chance that one of k rollouts succeeds, without bias (Chen et al. 2021, arXiv 2107.03374)."""
        return self._over_tasks(lambda n, good: 1 - comb(n - good, k) / comb(n, k), k)

    def pass_all(self, k: int) -> float:
        """pass^k: the chance that all of k rollouts succeed (Yao et al. 2024, arXiv 2406.12045)."""
        return self._over_tasks(lambda n, good: comb(good, k) / comb(n, k), k)

    def _over_tasks(self, chance: Chance, k: int) -> float:
        found = [
            chance(len(rewards), sum(reward >= FULL for reward in rewards))
            for rewards in self.rewards.values()
            if len(rewards) >= k
        ]
        return fmean(found) if found else 0.0


@dataclass(frozen=True, slots=True)
class Proof:
    """What the pairs show, in rewards."""

    sides: Sides
    planned: int
    pairs: int
    arms: tuple[Arm, Arm]
    gain: Interval
    """95 %: for the plan where it is complete, else one that holds at any time of looking."""

    @property
    def complete(self) -> bool:
        """Every planned pair is there."""
        return self.pairs == self.planned

    @property
    def tasks(self) -> int:
        """Tasks with a pair."""
        return len(self.arms[0].rewards)

    @property
    def verdict(self) -> str:
        """One plain sentence."""
        if self.gain.low > 0:
            return "gain shown"
        return HARM if self.gain.high < 0 else "no gain shown"


async def prove(application: Application, rollouts: Rollouts, name: str) -> None:
    """Make every pair that is not made yet. What is told is fixed when the proof begins, and nothing is learned."""
    plan, journal = rollouts.plan, rollouts.journal
    sides = Sides.read(journal.proof)
    if sides is None:
        sides = await sides_of(application, plan, await application.store.libraries.get(name))
        journal.begin_proof(sides.line())
    tasks = [task for task in plan.held_out if task.id in sides.lessons]
    for start in range(0, len(tasks), plan.options.batch):
        wanted = [
            (Rollout(key, task, sides.lessons[task.id][side]), sides.revision)
            for task in tasks[start : start + plan.options.batch]
            for keys in plan.proof_keys(task.id)
            for side, key in enumerate(keys)
            if key not in journal.finished
        ]
        await rollouts.make(wanted)


def proof_of(plan: Plan, journal: Journal, settings: LibrarySettings) -> Proof | None:
    """What the finished pairs show; None before the first. A pair whose one side has no reward is left out.

    Where nothing differs between the sides there is nothing to attempt, and no gain.
    """
    sides = Sides.read(journal.proof)
    if sides is None:
        return None
    found = {task: [journal.rewards(keys, settings) for keys in plan.proof_keys(task)] for task in sides.lessons}
    graded = {task: [pair for pair in made if pair is not None] for task, made in found.items()}
    pairs = {task: made for task, made in graded.items() if made}
    if sides.lessons and not pairs:
        return None
    one, other = (Arm({task: [pair[side] for pair in made] for task, made in pairs.items()}) for side in (0, 1))
    differences = [[first - second for first, second in made] for made in pairs.values()]
    number, planned = sum(map(len, differences)), len(sides.lessons) * plan.options.rollouts
    gain = _gain(differences, complete=number == planned).times(settings.reward_width)
    return Proof(sides, planned, number, (one, other), gain)


def _gain(differences: Sequence[Sequence[float]], *, complete: bool) -> Interval:
    """The mean difference; rollouts of one task are no independent pairs, so the tasks are what varies."""
    means = [fmean(found) for found in differences]
    spread = stdev(means) if len(means) > 1 else 0.0
    if complete and len(means) >= FEWEST_TASKS and spread > 1 - FULL:
        mean, half = fmean(means), t_quantile(len(means) - 1) * spread / sqrt(len(means))
        return Interval(mean, max(mean - half, -1.0), min(mean + half, 1.0))
    # One score a task: half was served and half was not, so a difference d gives X = d/2 with weight 1/2.
    halves = [mean / 2 for mean in means]
    return interval(ScoreSums(sum(halves), len(means) / 2, sum(half**2 for half in halves), len(means)))


def t_quantile(freedom: int) -> float:
    """Student's 97.5 % quantile for five degrees of freedom or more (Cornish-Fisher; wrong by less than .01)."""
    z, n = NORMAL, freedom
    return (
        z
        + (z**3 + z) / (4 * n)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * n**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * n**3)
    )
