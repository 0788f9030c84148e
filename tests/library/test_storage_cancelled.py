"""A database that is left at any moment, while it is opened, used or closed: every connection is closed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest
from cancelling import CutOff, files_open, until_nothing_is
from sqlalchemy import make_url
from stores import opened

from explib.ids import new_id
from explib.models.libraries import LibrarySettings
from explib.models.retrievals import Retrieval
from explib.models.submissions import Submission
from explib.models.trajectories import Step
from explib.storage.store import open_store

CONNECTIONS = "SELECT 'pid ' || pid || ': ' || query FROM pg_stat_activity WHERE datname = '{database}';"


@pytest.fixture
def left(engine: str, url: str, tmp_path: Path, request: pytest.FixtureRequest) -> Callable[[], list[str]]:
    """The connections to the test's database."""
    if engine == "sqlite":
        return lambda: files_open(tmp_path)
    server = request.getfixturevalue("postgresql")
    statement = CONNECTIONS.format(database=make_url(url).database)
    return lambda: [line for line in server.sql(statement).splitlines() if "pid" in line]


async def used(url: str) -> None:
    async with open_store(url) as store:
        library = await store.libraries.ensure("default", LibrarySettings())
        store.retrievals.record_behind(library, Retrieval(new_id("r"), "fly", 0, (), 0.0))
        attempt = Submission("fly", (Step("assistant", "flew"),), reward=1.0)
        await store.trajectories.submit(library, attempt)
        await store.libraries.overview(library)


@pytest.mark.skipif(sys.platform != "linux", reason="what is open is found in /proc")
@pytest.mark.parametrize("then", [0, 1000], ids=["once", "at every wait"])
@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
async def test_whoever_is_cancelled_leaves_no_connection(
    engine: str, url: str, left: Callable[[], list[str]], then: int
) -> None:
    for work in (opened, used):  # the second has the tables that the first has made in the end
        for at in count(1):
            if not await CutOff(work(url), at, then).cut():
                break
            await until_nothing_is(left)
        assert at > 5
