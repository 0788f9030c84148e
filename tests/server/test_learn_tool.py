from __future__ import annotations

import pytest
from mcp import Client
from results import structured, text_of
from scripted_agent import submit
from waiting import until

from explib.settings.program import Settings
from explib.storage.store import open_store
from explib_learner.worker import lease_name
from explib_server.mcp.server import build_server


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_what_is_ready_is_learned_now_and_its_progress_told(mode: str) -> None:
    told: list[tuple[float, float | None, str | None]] = []

    async def progress(progress: float, total: float | None, message: str | None) -> None:
        told.append((progress, total, message))

    async with Client(build_server(Settings(), "off", "all"), mode=mode) as client:
        await submit(client, "parcels", "refunds")
        await submit(client, "holidays", attempts=1)
        result = await client.call_tool("learn_now", {}, progress_callback=progress)
        await until(lambda: len(told) == 2)
        said = structured(result)
        assert (said["learned"], said["groups"], said["learned_by"]) == (3, {"learned": 3}, None)
        assert [(done, total) for done, total, _ in told] == [(0, 3), (3, 3)]
        assert "default: 3 groups" in str(told[-1][2])
        assert structured(await client.call_tool("learn_now", {}))["learned"] == 0


async def test_while_another_process_learns_it_says_which() -> None:
    async with Client(build_server(Settings(), "off", "all")) as client, open_store(Settings().database_url) as store:
        await submit(client, "parcels")
        library = await store.libraries.get("default")
        assert await store.leases.acquire(lease_name(library), "another one", 60.0)
        result = await client.call_tool("learn_now", {})
    assert structured(result)["learned_by"] == "another one"


async def test_an_unknown_library_is_an_error_that_says_what_there_is() -> None:
    async with Client(build_server(Settings(), "off", "all")) as client:
        result = await client.call_tool("learn_now", {"library": "nope"})
    assert result.is_error
    assert "Known: " in text_of(result)
