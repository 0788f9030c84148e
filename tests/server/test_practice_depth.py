"""Deep self-evolving reasoning with chains that follow a script."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

import pytest

from explib.errors import InvalidInput
from explib_server.practice.depth import Depth, best_of, read_depth, reason, share_of


@dataclass
class Scripted:
    """Gives these answers one after the other, then its last one, which is found right."""

    script: list[str]
    vote: str = ""
    approved: int = 0
    calls: list[str] = field(default_factory=list)

    async def solve(self) -> None:
        self.calls.append("solve")
        self.vote = self.script.pop(0)

    async def go_on(self) -> None:
        self.calls.append("verify")
        if not self.script:
            self.approved += 1
            return
        self.approved = 0
        self.calls.append("refine")
        self.vote = self.script.pop(0)


@dataclass
class Drawn:
    """Solves a task with some chance; verifies rightly in 7 of 10 cases, and mends more often than it spoils."""

    dice: Random
    solves: float
    vote: str = ""
    approved: int = 0
    calls: int = 0

    async def solve(self) -> None:
        self._say(self.solves)

    async def go_on(self) -> None:
        self.calls += 1
        if (self.vote == "right") == (self.dice.random() < 0.7):
            self.approved += 1
            return
        self.approved = 0
        self._say(0.6 if self.vote == "right" else 0.4)

    def _say(self, chance: float) -> None:
        self.calls += 1
        self.vote = "right" if self.dice.random() < chance else f"wrong {self.dice.randrange(5)}"


async def reasoned(depth: Depth, scripts: Sequence[str]) -> list[Scripted]:
    left = iter(scripts)
    return await reason(depth, lambda: Scripted(next(left).split()))


async def test_chains_that_agree_at_once_go_no_further() -> None:
    chains = await reasoned(Depth(), ["5", "5", "5"])
    assert [chain.calls for chain in chains] == [["solve"]] * 3


async def test_chains_refine_until_they_agree() -> None:
    chains = await reasoned(Depth(rounds=4), ["5", "4 5", "3 4 5"])
    assert [chain.vote for chain in chains] == ["5"] * 3
    assert chains[0].calls == ["solve", "verify", "verify"]
    assert chains[2].calls == ["solve", "verify", "refine", "verify", "refine"]


async def test_where_the_first_disagree_more_are_begun_and_all_go_on() -> None:
    chains = await reasoned(Depth(chains=3, most=9, rounds=1), ["1", "2", "3 3 5", "5", "5", "5"])
    assert len(chains) == 6
    assert (best_of(chains).vote, share_of("5", chains)) == ("5", 4 / 6)


async def test_chains_that_never_agree_end_at_the_most_and_a_steady_one_rests() -> None:
    chains = await reasoned(Depth(chains=2, most=5, rounds=3), ["1", "2", "3", "4", "5"])
    assert len(chains) == 5
    assert chains[0].calls == ["solve", "verify", "verify"]


async def test_an_answer_that_is_none_is_never_agreed_on() -> None:
    chains = await reasoned(Depth(chains=2, most=2, rounds=0), ["none", "none"])
    for chain in chains:
        chain.vote = ""
    assert share_of(best_of(chains).vote, chains) == 0


async def solved(solves: float, tasks: int = 300) -> tuple[float, float]:
    """The share of the tasks that come out right, and the model calls of one."""
    dice = Random(1)
    made = [await reason(Depth(), lambda: Drawn(dice, solves)) for _ in range(tasks)]
    right = sum(best_of(chains).vote == "right" for chains in made) / tasks
    return right, sum(chain.calls for chains in made for chain in chains) / tasks


async def test_chains_get_further_than_single_answers_and_take_more_calls_for_harder_tasks() -> None:
    (easy, few), (hard, many) = await solved(0.9), await solved(0.3)
    assert easy == pytest.approx(0.99, abs=0.02)
    assert hard == pytest.approx(0.89, abs=0.06)
    assert few < many / 2


def test_of_as_many_votes_the_answer_counts_that_was_found_right() -> None:
    assert best_of([Scripted([], "1"), Scripted([], "2", approved=1)]).vote == "2"
    assert best_of([Scripted([], "1"), Scripted([], "1"), Scripted([], "2", approved=2)]).vote == "1"


def test_the_depth_is_read() -> None:
    assert read_depth("deep") == Depth()
    assert read_depth("deep chains=2 rounds=0") == Depth(chains=2, rounds=0)
    assert Depth(chains=3, rounds=3).first_calls == 21
    for wrong in ("", "think", "deep 3", "deep width=3", "deep chains=x"):
        with pytest.raises(InvalidInput, match="There is no solver"):
            read_depth(wrong)
    with pytest.raises(InvalidInput, match="one chain or more"):
        read_depth("deep chains=0")
