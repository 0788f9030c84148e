"""Proof by pairs: the same tasks with and without the library, as many as were planned, and what that shows."""

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
from explib_server.practice.lessons import all_lessons
from explib_server.practice.loop import Rollouts
from explib_server.practice.plan import Plan
from explib_server.practice.protocol import Rollout
from explib_server.practice.tasks import PracticeTask

Chance: TypeAlias = Callable[[int, int], float]
ARMS = ("with", "without")
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

    planned: int
    pairs: int
    tasks: int
    with_library: Arm
    without: Arm
    gain: Interval
    """95 %: for the plan where it is complete, else one that holds at any time of looking."""
    complete: bool
    revision: int

    @property
    def verdict(self) -> str:
        """One plain sentence."""
        if self.gain.low > 0:
            return "gain shown"
        return "harm shown" if self.gain.high < 0 else "no gain shown"


async def prove(application: Application, rollouts: Rollouts, name: str) -> None:
    """Make every pair that is not made yet. What is served is fixed when the proof begins, and nothing is learned."""
    plan, journal = rollouts.plan, rollouts.journal
    if not journal.proof:
        library = await application.store.libraries.get(name)
        lessons = {task.id: await all_lessons(application, library, task) for task in plan.held_out}
        journal.begin_proof({"revision": library.revision, "lessons": lessons})
    served, revision = journal.proof["lessons"], journal.proof["revision"]
    lessons = {str(task): str(text) for task, text in served.items()} if isinstance(served, dict) else {}
    seen = revision if isinstance(revision, int) else 0
    for start in range(0, len(plan.held_out), plan.options.batch):
        wanted = [
            (Rollout(key, task, lessons.get(task.id, "") if arm == "with" else ""), seen if arm == "with" else 0)
            for task in plan.held_out[start : start + plan.options.batch]
            for number in range(1, plan.options.rollouts + 1)
            for arm in ARMS
            if (key := plan.proof_key(task, arm, number)) not in journal.finished
        ]
        await rollouts.make(wanted)


def proof_of(plan: Plan, journal: Journal, settings: LibrarySettings) -> Proof | None:
    """What the finished pairs show; None before the first. A pair whose one side has no reward is left out."""
    pairs = {task.id: _pairs(plan, journal, settings, task) for task in plan.held_out}
    pairs = {task: found for task, found in pairs.items() if found}
    if not pairs:
        return None
    arms = [Arm({task: [pair[side] for pair in found] for task, found in pairs.items()}) for side in (0, 1)]
    differences = [[one - other for one, other in found] for found in pairs.values()]
    number = sum(map(len, differences))
    planned = len(plan.held_out) * plan.options.rollouts
    gain = _gain(differences, complete=number == planned)
    revision = journal.proof.get("revision")
    return Proof(
        planned,
        number,
        len(pairs),
        arms[0],
        arms[1],
        gain.times(settings.reward_width),
        number == planned,
        revision if isinstance(revision, int) else 0,
    )


def _pairs(plan: Plan, journal: Journal, settings: LibrarySettings, task: PracticeTask) -> list[tuple[float, float]]:
    found: list[tuple[float, float]] = []
    for number in range(1, plan.options.rollouts + 1):
        made = [journal.finished.get(plan.proof_key(task, arm, number)) for arm in ARMS]
        rewards = [settings.share(each.reward) for each in made if each is not None and each.reward is not None]
        if len(rewards) == len(ARMS):
            found.append((rewards[0], rewards[1]))
    return found


def _gain(differences: Sequence[Sequence[float]], *, complete: bool) -> Interval:
    """The mean difference; rollouts of one task are no independent pairs, so the tasks are what varies."""
    means = [fmean(found) for found in differences]
    spread = stdev(means) if len(means) > 1 else 0.0
    if complete and len(means) >= FEWEST_TASKS and spread > 0:
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
