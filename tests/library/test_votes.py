from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explib.errors import UnknownExperience
from explib.evidence.votes import Tally, Vote
from explib.models.libraries import Library, LibrarySettings
from explib.models.revisions import Operation
from explib.storage.revisions.proposal import Proposal
from explib.storage.revisions.votes import Cast
from explib.storage.store import Store, open_store


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def commit(store: Store, library: Library, *operations: Operation, author: str = "me") -> None:
    current = await store.libraries.get(library.name)
    committed = await store.revisions.commit(Proposal(current, "test", author, "contrast", operations))
    assert not committed.refusals


async def added(store: Store, library: Library, content: str = "When a, do b.") -> None:
    await commit(store, library, Operation("ADD", "because", content=content))


async def cast(store: Store, library: Library, voters: str, *, up: bool, identity: str = "e1") -> Cast:
    """One vote for each letter; what the last came to."""
    for voter in voters:
        last = await store.votes.cast(library, identity, voter, up=up, reason=f"{voter} says so")
    return last


async def test_a_voter_has_one_vote_and_may_change_it(store: Store, library: Library) -> None:
    await added(store, library)
    await cast(store, library, "aaa", up=False)
    last = await cast(store, library, "a", up=True)
    assert last.tally == Tally(up=1, down=0)
    assert [(vote.voter, vote.up, vote.reason) for vote in await store.votes.on(library, "e1")] == [
        ("a", True, "a says so")
    ]


async def test_three_voters_down_and_none_up_retire_it_by_a_recorded_revision(store: Store, library: Library) -> None:
    await added(store, library)
    assert (await cast(store, library, "ab", up=False)).revision is None
    last = await cast(store, library, "c", up=False)
    assert (last.experience.status, last.revision) == ("retired", 2)
    assert await store.revisions.experiences(library) == []
    revision = await store.revisions.get(library, 2)
    assert revision.author == "votes"
    assert revision.cause == "e1: voted down by 3 voters, none for it: c says so"


async def test_one_vote_for_it_keeps_it(store: Store, library: Library) -> None:
    await added(store, library)
    await cast(store, library, "x", up=True)
    last = await cast(store, library, "abcd", up=False)
    assert (last.experience.status, last.tally.verdict) == ("candidate", "open")
    changed = await cast(store, library, "x", up=False)
    assert changed.experience.status == "retired"


async def test_what_three_voters_back_is_active_and_comes_back_if_votes_retired_it(
    store: Store, library: Library
) -> None:
    await added(store, library)
    assert (await cast(store, library, "abc", up=True)).experience.status == "active"
    await cast(store, library, "abc", up=False)
    assert (await store.revisions.experience(library, "e1")).status == "retired"
    assert (await cast(store, library, "abc", up=True)).experience.status == "active"
    assert (await store.revisions.get(library, 4)).author == "votes"


async def test_votes_do_not_bring_back_what_others_retired(store: Store, library: Library) -> None:
    await added(store, library)
    await commit(store, library, Operation("DELETE", "costs reward", target="e1"), author="evidence")
    assert (await cast(store, library, "abcd", up=True)).experience.status == "retired"


async def test_what_a_person_pinned_is_not_retired_by_votes(store: Store, library: Library) -> None:
    await commit(store, library, Operation("ADD", "because", content="When a, do b.", pins=True))
    last = await cast(store, library, "abcd", up=False)
    assert (last.experience.status, last.tally.verdict, last.revision) == ("candidate", "rejected", None)
    assert await store.revisions.refusals(library) == []


async def test_votes_count_for_the_words_that_were_voted_on(store: Store, library: Library) -> None:
    await added(store, library)
    await cast(store, library, "ab", up=False)
    await commit(store, library, Operation("MODIFY", "clearer", target="e1", content="When a, do c."))
    assert await store.votes.tallies(library) == {}
    last = await cast(store, library, "c", up=False)
    assert (last.tally, last.experience.status) == (Tally(down=1), "candidate")
    assert await store.votes.tallies(library) == {"e1": Tally(down=1)}


async def test_judged_texts_are_kept_with_a_reason(store: Store, library: Library) -> None:
    await added(store, library)
    await added(store, library, "When c, do d.")
    await added(store, library, "When e, do f.")
    await cast(store, library, "abc", up=False)
    await cast(store, library, "abc", up=True, identity="e2")
    await cast(store, library, "ab", up=False, identity="e3")
    judged = await store.votes.judged(library)
    assert [(each.experience_id, each.content, each.verdict, each.reason) for each in judged] == [
        ("e1", "When a, do b.", "rejected", "c says so"),
        ("e2", "When c, do d.", "backed", "c says so"),
    ]


async def test_a_library_has_votes_of_its_own(store: Store, library: Library) -> None:
    other = await store.libraries.ensure("other", LibrarySettings())
    await added(store, library)
    await added(store, other)
    await cast(store, library, "abc", up=False)
    assert (await store.votes.tallies(other), await store.votes.judged(other)) == ({}, [])
    assert (await store.revisions.experience(other, "e1")).status == "candidate"
    with pytest.raises(UnknownExperience):
        await cast(store, other, "a", up=True, identity="e2")


async def test_votes_at_the_same_moment_from_two_servers_decide_once(url: str, store: Store, library: Library) -> None:
    await added(store, library)
    async with open_store(url) as second:
        stores = [store, second, store, second, store]
        await asyncio.gather(
            *(each.votes.cast(library, "e1", f"v{number}", up=False, reason=None) for number, each in enumerate(stores))
        )
    assert (await store.votes.tallies(library))["e1"] == Tally(down=5)
    assert (await store.libraries.get("default")).revision == 2


@given(st.lists(st.booleans(), max_size=12))
def test_three_against_none_reject_three_and_more_than_the_others_back(ups: list[bool]) -> None:
    tally = Tally.of(Vote(str(number), up, 1) for number, up in enumerate(ups))
    for_it, against = ups.count(True), ups.count(False)
    expected = "rejected" if not for_it and against >= 3 else "open"
    assert tally.verdict == ("backed" if for_it >= 3 and for_it > against else expected)
