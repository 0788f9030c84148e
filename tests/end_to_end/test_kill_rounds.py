"""A few of the rounds that `benchmarks/kill_rounds.py` plays by the hundred."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from end_to_end.rounds import play
from end_to_end.served_rounds import play_served
from postgresql_server import TERMINATE, PostgresqlServer

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
