"""A clock that was years ahead stops nothing once it is right again, and what it left behind is told."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

import pytest

from explib.errors import LeaseLost
from explib.models.groups import Group, Postponement
from explib.models.learning import AnalysisStep, Lease, ModelCall
from explib.models.libraries import Library
from explib.models.submissions import Submission
from explib.models.trajectories import Step
from explib.storage.learning.leases import LONGEST_SECONDS
from explib.storage.maintenance.clock import times_ahead
from explib.storage.revisions.proposal import Proposal
from explib.storage.store import Store, open_store

pytestmark = pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
YEARS = 5 * 365 * 86_400.0


@pytest.fixture
async def ahead(url: str) -> AsyncIterator[Store]:
    """The store as a machine sees it whose clock is years ahead."""
    async with open_store(url, lambda: time.time() + YEARS) as store:
        yield store


async def leased(store: Store) -> Lease:
    lease = await store.leases.acquire("learn", "me", 30.0)
    assert lease is not None
    return lease


async def claimed(store: Store, library: Library) -> tuple[Lease, list[Group]]:
    await store.trajectories.submit(library, Submission("pack", (Step("assistant", "ok"),), 1.0))
    lease = await leased(store)
    return lease, await store.groups.claim(library, lease, 5)


async def test_a_lease_is_free_at_once_and_its_holder_is_fenced_off(
    ahead: Store, store: Store, library: Library
) -> None:
    old = await leased(ahead)
    assert await store.leases.holder("learn") is None
    new = await store.leases.acquire("learn", "another", 30.0)
    assert new is not None
    assert new.token > old.token
    with pytest.raises(LeaseLost):
        await ahead.revisions.commit(Proposal(library, "late", "me", "contrast", lease=old))


async def test_nobody_takes_a_lease_for_longer_than_a_lease_can_last(store: Store) -> None:
    lease = await store.leases.acquire("learn", "me", 1e9)
    assert lease is not None
    assert lease.expires_at <= time.time() + LONGEST_SECONDS + 60
    assert await store.leases.holder("learn") == lease


async def test_a_group_that_was_postponed_is_tried_again_and_its_library_gets_its_turn(
    ahead: Store, store: Store, library: Library
) -> None:
    lease, groups = await claimed(ahead, library)
    await ahead.groups.postpone(library, lease, [Postponement(group, "down", 60.0) for group in groups])
    assert await store.groups.libraries_with_work() == [library.name]
    assert [group.id for group in await store.groups.due(library, 5)] == [group.id for group in groups]


async def test_a_wait_by_a_right_clock_is_waited_for(store: Store, library: Library) -> None:
    lease, groups = await claimed(store, library)
    await store.groups.postpone(library, lease, [Postponement(group, "down", 60.0) for group in groups])
    assert await store.groups.libraries_with_work() == []


async def test_tokens_that_were_spent_or_reserved_in_the_future_are_not_todays(ahead: Store, store: Store) -> None:
    now = time.time()
    await ahead.model_calls.save(ModelCall("h" * 64, "s", "p", "m", "{}", 900, 100, now + YEARS))
    assert (await ahead.model_calls.reserve(500, 2_000, now)).id is not None
    await store.model_calls.save(ModelCall("i" * 64, "s", "p", "m", "{}", 90, 10, now))
    assert await store.model_calls.tokens_since(now - 10) == 100
    assert (await store.model_calls.reserve(800, 1_000, now - 10)).id is not None


async def test_a_question_that_an_agent_was_handed_is_handed_out_again(
    ahead: Store, store: Store, library: Library
) -> None:
    lease = await leased(ahead)
    await ahead.steps.ask(library, lease, [AnalysisStep("s_1", "advantage", "advantage", "1" * 64, "p", (), {})])
    assert await ahead.steps.take(library, "one", 60.0) is not None
    assert await store.steps.leases(library) == [0.0]
    assert await store.steps.take(library, "another", 60.0) is not None


async def test_what_lies_ahead_is_told_with_what_to_do(ahead: Store, store: Store, library: Library) -> None:
    lease, groups = await claimed(store, library)
    await store.groups.postpone(library, lease, [Postponement(group, "down", 60.0) for group in groups])
    assert await times_ahead(store.database) == []
    await ahead.leases.acquire("learn", "another", 30.0)
    await ahead.model_calls.save(ModelCall("h" * 64, "s", "p", "m", "{}", 900, 100, time.time() + YEARS))
    found = await times_ahead(store.database)
    assert [(each.what, each.count) for each in found] == [
        ("a lease that is dated in the future", 1),
        ("a model call that is dated in the future", 1),
    ]
    assert found[0].examples == ("learn",)
    assert "explib learn --release" in found[0].advice


async def test_a_lease_is_taken_away_from_who_holds_it(store: Store, library: Library) -> None:
    lease = await leased(store)
    assert await store.leases.take_away("learn") == lease
    assert await store.leases.take_away("learn") is None
    assert await store.leases.take_away("nothing") is None
    assert not await store.leases.prolong(lease, 30.0)
    with pytest.raises(LeaseLost):
        await store.revisions.commit(Proposal(library, "late", "me", "contrast", lease=lease))
    assert await store.leases.acquire("learn", "another", 30.0) is not None
