"""What a reward costs through the real store: a SQLite file, 10,000 experiences, 30 of them drawn for a retrieval."""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
import tracemalloc
from pathlib import Path

from explib.evidence.ledger import Counters, entries_of_reward, experience_key
from explib.evidence.sums import ScoreSums
from explib.models.libraries import Library, LibrarySettings
from explib.models.retrievals import Retrieval, Serving
from explib.models.revisions import Operation
from explib.models.submissions import Grade, Submission
from explib.models.trajectories import Step
from explib.retrieval.entry import Entry
from explib.retrieval.lifts import Lifts
from explib.storage.evidence.batches import record
from explib.storage.revisions.proposal import Proposal
from explib.storage.store import Store, open_store
from simulated.figures import Figure, median

EXPERIENCES = 10_000
DRAWN = 30
SHORTLIST, BATCH = 38, 50
"""What the default token budget shortlists of a large library, and how many retrievals are recorded together."""
TOGETHER = 100
"""Rewards that arrive at the same moment in the second measurement: they share transactions."""
MILLISECONDS = 1e3


async def through_the_store(rewards: int) -> list[Figure]:
    """The time that evidence adds to a reward: with a retrieval of 30 draws against one without, in turns."""
    with tempfile.TemporaryDirectory() as folder:
        async with open_store(f"sqlite+aiosqlite:///{Path(folder) / 'library.db'}") as store:
            library = await _filled(store)
            plain = await _submitted(store, library, rewards, drawn=False)
            under = await _submitted(store, library, rewards, drawn=True)
            half = rewards // 2
            alone = await _in_turns(store, library, plain[:half], under[:half])
            together = await _at_once(store, library, plain[half:], under[half:])
    note = f"processor time; {rewards} rewards, {DRAWN} draws each"
    return [
        Figure("time that evidence adds to a reward, alone, ms (median)", alone[1] - alone[0], note=note),
        Figure(
            f"time that evidence adds to a reward, {TOGETHER} at once, ms",
            together[1] - together[0],
            at_most=1.0,
            note=note,
        ),
        Figure("time of a reward without evidence, alone, ms (median)", alone[0], note="comparison"),
    ]


async def of_records(retrievals: int) -> list[Figure]:
    """The time of a retrieval beside its answer: to record it, and to enter it in the evidence with others."""
    chance = random.Random(1)
    times = {"record": 0.0, "count": 0.0}
    with tempfile.TemporaryDirectory() as folder:
        async with open_store(f"sqlite+aiosqlite:///{Path(folder) / 'library.db'}") as store:
            library = await store.libraries.ensure("costs", LibrarySettings())
            for start in range(0, retrievals, BATCH):
                batch = [_retrieval(chance, f"r_{start + number}", SHORTLIST) for number in range(BATCH)]
                started = time.process_time()
                await _recorded(store, library, batch)
                times["record"] += time.process_time() - started
            started = time.process_time()
            await store.evidence.count_all(library)
            times["count"] = time.process_time() - started
    each = {name: seconds / retrievals * MILLISECONDS for name, seconds in times.items()}
    note = f"processor time; {retrievals:,} retrievals of {SHORTLIST} draws from {EXPERIENCES:,}"
    return [
        Figure(f"time to record a retrieval, {BATCH} at once, ms", each["record"], note=note),
        Figure("time to enter it in the evidence, with many, ms", each["count"], note=note),
        Figure("time of a retrieval beside its answer, ms", sum(each.values()), at_most=0.25, note=note),
    ]


async def _recorded(store: Store, library: Library, batch: list[Retrieval]) -> None:
    owned = [(library, each) for each in batch]
    await store.database.write(lambda connection: record(connection, store.database, owned), explicit_locks=True)


def _retrieval(chance: random.Random, identity: str, draws: int) -> Retrieval:
    numbers = chance.sample(range(1, EXPERIENCES + 1), draws)
    return Retrieval(identity, "a task", 1, tuple(_serving(chance, each) for each in numbers), time.time())


def in_memory(rewards: int) -> list[Figure]:
    """What a server holds of 10,000 rated experiences, and what it computes for a reward beside the database."""
    chance = random.Random(1)
    tracemalloc.start()
    lifts = Lifts()
    for number in range(1, EXPERIENCES + 1):
        lifts.put(experience_key(f"e{number}", 1), ScoreSums(1.0, 25.0, 5.0, 100))
        lifts.note(Entry(f"e{number}", "", "active", 1, 1, number, "A"))
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    times: list[float] = []
    for number in range(rewards):
        retrieval = _retrieval(chance, f"r_{number}", DRAWN)
        started = time.process_time()
        for key, entry in entries_of_reward(retrieval, None, 1.0).items():
            if key[0] == "experience":
                lifts.put(key, lifts.of(key[1], key[2]) + Counters.of(entry).sums)
        times.append(time.process_time() - started)
    note = f"{EXPERIENCES:,} experiences, {DRAWN} drawn"
    return [
        Figure("memory of a library's evidence, MB", held / 1e6, at_most=1.0, note=note),
        Figure("time to compute a reward's evidence, ms", median(times) * MILLISECONDS, at_most=1.0, note=note),
    ]


async def _filled(store: Store) -> Library:
    library = await store.libraries.ensure("costs", LibrarySettings(max_experiences=EXPERIENCES))
    adding = tuple(
        Operation("ADD", "simulated", content=f"When case {number} arises, take path {number}.", status="active")
        for number in range(EXPERIENCES)
    )
    await store.revisions.commit(Proposal(library, "simulated", "benchmark", "contrast", adding))
    return await store.libraries.get("costs")


async def _submitted(store: Store, library: Library, count: int, *, drawn: bool) -> list[str]:
    """Attempts without a reward, each of a task of its own; their ids."""
    chance = random.Random(int(drawn))
    retrievals = [f"r_{drawn}_{number}" if drawn else None for number in range(count)]
    for number, retrieval in enumerate(retrievals):
        if retrieval is not None:
            servings = tuple(_serving(chance, each) for each in chance.sample(range(1, EXPERIENCES + 1), DRAWN))
            store.retrievals.record_behind(library, Retrieval(retrieval, f"task {number}", 1, servings, time.time()))
    await store.retrievals.flush()
    submissions = [
        Submission(
            f"task {number} {drawn}", (Step("assistant", "done"),), retrieval_id=retrieval, submitter="simulated"
        )
        for number, retrieval in enumerate(retrievals)
    ]
    receipts = await asyncio.gather(*(store.trajectories.submit(library, each) for each in submissions))
    return [receipt.trajectory_id for receipt in receipts]


def _serving(chance: random.Random, number: int) -> Serving:
    return Serving(f"e{number}", 1, relevance=0.5, probability=0.5, served=chance.random() < 0.5)


async def _in_turns(store: Store, library: Library, plain: list[str], under: list[str]) -> tuple[float, float]:
    """Median milliseconds (of the processor, all threads) of a reward, each alone: without and with a retrieval."""
    taken: tuple[list[float], list[float]] = ([], [])
    for pair in zip(plain, under, strict=True):
        for times, identity in zip(taken, pair, strict=True):
            started = time.process_time()
            await store.trajectories.report_reward(library, identity, Grade(1.0))
            times.append(time.process_time() - started)
    return median(taken[0]) * MILLISECONDS, median(taken[1]) * MILLISECONDS


async def _at_once(store: Store, library: Library, plain: list[str], under: list[str]) -> tuple[float, float]:
    """Median milliseconds (of the processor) for each of many rewards at once: without and with a retrieval."""
    taken: tuple[list[float], list[float]] = ([], [])
    for start in range(0, len(plain), TOGETHER):
        for times, ids in zip(taken, (plain, under), strict=True):
            batch = ids[start : start + TOGETHER]
            started = time.process_time()
            await asyncio.gather(*(store.trajectories.report_reward(library, each, Grade(1.0)) for each in batch))
            times.append((time.process_time() - started) / len(batch))
    return median(taken[0]) * MILLISECONDS, median(taken[1]) * MILLISECONDS
