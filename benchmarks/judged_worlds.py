"""Worlds with planted effects for the judge: decisions, codes and graded attempts of which the truth is known."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from explib.models.decisions import Code, Decision, GradedAttempt, Option

LETTERS = "abcd"


@dataclass(frozen=True, slots=True)
class Plan:
    """How a world is made."""

    decisions: int = 40
    planted: int = 12
    groups: int = 0
    group_size: int = 5
    lone: int = 60
    noise: float = 0.05
    pass_fail: bool = False
    wrong_codes: float = 0.0
    unseen: float = 0.03
    """Standard deviation of a task's own difficulty, and of what having met a situation adds."""


@dataclass(frozen=True, slots=True)
class World:
    """Decisions with their codes and attempts. `effects` holds what each option adds to the reward, by decision id."""

    decisions: list[Decision]
    codes: list[Code]
    attempts: list[GradedAttempt]
    effects: dict[str, NDArray[np.float64]]


def world(plan: Plan, seed: int) -> World:
    """Make one world: a third of the decisions has three options, a few situations arise in one option of another."""
    random = np.random.default_rng(seed)
    options = random.choice([2, 2, 3], plan.decisions)
    parents = [
        int(random.integers(place)) if place > 4 and random.random() < 0.1 else None for place in range(plan.decisions)
    ]
    decisions = [decision_of(place, int(options[place]), parents[place]) for place in range(plan.decisions)]
    planted = set(random.choice(plan.decisions, min(plan.planted, plan.decisions), replace=False).tolist())
    often = [random.dirichlet(np.full(int(count), 6.0)) for count in options]
    effects = [effects_of(often[place], place in planted, random) for place in range(plan.decisions)]
    arises = random.uniform(0.4, 1.1, plan.decisions)
    met_effect = random.normal(0, plan.unseen, plan.decisions) * (random.random(plan.decisions) < 0.2)
    met_effect[[parent is not None for parent in parents]] = 0.0
    tasks = list(range(plan.groups)) * plan.group_size + list(range(plan.groups, plan.groups + plan.lone))
    situations = random.random((plan.groups + plan.lone, plan.decisions)) < arises
    difficulty = random.normal(0.4, plan.unseen, plan.groups + plan.lone)
    codes: list[Code] = []
    attempts: list[GradedAttempt] = []
    for number, task in enumerate(tasks):
        taken: dict[int, int] = {}
        for place in np.flatnonzero(situations[task]).tolist():
            parent = parents[place]
            if parent is None or taken.get(parent) == 0:
                taken[place] = int(random.choice(options[place], p=often[place]))
        reward = difficulty[task] + sum(effects[place][option] + met_effect[place] for place, option in taken.items())
        reward = float(np.clip(reward + random.normal(0, plan.noise), 0, 1))
        if plan.pass_fail:
            reward = float(random.random() < reward)
        name = f"t{number}"
        attempts.append(GradedAttempt(name, reward, f"g{task}" if task < plan.groups else None))
        for place, option in taken.items():
            wrong = random.random() < plan.wrong_codes
            seen = (option + 1) % options[place] if wrong else option
            codes.append(Code(f"d{place}", name, LETTERS[int(seen)]))
    return World(decisions, codes, attempts, {f"d{place}": effects[place] for place in range(plan.decisions)})


def decision_of(place: int, options: int, parent: int | None) -> Decision:
    """A decision without any text that matters."""
    return Decision(
        id=f"d{place}",
        key=f"choice {place}",
        source="model",
        situation=f"situation {place}",
        options=tuple(Option(letter, f"way {letter}") for letter in LETTERS[:options]),
        parent=None if parent is None else (f"d{parent}", "a"),
    )


def effects_of(often: NDArray[np.float64], planted: bool, random: np.random.Generator) -> NDArray[np.float64]:
    """What each option adds, 0 on average: for planted decisions one option differs by .08 to .25."""
    effects = np.zeros(len(often))
    if planted:
        effects[random.integers(len(often))] = random.uniform(0.08, 0.25) * random.choice([-1, 1])
    centred: NDArray[np.float64] = effects - often @ effects
    return centred


def shuffled(made: World, seed: int) -> World:
    """The same world with its rewards dealt out anew."""
    random = np.random.default_rng(seed)
    rewards = random.permutation([attempt.reward for attempt in made.attempts])
    return replace(
        made,
        attempts=[replace(each, reward=float(reward)) for each, reward in zip(made.attempts, rewards, strict=True)],
    )


def right(made: World, decision_id: str, better: str | None) -> bool:
    """Tell whether an option is truly better than what is done on average."""
    return better is not None and bool(made.effects[decision_id][LETTERS.index(better)] > 1e-9)


def that_vary(made: World, least: int = 3) -> set[str]:
    """Planted decisions of which two options were taken by `least` attempts each."""
    counts: dict[str, dict[str, int]] = {}
    for code in made.codes:
        letters = counts.setdefault(code.decision_id, {})
        letters[code.letter] = letters.get(code.letter, 0) + 1
    return {
        name
        for name, letters in counts.items()
        if made.effects[name].any() and sum(number >= least for number in letters.values()) > 1
    }
