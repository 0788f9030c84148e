"""Runs of practice, and rollouts that several machines take."""

from __future__ import annotations

import asyncio

import pytest

from explib.models.libraries import Library, LibrarySettings
from explib.storage.store import Store, open_store

pytestmark = pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
SECONDS = 30.0


async def published(store: Store, number: int = 4) -> Library:
    library = await store.libraries.ensure("default", LibrarySettings())
    await store.practice.begin(library, "run", {"model": "m/x"})
    await store.practice.publish(library, "run", {f"k{each}": {"key": f"k{each}"} for each in range(number)})
    return library


async def test_a_run_is_on_record_until_it_ends_and_when_it_goes_on(store: Store) -> None:
    library = await published(store)
    [run] = await store.practice.all(library)
    assert (run.id, run.engine, run.summary, run.ended_at) == ("run", {"model": "m/x"}, {}, None)
    await store.practice.end(library, "run", {"gain": 0.2})
    [ended] = await store.practice.all(library)
    assert (ended.summary, ended.started_at) == ({"gain": 0.2}, run.started_at)
    assert ended.ended_at is not None
    await store.practice.begin(library, "run", {"model": "m/y"})
    [again] = await store.practice.all(library)
    assert (again.engine, again.summary, again.ended_at) == ({"model": "m/y"}, {"gain": 0.2}, None)


async def test_machines_at_once_never_take_the_same_rollout(store: Store) -> None:
    library = await published(store, 12)
    takes = (store.practice.take(library, "run", f"machine {each}", 5, SECONDS) for each in range(3))
    taken = [rollout.key for found in await asyncio.gather(*takes) for rollout in found]
    assert len(taken) == len(set(taken)) == 12
    assert await store.practice.take(library, "run", "late", 5, SECONDS) == []


async def test_what_a_machine_leaves_behind_is_taken_by_another_and_only_one_outcome_counts(
    url: str, store: Store
) -> None:
    now = 1_000.0
    async with open_store(url, lambda: now) as timed:
        library = await published(timed)
        await timed.practice.take(library, "run", "dies", 2, SECONDS)
        await timed.practice.take(library, "run", "slow", 2, SECONDS)
        now += SECONDS - 1
        await timed.practice.prolong(library, "run", "slow", SECONDS)
        now += 2
        assert {each.key for each in await timed.practice.take(library, "run", "other", 9, SECONDS)} == {"k0", "k1"}
        assert not await timed.practice.settle(library, "run", "k0", "dies", {"reward": 0})
        assert await timed.practice.settle(library, "run", "k0", "other", {"reward": 1})
        assert not await timed.practice.settle(library, "run", "k0", "other", {"reward": 0})
        [settled] = await timed.practice.settled(library, "run")
        assert (settled.key, settled.holder, settled.outcome) == ("k0", "other", {"reward": 1})


async def test_what_is_not_begun_can_be_withdrawn(store: Store) -> None:
    library = await published(store)
    await store.practice.take(library, "run", "lead", 1, SECONDS)
    [theirs] = await store.practice.take(library, "run", "other", 1, SECONDS)
    await store.practice.withdraw(library, "run", "lead")
    assert [each.key for each in await store.practice.taken(library, "run")] == [theirs.key]
    await store.practice.settle(library, "run", theirs.key, "other", {"reward": 1})
    await store.practice.drop(library, "run", [theirs.key])
    assert await store.practice.settled(library, "run") == []
