"""A world: tools, hidden conventions, tasks, and attempts at them that are graded.

A world is a module with tools, choices and scripts. A script draws the task's facts first (`Play.facts`), in the same
order whatever the agent chooses, makes the request, and asks `Play.right` or `Play.takes` where agents differ. The
reward is the weighted share of the conventions met that were kept, with noise. What holds for every world (each wrong
option costs and shows in the steps, decoys cost nothing) is in tests/benchmarks/test_learning_worlds.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from random import Random
from typing import Protocol, TypeAlias

from explib.models.json_value import Json
from explib.models.trajectories import Attempt, Trajectory
from learning.choices import Choice
from learning.play import Conditions, Play, Played, Task

Script: TypeAlias = Callable[[Play], None]
"""Plays an attempt at one kind of task; its first step is the person's request."""

PASS_MARK = 0.5
"""Reward from which an attempt passes where rewards are pass or fail."""


class World(Protocol):
    """A place where agents work: its tools and tasks, and the conventions that only the measurement knows."""

    @property
    def name(self) -> str:
        """One word or two."""

    @property
    def tools(self) -> Mapping[str, Json]:
        """Tool name → description and JSON schema of its arguments, as an agent is shown them."""

    @property
    def conventions(self) -> tuple[Choice, ...]:
        """The hidden conventions."""

    @property
    def decoys(self) -> tuple[Choice, ...]:
        """Ways in which agents differ that no reward depends on."""

    @property
    def ties(self) -> tuple[tuple[str, str, float], ...]:
        """Two choices and how often the second follows the first: option n there, option n here."""

    def tasks(self, seed: int, count: int) -> list[Task]:
        """Tasks that differ, going round the kinds of tasks."""

    def attempt(self, task: Task, choices: Mapping[str, str], seed: str, conditions: Conditions) -> Played:
        """Play a task with these options (a convention that is not named is kept), and grade it."""


def tool(description: str, **arguments: str) -> Json:
    """A tool's description and schema from `name="string"`; a type that ends in `?` is optional."""
    types = {name: kind.rstrip("?") for name, kind in arguments.items()}
    properties: dict[str, Json] = {
        name: {"type": "array", "items": {"type": kind[:-2]}} if kind.endswith("[]") else {"type": kind}
        for name, kind in types.items()
    }
    required: list[Json] = [name for name, kind in arguments.items() if not kind.endswith("?")]
    parameters: dict[str, Json] = {"type": "object", "properties": properties, "required": required}
    return {"description": description, "parameters": parameters}


@dataclass(frozen=True)
class ScriptedWorld:
    """A world whose tasks are scripts: one for each kind of task."""

    name: str
    tools: Mapping[str, Json]
    choices: tuple[Choice, ...]
    scripts: Mapping[str, Script]
    ties: tuple[tuple[str, str, float], ...] = ()
    as_lines: bool = False
    """True where its tools answer in lines of text instead of JSON."""

    @property
    def conventions(self) -> tuple[Choice, ...]:
        """The choices that have a right option."""
        return tuple(choice for choice in self.choices if choice.right is not None)

    @property
    def decoys(self) -> tuple[Choice, ...]:
        """The choices that have none."""
        return tuple(choice for choice in self.choices if choice.right is None)

    @cached_property
    def _by_id(self) -> dict[str, Choice]:
        return {choice.id: choice for choice in self.choices}

    def tasks(self, seed: int, count: int) -> list[Task]:
        """Tasks that differ, going round the kinds of tasks in an order drawn anew each round."""
        dice = Random(f"{self.name}/{seed}")
        order: list[str] = []
        while len(order) < count:
            order += dice.sample(tuple(self.scripts), len(self.scripts))
        return [self._task(f"{self.name}/{family}/{seed}/{at}", family) for at, family in enumerate(order[:count])]

    def _task(self, key: str, family: str) -> Task:
        play = Play(self._by_id, {}, key, "", Conditions(), as_lines=self.as_lines)
        self.scripts[family](play)
        met = frozenset(play.met) & {choice.id for choice in self.conventions}
        return Task(key, family, play.steps[0].text, met)

    def attempt(self, task: Task, choices: Mapping[str, str], seed: str, conditions: Conditions) -> Played:
        """Play a task with these options (a convention that is not named is kept), and grade it."""
        play = Play(self._by_id, choices, task.key, seed, conditions, as_lines=self.as_lines)
        self.scripts[task.family](play)
        share = self._share(play.met)
        reward = _noisy(share, play.dice, conditions)
        answer = play.steps[-1].text
        trajectory = Trajectory(f"{task.key}/{seed}", task.key, task.text, reward, answer)
        cured, told = frozenset(play.cured), frozenset(play.told)
        attempt = Attempt(trajectory, tuple(play.steps))
        return Played(attempt, play.met, share, reward, reward >= PASS_MARK, cured, told)

    def _share(self, met: Mapping[str, str]) -> float:
        weighed = [(self._by_id[choice_id], option) for choice_id, option in met.items()]
        total = sum(choice.weight for choice, _ in weighed if choice.right is not None)
        kept = sum(choice.weight for choice, option in weighed if choice.right == option)
        return kept / total if total else 1.0


def _noisy(share: float, dice: Random, conditions: Conditions) -> float:
    slip = 0.3 if dice.random() < conditions.slips else 0.0
    return round(min(1.0, max(0.0, share - slip + dice.gauss(0.0, conditions.noise))), 3)
