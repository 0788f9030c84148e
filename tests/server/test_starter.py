"""Who starts the learner process, and who doesn't."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from explib.models.submissions import RawSubmission
from explib.settings.program import Settings
from explib_learner.worker import lease_name
from explib_server.compose import open_application
from explib_server.learner_process import detached, starter
from explib_server.learner_process.process import START_LEASE, learn_until_idle, process_lease
from explib_server.learner_process.starter import learner_process


@pytest.fixture
def starts(monkeypatch: pytest.MonkeyPatch) -> list[Settings]:
    """The starts that were asked for; none is made."""
    made: list[Settings] = []
    monkeypatch.setattr(detached, "start_detached", made.append)
    monkeypatch.setattr(starter, "POLL_SECONDS", 600.0)
    return made


async def ready() -> None:
    async with open_application(Settings()) as application:
        library = await application.library()
        for number in range(4):
            await application.submit(library, RawSubmission("t", f"did {number}", float(number % 2)))
        assert await application.store.groups.libraries_with_work()


async def closed_together(count: int, *, stopping: bool) -> None:
    """Servers that close at the same time, on work that came in as they did."""
    async with AsyncExitStack() as open_ones:
        applications = [await open_ones.enter_async_context(open_application(Settings())) for _ in range(count)]
        contexts = [learner_process(application, lambda: stopping) for application in applications]
        for context in contexts:
            await context.__aenter__()
        await ready()
        await asyncio.gather(*(context.__aexit__(None, None, None) for context in contexts))


async def test_of_servers_that_close_together_one_starts_the_learner(starts: list[Settings]) -> None:
    await closed_together(3, stopping=False)
    assert len(starts) == 1


async def test_a_server_that_a_signal_ends_starts_nothing(starts: list[Settings]) -> None:
    await closed_together(2, stopping=True)
    assert starts == []


async def test_a_learner_that_begins_leaves_the_start_to_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPLIB_LEARNER_IDLE_SECONDS", "0")
    async with open_application(Settings()) as application:
        leases = application.store.leases
        assert await leases.acquire(START_LEASE, "another server", 600.0) is not None
        assert await learn_until_idle(application, _nothing)
        assert await process_lease(application.store) is None
        assert await leases.acquire(START_LEASE, "this server", 600.0) is not None


async def test_a_learner_ends_where_all_that_is_ready_is_held_by_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPLIB_LEARNER_IDLE_SECONDS", "0.2")
    await ready()
    async with open_application(Settings()) as application, asyncio.timeout(60):
        library = await application.library()
        assert await application.store.leases.acquire(lease_name(library), "another", 600.0) is not None
        assert await learn_until_idle(application, _nothing)
        assert await application.store.groups.libraries_with_work() == ["default"]


async def _nothing(_run: object) -> None:
    """What is told of runs here."""
