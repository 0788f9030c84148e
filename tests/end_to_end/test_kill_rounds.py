"""A few of the rounds that `benchmarks/kill_rounds.py` plays by the hundred."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from end_to_end.rounds import Actor, Outcome, fleet, play
from end_to_end.served_rounds import play_served
from postgresql_server import TERMINATE, PostgresqlServer

from explib.storage.store import open_store

KINDS = ["kill_a_server", "kill_a_learner", "pause_a_learner"]


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def cuts_of(engine: str, request: pytest.FixtureRequest) -> dict[str, Callable[[], object]]:
    """The ways to cut off the database, where it is a server's."""
    if engine == "sqlite":
        return {}
    server: PostgresqlServer = request.getfixturevalue("postgresql")
    return {"cut the connections": lambda: server.sql(TERMINATE), "restart the database": server.restart}


async def test_nothing_is_lost_or_doubled_whatever_is_killed_paused_or_cut_off(
    url: str, engine: str, request: pytest.FixtureRequest
) -> None:
    cuts = cuts_of(engine, request)
    outcome = await play(url, [*KINDS, *cuts], cuts, lambda _kind: None)
    assert outcome.lost == []
    assert outcome.doubled == []
    assert outcome.revisions > 0
    assert set(outcome.rounds) == {*KINDS, *cuts}


async def test_nothing_is_lost_or_doubled_whatever_befalls_real_servers(
    url: str, engine: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    cuts = cuts_of(engine, request)
    kinds = ["kill_a_server", "pause_a_server", "stop_a_server", *cuts]
    outcome = await play_served(url, kinds, cuts, lambda _kind: None, tmp_path)
    assert outcome.lost == []
    assert outcome.doubled == []
    assert outcome.revisions > 0


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_no_process_is_left_behind_where_reading_what_they_say_fails(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable(_actor: Actor, *_said: str) -> None:
        raise ValueError("what was that?")

    async with open_store(url), AsyncExitStack() as started:
        running = await started.enter_async_context(fleet(url, Outcome()))
        monkeypatch.setattr(Actor, "_acknowledged", unreadable)
        await asyncio.wait([actor.reading for actor in running.submitters if actor.reading is not None])
        with pytest.raises(ValueError, match="what was that"):
            await started.aclose()
    ends = [actor.process.returncode for actor in (*running.submitters, *running.learners) if actor.process is not None]
    assert ends == [-signal.SIGKILL] * 4
