from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from learner.scripted_analyst import Scripted, lesson, nothing
from waiting import PATIENCE, until

from explib.models.libraries import Library, LibrarySettings
from explib.models.submissions import Submission
from explib.models.trajectories import Step
from explib.storage.store import Store, open_store
from explib_learner.analyst import Batch, Failure, Naming
from explib_learner.pipeline import Pipeline, Run
from explib_learner.worker import Worker, lease_name, worker_name

BATCH_GROUPS = 6
LEASE_SECONDS = 3.0
"""Short, as a lost lease is noticed within a third of it; long enough to be kept on a machine that is busy."""


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class Thinking(Scripted):
    """Learns a lesson from every group, after `thought`."""

    def __init__(self, thought: Callable[[Batch], Awaitable[None]] = nothing) -> None:
        super().__init__(lesson, thought, BATCH_GROUPS)

    async def name(self, batch: Batch) -> Naming:
        named = await super().name(batch)
        self.seen[-len(batch.groups) :] = [f"{batch.library.name}/{each.group.task}" for each in batch.groups]
        return named


class Hanging:
    """A thought that ends only when it is cancelled or let go."""

    def __init__(self) -> None:
        self.begun, self.free = asyncio.Event(), asyncio.Event()
        self.cancelled = False

    async def __call__(self, _batch: Batch) -> None:
        self.begun.set()
        try:
            await self.free.wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise


def worker(
    store: Store,
    analyst: Thinking,
    lease_seconds: float = 30.0,
    on_run: Callable[[Run], Awaitable[None]] | None = None,
) -> Worker:
    return Worker(store, Pipeline(store, analyst.analyst()), lease_seconds, on_run)


async def submit(store: Store, library: Library, *tasks: str) -> None:
    for task in tasks:
        for reward in (0.0, 1.0):
            steps = (Step("assistant", f"did {task} for {reward}"),)
            await store.trajectories.submit(library, Submission(task, steps, reward=reward))


async def states(store: Store, library: Library) -> dict[str, int]:
    return (await store.libraries.overview(library)).groups


async def test_everything_that_is_due_is_learned_in_batches_and_told(store: Store, library: Library) -> None:
    await submit(store, library, *(f"task {number}" for number in range(BATCH_GROUPS + 2)))
    told: list[Run] = []

    async def tell(run: Run) -> None:
        told.append(run)

    runs = await worker(store, Thinking(), on_run=tell).learn_ready()
    assert [run.learned for run in runs] == [BATCH_GROUPS, 2]
    assert told == runs
    assert await states(store, library) == {"learned": BATCH_GROUPS + 2}
    assert await store.leases.holder(lease_name(library)) is None


async def test_nothing_due_is_no_run_and_nobody_is_told(store: Store, library: Library) -> None:
    async def tell(run: Run) -> None:
        raise AssertionError(run)

    assert await worker(store, Thinking(), on_run=tell).learn_ready() == []


async def test_two_workers_on_one_file_learn_each_group_once(store: Store, library: Library, url: str) -> None:
    tasks = [f"task {number}" for number in range(2 * BATCH_GROUPS + 5)]
    await submit(store, library, *tasks)
    analysts = Thinking(), Thinking()
    async with asyncio.timeout(PATIENCE), open_store(url) as other:
        workers = worker(store, analysts[0]), worker(other, analysts[1])

        async def all_learned() -> bool:
            await asyncio.gather(*(each.learn_ready() for each in workers))
            return await states(store, library) == {"learned": len(tasks)}

        await until(all_learned)
    assert sorted(analysts[0].seen + analysts[1].seen) == sorted(f"default/{task}" for task in tasks)
    revisions = await store.revisions.history(library)
    learned = [group for revision in revisions for group in revision.groups]
    assert len(learned) == len(set(learned)) == len(tasks)
    assert len(await store.revisions.experiences(library)) == len(tasks)


async def test_a_library_that_another_worker_learns_is_left_to_it(store: Store, library: Library, url: str) -> None:
    await submit(store, library, "pack")
    hanging = Hanging()
    async with asyncio.timeout(PATIENCE), open_store(url) as other:
        learning = asyncio.create_task(worker(store, Thinking(hanging)).learn_ready())
        await hanging.begun.wait()
        second = Thinking()
        assert await worker(other, second).learn_ready() == []
        hanging.free.set()
        [run] = await learning
    assert (run.learned, second.seen) == (1, [])


async def test_a_busy_library_does_not_starve_another(store: Store, library: Library) -> None:
    await submit(store, library, *(f"task {number}" for number in range(2 * BATCH_GROUPS + 1)))
    other = await store.libraries.ensure("other", LibrarySettings())
    await submit(store, other, "pack")
    runs = await worker(store, Thinking()).learn_ready()
    assert [(run.library, run.learned) for run in runs] == [
        ("default", BATCH_GROUPS),
        ("other", 1),
        ("default", BATCH_GROUPS),
        ("default", 1),
    ]


async def test_a_library_that_gets_new_groups_all_the_time_still_gives_the_turn_away(
    store: Store, library: Library
) -> None:
    other = await store.libraries.ensure("other", LibrarySettings())
    await submit(store, library, "task 0")
    await submit(store, other, "pack")
    analyst = Thinking()

    async def more(batch: Batch) -> None:
        if batch.library.name == "default" and len(analyst.seen) < 5:
            await submit(store, library, f"task {len(analyst.seen)}")

    analyst.thought = more
    await worker(store, analyst).learn_ready()
    assert analyst.seen.index("other/pack") == 1
    assert await states(store, library) == {"learned": 4}


async def test_turns_are_shared_by_all_workers_and_outlive_them(store: Store, library: Library, url: str) -> None:
    """Workers that come and go, one batch each, serve every library before the busy one has its second turn."""
    await submit(store, library, *(f"task {number}" for number in range(4 * BATCH_GROUPS)))
    others = [await store.libraries.ensure(f"other{number}", LibrarySettings()) for number in range(3)]
    for other in others:
        await submit(store, other, "pack")
    analyst = Thinking()

    async def one_batch(_run: Run) -> None:
        raise ZeroDivisionError

    for _ in range(len(others) + 2):
        async with open_store(url) as opened:
            with pytest.raises(ZeroDivisionError):
                await worker(opened, analyst, on_run=one_batch).learn_ready()
    turns = list(dict.fromkeys(each.split("/")[0] for each in analyst.seen))
    assert turns == ["default", "other0", "other1", "other2"]
    assert await states(store, library) == {"learned": 2 * BATCH_GROUPS, "ready": 2 * BATCH_GROUPS}


async def test_a_library_that_was_being_learned_elsewhere_gets_its_turn_while_another_stays_busy(
    store: Store, library: Library, url: str
) -> None:
    """The other worker dies meanwhile: its library must not wait until the busy one has nothing left."""
    other = await store.libraries.ensure("other", LibrarySettings())
    await submit(store, other, "pack")
    await submit(store, library, "task 0")
    lease = await store.leases.acquire(lease_name(other), "dead", 3600.0)
    assert lease is not None
    analyst = Thinking()

    async def more(batch: Batch) -> None:
        if batch.library.name == "default":
            await store.leases.release(lease)
            if "other/pack" not in analyst.seen:
                await submit(store, library, f"task {len(analyst.seen)}")

    analyst.thought = more
    async with asyncio.timeout(PATIENCE):
        await worker(store, analyst).learn_ready()
    assert "other/pack" in analyst.seen
    assert await states(store, other) == {"learned": 1}


async def test_only_the_named_library_is_learned(store: Store, library: Library) -> None:
    other = await store.libraries.ensure("other", LibrarySettings())
    await submit(store, library, "pack")
    await submit(store, other, "pack")
    analyst = Thinking()
    await worker(store, analyst).learn_ready("other")
    assert analyst.seen == ["other/pack"]
    assert await states(store, library) == {"ready": 1}


async def test_a_worker_whose_lease_is_taken_over_stops_and_commits_nothing(
    store: Store, library: Library, url: str
) -> None:
    await submit(store, library, "pack")
    hanging = Hanging()
    async with (
        asyncio.timeout(PATIENCE),
        open_store(url, lambda: 1_000.0) as paused,
        open_store(url, lambda: 2_000.0) as later,
    ):
        learning = asyncio.create_task(worker(paused, Thinking(hanging), lease_seconds=LEASE_SECONDS).learn_ready())
        await hanging.begun.wait()
        lease = await later.leases.acquire(lease_name(library), "other", 60.0)
        assert await learning == []
        assert hanging.cancelled
        assert await later.leases.holder(lease_name(library)) == lease
    assert await states(store, library) == {"ready": 1}
    assert (await store.libraries.get("default")).revision == 0


async def test_a_long_thought_keeps_its_lease(store: Store, library: Library) -> None:
    await submit(store, library, "pack")
    hanging = Hanging()
    learning = asyncio.create_task(worker(store, Thinking(hanging), lease_seconds=LEASE_SECONDS).learn_ready())
    await hanging.begun.wait()
    first = await store.leases.holder(lease_name(library))
    assert first is not None

    async def prolonged() -> bool:
        held = await store.leases.holder(lease_name(library))
        return held is not None and held.expires_at > first.expires_at and held.token == first.token

    await until(prolonged)
    hanging.free.set()
    [run] = await learning
    assert run.learned == 1


async def test_a_worker_that_is_stopped_gives_the_lease_back_and_loses_nothing(store: Store, library: Library) -> None:
    await submit(store, library, "pack")
    hanging = Hanging()
    watching = asyncio.create_task(worker(store, Thinking(hanging)).watch())
    await hanging.begun.wait()
    watching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await watching
    assert hanging.cancelled
    assert await store.leases.holder(lease_name(library)) is None
    assert [(group.state, group.tries) for group in await store.groups.all(library)] == [("ready", 0)]
    [run] = await worker(store, Thinking()).learn_ready()
    assert run.learned == 1


async def test_a_watching_worker_learns_what_it_is_woken_for(store: Store, library: Library) -> None:
    watched = worker(store, Thinking())
    watching = asyncio.create_task(watched.watch())
    for number in range(1, 4):
        await submit(store, library, f"task {number}")
        watched.wake()

        async def learned(expected: int = number) -> bool:
            return await states(store, library) == {"learned": expected}

        await until(learned)
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)


async def test_a_watching_worker_goes_on_after_a_defect(
    store: Store, library: Library, caplog: pytest.LogCaptureFixture
) -> None:
    await submit(store, library, "pack")
    told: list[Run] = []

    async def defect_at_first(run: Run) -> None:
        told.append(run)
        if len(told) == 1:
            await submit(store, library, "ship")
            watched.wake()
            raise ZeroDivisionError

    watched = worker(store, Thinking(), on_run=defect_at_first)
    watching = asyncio.create_task(watched.watch())

    async def learned() -> bool:
        return await states(store, library) == {"learned": 2}

    await until(learned)
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    assert "learning stopped; trying again" in caplog.text


async def test_an_outage_is_met_once_and_not_by_every_batch(store: Store, library: Library) -> None:
    await submit(store, library, *(f"task {number}" for number in range(3 * BATCH_GROUPS)))

    class Down(Thinking):
        async def name(self, batch: Batch) -> Naming:
            await super().name(batch)
            return Naming(failures=tuple(Failure(each.group.id, "down", counts=False) for each in batch.groups))

    analyst = Down()
    [run] = await worker(store, analyst).learn_ready()
    assert (run.outage, len(run.failures), len(analyst.seen)) == (True, BATCH_GROUPS, BATCH_GROUPS)
    assert await states(store, library) == {"ready": 3 * BATCH_GROUPS}


def test_every_worker_has_a_name_of_its_own() -> None:
    assert len({worker_name() for _ in range(100)}) == 100
