"""Rounds in which something is killed, paused or cut off while servers store and learners learn, and the count after.

Works on either engine; the processes are `actor.py`.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from end_to_end.actor import LEASE_SECONDS
from sqlalchemy import text
from waiting import until

from explib.storage.maintenance.check import check
from explib.storage.store import Store, open_store
from explib.tasks import run_to_completion
from explib_learner.model.asker import together

ACTOR = Path(__file__).parent / "actor.py"
SUBMITTERS, LEARNERS = 2, 2
AGAIN = 8
"""How many of its last acknowledged submissions a restarted submitter sends once more."""
EVIDENCE = (
    "SELECT count(*) FROM evidence_totals e WHERE retrievals != (SELECT count(*) FROM retrievals r WHERE "
    "r.library_id = e.library_id) OR rewards != (SELECT count(r.reward) FROM retrievals r WHERE "
    "r.library_id = e.library_id)"
)


@dataclass
class Outcome:
    """What was counted. `lost` and `doubled` must be empty."""

    rounds: Counter[str] = field(default_factory=Counter)
    acknowledged: dict[str, str] = field(default_factory=dict)
    fenced: int = 0
    learned: int = 0
    revisions: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)


@dataclass
class Actor:
    """A process, and who starts its successor. Submitters have a name."""

    url: str
    outcome: Outcome
    name: str | None = None
    process: asyncio.subprocess.Process | None = None
    reading: asyncio.Task[None] | None = None
    last: int = 0

    async def start(self) -> None:
        role = ["learn", self.url] if self.name is None else ["submit", self.url, self.name, str(self._first())]
        path = os.pathsep.join(filter(None, sys.path))
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, str(ACTOR), *role, stdout=asyncio.subprocess.PIPE, env={**os.environ, "PYTHONPATH": path}
        )
        self.reading = asyncio.create_task(self._read(self.process))

    def _first(self) -> int:
        return max(0, self.last - AGAIN)

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            said = line.decode().split()
            if said == ["fenced"]:
                self.outcome.fenced += 1
            elif line.endswith(b"\n"):
                self._acknowledged(*said)

    def _acknowledged(self, key: str, identity: str) -> None:
        known = self.outcome.acknowledged.setdefault(key, identity)
        if known != identity:
            self.outcome.doubled.append(f"{key} is {known} and {identity}")
        self.last = max(self.last, int(key.split("/")[1]))

    def signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    async def kill(self) -> None:
        await kill_all([self])


class Killable(Protocol):
    """A process, and what reads its output where that is read."""

    process: asyncio.subprocess.Process | None
    reading: asyncio.Task[None] | None


async def kill_all(killed: Sequence[Killable]) -> None:
    """SIGKILL to each before anything is waited for: none is left behind, whatever comes of reading and waiting."""
    processes = [each.process for each in killed if each.process is not None]
    for process in processes:
        with suppress(ProcessLookupError):
            process.kill()
    try:
        await run_to_completion(together([each.reading for each in killed if each.reading is not None]))
    finally:
        await run_to_completion(together([process.communicate() for process in processes]))


@dataclass
class Fleet:
    """Submitters and learners at work on one database."""

    submitters: list[Actor]
    learners: list[Actor]

    async def kill_a_server(self) -> None:
        await self._replace(random.choice(self.submitters))

    async def kill_a_learner(self) -> None:
        await self._replace(random.choice(self.learners))

    async def _replace(self, actor: Actor) -> None:
        await actor.kill()
        await actor.start()

    async def pause_a_learner(self) -> None:
        """Beyond its lease: another takes over, and what the paused one still does then must not count."""
        learner = random.choice(self.learners)
        learner.signal(signal.SIGSTOP)
        await asyncio.sleep(1.5 * LEASE_SECONDS)
        learner.signal(signal.SIGCONT)


@asynccontextmanager
async def fleet(url: str, outcome: Outcome) -> AsyncIterator[Fleet]:
    """A fleet that has stored something; all of it is dead at the end."""
    submitters = [Actor(url, outcome, f"s{number}") for number in range(SUBMITTERS)]
    learners = [Actor(url, outcome) for _ in range(LEARNERS)]
    actors = [*submitters, *learners]
    try:
        for actor in actors:
            await actor.start()
        await more(outcome, 1)
        yield Fleet(submitters, learners)
    finally:
        await kill_all(actors)


async def more(outcome: Outcome, count: int) -> None:
    """Wait until so many more submissions are acknowledged."""
    enough = len(outcome.acknowledged) + count
    await until(lambda: len(outcome.acknowledged) >= enough)


async def play(
    url: str, kinds: list[str], cuts: dict[str, Callable[[], object]], told: Callable[[str], None]
) -> Outcome:
    """One round for each of `kinds`: a name in `cuts`, or a method of Fleet; then let all be learned, and count."""
    outcome = Outcome()
    async with open_store(url) as store:  # the schema is there before anybody starts
        async with fleet(url, outcome) as running:
            for kind in kinds:
                if kind in cuts:
                    await asyncio.to_thread(cuts[kind])
                else:
                    await getattr(running, kind)()
                outcome.rounds[kind] += 1
                await more(outcome, random.randint(1, 20))
                told(kind)
            await kill_all(running.submitters)
            await all_learned(store)
        await count(store, outcome)
    return outcome


async def all_learned(store: Store) -> None:
    async def learned() -> bool:
        return not await store.groups.any_ready()

    await until(learned)


async def count(store: Store, outcome: Outcome) -> None:
    """Compare what was acknowledged, and what is said to be learned, with what is there."""
    async with store.database.read() as connection:
        found = (await connection.execute(text("SELECT id, answer FROM trajectories"))).all()
        learned = (await connection.execute(text("SELECT group_id, revision FROM learned_groups"))).all()
        wrong = (await connection.execute(text(EVIDENCE))).scalar_one()
    there = {row.id: row.answer for row in found}
    outcome.lost += [key for key, identity in outcome.acknowledged.items() if there.get(identity) != key]
    outcome.doubled += [key for key, times in Counter(there.values()).items() if times > 1]
    outcome.doubled += ["evidence"] * int(wrong)
    outcome.learned = len(learned)
    said: Counter[tuple[str, int]] = Counter()
    for library in await store.libraries.all():
        history = await store.revisions.history(library, 1_000_000)
        outcome.revisions += len(history)
        said.update((group, each.number) for each in history for group in each.groups)
    kept = Counter((row.group_id, row.revision) for row in learned if row.revision is not None)
    outcome.lost += [f"learned {each}" for each in kept - said]
    outcome.doubled += [f"learned {each}" for each in said - kept]
    outcome.lost += [f"{finding.count} × {finding.what}" for finding in await check(store.database, deep=True)]
