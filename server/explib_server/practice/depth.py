"""Deep self-evolving reasoning: chains of solve, verify and refine, as long and as many as a task is hard.

A chain that mends an answer more often than it spoils one comes to the right answer in the long run, and the majority
of several comes there sooner (arXiv 2510.17498). Where chains agree there is nothing left to do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from explib.errors import InvalidInput

SETTLED = 2 / 3
"""The share of the chains from which on no further ones are begun."""
STEADY = 2
"""Times in a row that a chain's answer is found right before it rests."""


@dataclass(frozen=True, slots=True)
class Depth:
    """How many chains are begun at a time, how many there are at most, and how many rounds they go at a time."""

    chains: int = 3
    most: int = 9
    rounds: int = 3

    def __post_init__(self) -> None:
        """Raises InvalidInput where that makes no sense."""
        if not 1 <= self.chains <= self.most:
            raise InvalidInput("The solver `deep` needs one chain or more, and at most `most`: deep chains=3 most=9.")

    @property
    def first_calls(self) -> int:
        """Model calls at most before further chains are begun: each one solves, then verifies and refines."""
        return self.chains * (1 + 2 * self.rounds)


def read_depth(text: str) -> Depth:
    """The depth that is asked for: `deep`, or `deep chains=5 most=10 rounds=4`. Raises InvalidInput."""
    name, *words = text.split() or [""]
    pairs = [word.partition("=") for word in words]
    if name != "deep" or any(key not in Depth.__slots__ or not value.isdecimal() for key, _, value in pairs):
        raise InvalidInput(f"There is no solver {text!r}: write deep, or 'deep chains=3 most=9 rounds=3'.")
    return Depth(**{key: int(value) for key, _, value in pairs})


class Chain(Protocol):
    """One line of thought."""

    vote: str
    """Its answer, in a form in which answers are compared; empty before there is one."""
    approved: int
    """How often in a row its answer was found right."""

    async def solve(self) -> None:
        """Give a first answer."""

    async def go_on(self) -> None:
        """Verify the answer, and refine it where something is found wrong."""


SomeChain = TypeVar("SomeChain", bound=Chain)


def share_of(vote: str, chains: Sequence[Chain]) -> float:
    """The share of the chains that give this answer."""
    return sum(chain.vote == vote for chain in chains) / len(chains) if vote else 0.0


def best_of(chains: Sequence[SomeChain]) -> SomeChain:
    """A chain with the answer that most give; of as many, with the one that was found right more often."""

    def weight(chain: Chain) -> tuple[float, int]:
        return share_of(chain.vote, chains), sum(each.approved for each in chains if each.vote == chain.vote)

    return max(chains, key=weight)


async def reason(depth: Depth, begin: Callable[[], SomeChain]) -> list[SomeChain]:
    """Chains that agree, or that have settled on an answer, or as many as there may be, each as far as it may go."""
    chains: list[SomeChain] = []
    while True:
        fresh = [begin() for _ in range(min(depth.chains, depth.most - len(chains)))]
        await asyncio.gather(*(chain.solve() for chain in fresh))
        chains += fresh
        for _ in range(depth.rounds):
            if _agreed(chains, 1.0):
                return chains
            await asyncio.gather(*(chain.go_on() for chain in chains if chain.approved < STEADY))
        if _agreed(chains, SETTLED) or len(chains) >= depth.most:
            return chains


def _agreed(chains: Sequence[Chain], share: float) -> bool:
    return share_of(best_of(chains).vote, chains) >= share
