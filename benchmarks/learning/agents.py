"""Scripted agents: each has tendencies of its own, and follows advice in part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp
from random import Random

from learning.choices import Choice
from learning.world import World

OBEDIENCE = 0.9
"""Probability that advice on a choice is followed."""
SPREAD = 0.7
"""Standard deviation of the agents' own log odds."""


@dataclass(frozen=True, slots=True)
class Agent:
    """One agent with how likely it takes each option."""

    name: str
    odds: Mapping[str, tuple[float, ...]]

    def choose(self, world: World, dice: Random, advice: Mapping[str, str]) -> dict[str, str]:
        """An option for each choice of the world: as advised, or by the agent's own odds and the world's ties."""
        choices = {choice.id: choice for choice in (*world.conventions, *world.decoys)}
        taken = {choice_id: self._pick(choice, dice) for choice_id, choice in choices.items()}
        for first, second, strength in world.ties:
            if dice.random() < strength:
                options = choices[second].options
                taken[second] = options[min(_place(choices[first], taken[first]), len(options) - 1)].name
        return taken | {choice_id: option for choice_id, option in advice.items() if dice.random() < OBEDIENCE}

    def _pick(self, choice: Choice, dice: Random) -> str:
        return dice.choices([option.name for option in choice.options], self.odds[choice.id])[0]


def cast(world: World, seed: int, count: int = 4) -> list[Agent]:
    """Agents whose odds scatter about those of the world."""
    return [_agent(world, f"agent-{number}", Random(f"{world.name}/{seed}/{number}")) for number in range(count)]


def _agent(world: World, name: str, dice: Random) -> Agent:
    return Agent(
        name,
        {
            choice.id: tuple(option.odds * exp(dice.gauss(0.0, SPREAD)) for option in choice.options)
            for choice in (*world.conventions, *world.decoys)
        },
    )


def _place(choice: Choice, name: str) -> int:
    return next(place for place, option in enumerate(choice.options) if option.name == name)
