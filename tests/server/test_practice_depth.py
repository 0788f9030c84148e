"""Deep self-evolving reasoning with chains that follow a script."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

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
