"""One run on several machines: its process publishes each batch in the database, and whoever joined takes of it too.

Only making rollouts is shared. Lessons, the journal, rewards and learning stay with the process that leads the run.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from explib.errors import InvalidInput, ModelUnavailable, NotFound
from explib.ids import new_id
from explib.models.libraries import Library
from explib.models.practice import PracticeRun, SharedRollout
from explib.storage.learning.practice import PracticeRuns
from explib.storage.store import Store
from explib_server.application import Application
from explib_server.practice.engine_process import engine_process
from explib_server.practice.journal import Journal, practice_folder
from explib_server.practice.loop import BROKEN_IN_A_ROW, LOOK_SECONDS, MakesRollouts, Progress
from explib_server.practice.protocol import Broken, EngineSpec, Event, Finished, Rollout, read_event, read_rollouts

LEAD = "lead"
"""Who holds what the leading process is at; there is one, for it locks the journal."""
LEASE_SECONDS = 60.0
AHEAD = 2
"""Rollouts that a machine takes at a time, for each that it makes at once."""


@dataclass(frozen=True, slots=True)
class Joining:
    """What a machine is told that joins a run."""

    run: str
    what: str | None = None
    """Where the tasks are here, if elsewhere than on the leading machine."""
    concurrency: int = 10


@dataclass(frozen=True, slots=True)
class Shared:
    """The rollouts of one run that are in the database."""

    runs: PracticeRuns
    library: Library
    run: str

    async def publish(self, rollouts: list[Rollout]) -> None:
        """Anybody may take these."""
        wanted = {rollout.key: json.loads(json.dumps(asdict(rollout))) for rollout in rollouts}
        await self.runs.publish(self.library, self.run, wanted)

    async def take(self, holder: str, number: int) -> list[Rollout]:
        """Some that nobody is at, from now on the holder's."""
        taken = await self.runs.take(self.library, self.run, holder, number, LEASE_SECONDS)
        return [_rollout(each) for each in taken]

    async def settle(self, holder: str, outcome: Finished | Broken) -> None:
        """What came of a rollout."""
        line = {"event": "finished" if isinstance(outcome, Finished) else "broken", **asdict(outcome)}
        await self.runs.settle(self.library, self.run, outcome.key, holder, line)

    async def leave(self, holder: str, key: str) -> None:
        """Leave a rollout to others, after a while."""
        await self.runs.leave(self.library, self.run, key, holder, LEASE_SECONDS)

    async def settled(self) -> list[SharedRollout]:
        """Those of which something came."""
        return await self.runs.settled(self.library, self.run)

    async def begun(self) -> set[str]:
        """Keys of those that somebody is at or has made; the others are not wanted any more."""
        await self.runs.withdraw(self.library, self.run, LEAD)
        taken = await self.runs.taken(self.library, self.run)
        return {each.key for each in [*taken, *await self.settled()]}

    async def drop(self, keys: list[str]) -> None:
        """They are written down elsewhere."""
        await self.runs.drop(self.library, self.run, keys)

    async def goes_on(self) -> bool:
        """Whether the leading process has not ended the run."""
        return any(each.id == self.run and each.ended_at is None for each in await self.runs.all(self.library))

    @asynccontextmanager
    async def keeping(self, holder: str) -> AsyncIterator[None]:
        """What the holder is at stays the holder's."""

        async def keep() -> None:
            while True:
                await asyncio.sleep(LEASE_SECONDS / 3)
                await self.runs.prolong(self.library, self.run, holder, LEASE_SECONDS)

        task = asyncio.create_task(keep())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def gather(self, journal: Journal) -> None:
        """Write down what others finished after an earlier start was ended, and wait for what they are at."""
        while True:
            begun = await self.begun()
            settled = await self.settled()
            for each in settled:
                event, rollout = _event(each), _rollout(each)
                if event.finished is not None and each.key not in journal.finished:
                    journal.finish(event.finished, rollout.retrieval_id, rollout.revision)
            made = [each.key for each in settled]
            await self.drop(made)
            if begun <= set(made):
                return
            await asyncio.sleep(LOOK_SECONDS)


@dataclass(slots=True)
class LeadingEngine:
    """Makes the rollouts of a batch together with those that joined the run, and tells of all of them."""

    engine: MakesRollouts
    shared: Shared
    at_a_time: int
    _stopping: bool = False
    _reason: str = ""
    """Why the engine could not run what it was given."""

    async def batch(self, folder: Path, rollouts: list[Rollout]) -> AsyncIterator[Event]:
        """Have these made; each one as it ends, then one event `batch`."""
        self._stopping, self._reason = False, ""
        await self.shared.publish(rollouts)
        left = {rollout.key for rollout in rollouts}
        while left:
            if self._stopping:
                left &= await self.shared.begun()
            mine = [] if self._stopping else await self.shared.take(LEAD, self.at_a_time)
            async for event in self._own(folder, mine) if mine else self._theirs(left):
                if outcome := event.finished or event.broken:
                    left.discard(outcome.key)
                    yield event
            if left and not mine:
                await asyncio.sleep(LOOK_SECONDS)
        await self.shared.drop([rollout.key for rollout in rollouts])
        yield Event("batch", reason=self._reason)

    async def stop(self) -> None:
        """Begin no further one of the batch."""
        self._stopping = True
        await self.engine.stop()

    async def _own(self, folder: Path, mine: list[Rollout]) -> AsyncIterator[Event]:
        async with self.shared.keeping(LEAD):
            async for event in self.engine.batch(folder, mine):
                if outcome := event.finished or event.broken:
                    await self.shared.settle(LEAD, outcome)
                elif event.reason:
                    self._stopping, self._reason = True, event.reason
                yield event

    async def _theirs(self, left: set[str]) -> AsyncIterator[Event]:
        for each in await self.shared.settled():
            if each.key in left:
                yield _event(each)


async def join_run(application: Application, library: Library, given: Joining, progress: Progress) -> int:
    """Take rollouts of a run until it ends; how many were made here.

    One that breaks here is left to others. Raises NotFound, InvalidInput, and ModelUnavailable where they only break.
    """
    run = await run_going_on(application.store, library, given.run)
    shared = Shared(application.store.practice, library, run.id)
    place = practice_folder(application.settings.database_url)
    spec = EngineSpec.read(json.dumps(run.engine))
    spec = replace(spec, what=given.what or spec.what, concurrency=given.concurrency)
    holder, made, in_a_row = f"{socket.gethostname()[:40]} {new_id('w')}", 0, 0
    folder = place / run.id
    folder.mkdir(exist_ok=True)
    async with engine_process(place) as engine:
        await engine.begin(spec)
        while await shared.goes_on():
            mine = await shared.take(holder, AHEAD * given.concurrency)
            if not mine:
                await asyncio.sleep(LOOK_SECONDS)
                continue
            async with shared.keeping(holder):
                async for event in engine.batch(folder, mine):
                    if event.finished:
                        made, in_a_row = made + 1, 0
                        await shared.settle(holder, event.finished)
                        progress.rollout(event.finished)
                    elif event.broken:
                        in_a_row += 1
                        await shared.leave(holder, event.broken.key)
                        progress.broken(event.broken)
                        if in_a_row >= BROKEN_IN_A_ROW:
                            await engine.stop()
            if in_a_row >= BROKEN_IN_A_ROW:
                raise ModelUnavailable(
                    f"{in_a_row} rollouts in a row broke here, so this machine takes no more of run {run.id}; "
                    "others do. Correct what is said above, and join again."
                )
    return made


async def run_going_on(store: Store, library: Library, name: str) -> PracticeRun:
    """The run that is to be joined. Raises NotFound, and InvalidInput where it has ended."""
    runs = await store.practice.all(library)
    run = next((each for each in runs if each.id == name), None)
    if run is None:
        raise NotFound(f"Library {library.name} has no run {name}: `explib history` shows its runs.")
    if run.ended_at is not None:
        raise InvalidInput(f"Run {name} is not going on: begin it again by its own command, then join it.")
    return run


def _event(settled: SharedRollout) -> Event:
    """What came of a rollout, as the engine would tell it."""
    return read_event(json.dumps(settled.outcome))


def _rollout(shared: SharedRollout) -> Rollout:
    [rollout] = read_rollouts([shared.rollout])
    return rollout
