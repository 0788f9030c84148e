"""A few of the rounds that `benchmarks/kill_rounds.py` plays by the hundred."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from end_to_end.rounds import play
from postgresql_server import TERMINATE, PostgresqlServer

KINDS = ["kill_a_server", "kill_a_learner", "pause_a_learner"]


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def test_nothing_is_lost_or_doubled_whatever_is_killed_paused_or_cut_off(
    url: str, engine: str, request: pytest.FixtureRequest
) -> None:
    cuts: dict[str, Callable[[], object]] = {}
    if engine == "postgresql":
        server: PostgresqlServer = request.getfixturevalue("postgresql")
        cuts = {"cut the connections": lambda: server.sql(TERMINATE), "restart the database": server.restart}
    outcome = await play(url, [*KINDS, *cuts], cuts, lambda _kind: None)
    assert outcome.lost == []
    assert outcome.doubled == []
    assert outcome.revisions > 0
    assert set(outcome.rounds) == {*KINDS, *cuts}
