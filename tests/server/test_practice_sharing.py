"""One run that several machines make: here two applications on one database, with engines that answer at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from explib.errors import InvalidInput, NotFound
from explib.models.json_value import Json
from explib.models.libraries import LibrarySettings
from explib.storage.store import Store
from explib_server.practice import sharing
from explib_server.practice.journal import Journal
from explib_server.practice.protocol import Broken, Event, Finished, Rollout
from explib_server.practice.sharing import LEAD, LeadingEngine, Shared
from explib_server.practice.tasks import PracticeTask

SAID: list[Json] = [{"role": "assistant", "content": "done"}]
ROLLOUTS = [
    Rollout(f"k{number}", PracticeTask(f"t{number}", "Send it."), "a lesson", f"r{number}", 3) for number in range(6)
]
pytestmark = pytest.mark.parametrize("engine", ["sqlite", "postgresql"])


def finished(rollout: Rollout, model: str) -> Finished:
    return Finished(rollout.key, rollout.task.id, SAID, "done", 1.0, model=model)


@dataclass
class Here:
    """The engine of the leading machine; `breaks` are keys of rollouts that break."""

    breaks: set[str] = field(default_factory=set)
    made: list[str] = field(default_factory=list)
    reason: str = ""
    stopped: bool = False

    async def batch(self, folder: Path, rollouts: list[Rollout]) -> AsyncIterator[Event]:
        for rollout in rollouts:
            if self.stopped:
                break
            self.made.append(rollout.key)
            broken = rollout.key in self.breaks
            yield (
                Event("broken", broken=Broken(rollout.key, "503"))
                if broken
                else Event("finished", finished=finished(rollout, "here"))
            )
        yield Event("batch", reason=self.reason)

    async def stop(self) -> None:
        self.stopped = True


@asynccontextmanager
async def shared_run(store: Store) -> AsyncIterator[Shared]:
    library = await store.libraries.ensure("default", LibrarySettings())
    await store.practice.begin(library, "run", {})
    yield Shared(store.practice, library, "run")


async def outcomes(leading: LeadingEngine, rollouts: list[Rollout]) -> list[Event]:
    return [event async for event in leading.batch(Path(), rollouts)]


@pytest.fixture(autouse=True)
def _looks_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "LOOK_SECONDS", 0.01)


async def test_each_rollout_of_a_batch_is_made_once_here_or_there(store: Store) -> None:
    async with shared_run(store) as shared:
        here = Here(breaks={"k4"})
        await shared.publish(ROLLOUTS)
        theirs = await shared.take("there", 2)

        async def there() -> None:
            for rollout in theirs:
                await shared.settle("there", finished(rollout, "there"))

        events, _ = await asyncio.gather(outcomes(LeadingEngine(here, shared, 2), ROLLOUTS), there())
        made = {event.finished.key: event.finished.model for event in events if event.finished}
        assert made == {"k0": "there", "k1": "there", "k2": "here", "k3": "here", "k5": "here"}
        assert [event.broken.key for event in events if event.broken] == ["k4"]
        assert events[-1] == Event("batch")
        assert (here.made, await shared.settled()) == (["k2", "k3", "k4", "k5"], [])


async def test_a_run_that_stops_begins_no_further_one_and_waits_for_those_elsewhere(store: Store) -> None:
    async with shared_run(store) as shared:
        await shared.publish(ROLLOUTS)
        [theirs] = await shared.take("there", 1)
        leading = LeadingEngine(Here(reason="the task is broken"), shared, 1)
        events: list[Event] = []
        async for event in leading.batch(Path(), ROLLOUTS):
            events.append(event)
            if len(events) == 1:
                await leading.stop()
                await shared.settle("there", finished(theirs, "there"))
        assert [event.finished.key for event in events if event.finished] == ["k1", "k0"]
        assert events[-1] == Event("batch", reason="the task is broken")


async def test_what_others_finished_while_the_run_was_dead_is_written_down_with_what_it_saw(
    store: Store, tmp_path: Path
) -> None:
    async with shared_run(store) as shared:
        await shared.publish(ROLLOUTS)
        await shared.take(LEAD, 2)
        for rollout in await shared.take("there", 2):
            await shared.settle("there", finished(rollout, "there"))
        with closing(Journal(tmp_path / "run")) as journal:
            await shared.gather(journal)
            assert journal.retrievals == {"k2": ("r2", 3), "k3": ("r3", 3)}
        assert await shared.take("late", 9) == []


async def test_one_that_broke_elsewhere_is_left_to_others_after_a_while(store: Store) -> None:
    async with shared_run(store) as shared:
        await shared.publish(ROLLOUTS[:1])
        await shared.take("there", 1)
        await shared.leave("there", "k0")
        assert await shared.take("there", 1) == []
        assert await shared.begun() == {"k0"}
        await store.practice.leave(shared.library, "run", "k0", "", -1.0)
        assert [rollout.key for rollout in await shared.take(LEAD, 1)] == ["k0"]


async def test_only_a_run_that_goes_on_can_be_joined(store: Store) -> None:
    async with shared_run(store) as shared:
        assert (await sharing.run_going_on(store, shared.library, "run")).id == "run"
        with pytest.raises(NotFound, match="has no run other"):
            await sharing.run_going_on(store, shared.library, "other")
        await store.practice.end(shared.library, "run", {})
        assert not await shared.goes_on()
        with pytest.raises(InvalidInput, match="is not going on"):
            await sharing.run_going_on(store, shared.library, "run")
