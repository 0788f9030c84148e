"""Sets of attempts to learn from and to be judged on: lone, grouped, mixed, with all kinds of rewards or none."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Literal, TypeAlias

from explib.models.trajectories import Attempt
from learning.agents import Agent, cast
from learning.choices import Choice
from learning.play import Conditions, Played, Task
from learning.reading import followed
from learning.world import World

Grading: TypeAlias = Literal["graded", "pass/fail"]

USUAL = Conditions()
SESSIONS = Conditions(flaky=0.04, talk=0.5)
"""Daily work: persons correct half of what they can see."""


@dataclass(frozen=True, slots=True)
class DataSet:
    """Attempts of one world. Groups are attempts with the same task."""

    world: World
    played: tuple[Played, ...]

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """The attempts as a learner sees them."""
        return tuple(each.attempt for each in self.played)

    def varying(self, least: int = 2) -> frozenset[str]:
        """Conventions that at least so many attempts kept and broke, where attempts can be compared.

        Attempts are comparable inside a group, and all attempts that are alone in theirs with each other.
        """
        strata = self._strata()
        return frozenset(each.id for each in self.world.conventions if _varies(each, strata, least))

    @property
    def choices(self) -> dict[str, dict[str, str]]:
        """Choice → attempt id → option: the codes that a learner without a fault would have."""
        taken: defaultdict[str, dict[str, str]] = defaultdict(dict)
        for each in self.played:
            for choice_id, option in each.choices.items():
                taken[choice_id][each.attempt.trajectory.id] = option
        return dict(taken)

    @property
    def cured(self) -> frozenset[str]:
        """Conventions that at least two attempts broke by a command that failed and kept by the changed one."""
        count = Counter(choice_id for each in self.played for choice_id in each.cured)
        return frozenset(choice_id for choice_id, times in count.items() if times >= 2)

    @property
    def told(self) -> frozenset[str]:
        """Conventions that a person named."""
        return frozenset(choice_id for each in self.played for choice_id in each.told)

    def _strata(self) -> list[list[Played]]:
        groups: defaultdict[str, list[Played]] = defaultdict(list)
        for each in self.played:
            groups[each.attempt.trajectory.group_id].append(each)
        grouped = [group for group in groups.values() if len(group) > 1]
        return [*grouped, [group[0] for group in groups.values() if len(group) == 1]]


def lone(world: World, count: int, seed: int, lessons: Sequence[str] = (), under: Conditions = USUAL) -> DataSet:
    """One attempt at each of `count` tasks."""
    return DataSet(world, tuple(_play(world, world.tasks(seed, count), 1, seed, lessons, under)))


def groups(world: World, count: int, size: int, seed: int, under: Conditions = USUAL) -> DataSet:
    """`size` attempts at each of `count` tasks."""
    return DataSet(world, tuple(_play(world, world.tasks(seed, count), size, seed, (), under)))


def mixed(world: World, count: int, seed: int, under: Conditions = USUAL) -> DataSet:
    """About a third of the attempts in groups of five, the others alone."""
    grouped = count // 15
    tasks = world.tasks(seed, grouped + count - 5 * grouped)
    together = _play(world, tasks[:grouped], 5, seed, (), under)
    return DataSet(world, (*together, *_play(world, tasks[grouped:], 1, seed, (), under)))


def fresh(world: World, count: int, seed: int) -> DataSet:
    """Lone attempts to judge decisions on: every option is equally likely and nothing goes together."""
    dice = Random(f"fresh/{seed}")
    agent = Agent("fresh", {each.id: (1.0,) * len(each.options) for each in (*world.conventions, *world.decoys)})
    tasks = world.tasks(-1 - seed, count)
    return DataSet(world, tuple(_attempt(world, agent, task, "fresh", dice, {}, USUAL) for task in tasks))


def sessions(world: World, count: int, seed: int, *, by_lot: bool = False) -> DataSet:
    """Lone attempts of daily work that nobody grades; `by_lot`: with outcomes that hang on nothing."""
    played = lone(world, count, seed, under=replace(SESSIONS, by_lot=by_lot)).played
    return DataSet(world, tuple(_with_reward(each, None) for each in played))


def graded(data: DataSet, grading: Grading) -> DataSet:
    """The same attempts with rewards of this kind."""
    if grading == "graded":
        return data
    return DataSet(data.world, tuple(_with_reward(each, float(each.passed)) for each in data.played))


def shuffled(data: DataSet, seed: int) -> DataSet:
    """The same attempts with the rewards of others: a control in which there is nothing to learn."""
    rewards = [each.attempt.trajectory.reward for each in data.played]
    Random(f"shuffled/{seed}").shuffle(rewards)
    pairs = zip(data.played, rewards, strict=True)
    return DataSet(data.world, tuple(_with_reward(each, reward) for each, reward in pairs))


MODES: dict[str, Callable[[World, int], DataSet]] = {
    "lone 60": lambda world, seed: lone(world, 60, seed),
    "lone 240": lambda world, seed: lone(world, 240, seed),
    "pass/fail 300": lambda world, seed: graded(lone(world, 300, seed), "pass/fail"),
    "groups 10 × 5": lambda world, seed: groups(world, 10, 5, seed),
    "mixed 140": lambda world, seed: mixed(world, 140, seed),
}
"""The sizes and kinds of rewards that are reported."""


def _play(
    world: World, tasks: Sequence[Task], size: int, seed: int, lessons: Sequence[str], under: Conditions
) -> list[Played]:
    agents, dice = cast(world, seed), Random(f"attempts/{world.name}/{seed}")
    advice = followed((*world.conventions, *world.decoys), lessons)
    return [
        _attempt(world, dice.choice(agents), task, f"{seed}-{number}", dice, advice, under)
        for task in tasks
        for number in range(size)
    ]


def _attempt(
    world: World, agent: Agent, task: Task, seed: str, dice: Random, advice: Mapping[str, str], under: Conditions
) -> Played:
    played = world.attempt(task, agent.choose(world, dice, advice), seed, under)
    trajectory = replace(played.attempt.trajectory, agent=agent.name)
    return replace(played, attempt=replace(played.attempt, trajectory=trajectory))


def _with_reward(played: Played, reward: float | None) -> Played:
    trajectory = replace(played.attempt.trajectory, reward=reward)
    return replace(played, attempt=replace(played.attempt, trajectory=trajectory))


def _varies(choice: Choice, strata: Sequence[Sequence[Played]], least: int) -> bool:
    kept = broken = 0
    for stratum in strata:
        count = Counter(each.choices[choice.id] == choice.right for each in stratum if choice.id in each.choices)
        if count[True] and count[False]:
            kept, broken = kept + count[True], broken + count[False]
    return min(kept, broken) >= least
