"""Signed rewards from the key to the stored reward, through the command line and the MCP tools."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from mcp import Client
from mcp.types import CallToolResult
from results import structured, text_of

from explib.evidence.signatures import sign
from explib.models.libraries import LibrarySettings
from explib.settings.program import Settings
from explib.storage.store import open_store
from explib_server.cli import main
from explib_server.mcp.server import build_server


@asynccontextmanager
async def connected() -> AsyncIterator[Client]:
    async with Client(build_server(Settings(), "off")) as client:
        yield client


async def new_key(*libraries: str) -> str:
    async with open_store(Settings().database_url) as store:
        _, secret = await store.tokens.create("ci", "reward", libraries, None)
        return secret


async def submitted(client: Client, reward: float | None = None) -> str:
    arguments: dict[str, object] = {"task": "ship it", "trajectory": "I shipped it."}
    result = await client.call_tool("submit_trajectory", arguments | ({} if reward is None else {"reward": reward}))
    assert result.structured_content is not None
    return str(result.structured_content["trajectory_id"])


async def report(client: Client, identity: str, reward: float, signature: str) -> CallToolResult:
    named = {"trajectory_id": identity, "reward": reward, "signature": signature}
    return await client.call_tool("report_reward", named)


async def test_a_reward_signed_on_the_command_line_is_taken_and_a_forged_one_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EXPLIB_REWARD_KEY", await new_key("default"))
    async with connected() as client:
        identity = await submitted(client)
        monkeypatch.setattr(sys, "argv", ["explib", "token", "sign", identity, "0.75"])
        with pytest.raises(SystemExit):
            main()
        signature = capsys.readouterr().out.strip()
        forged = await report(client, identity, 1.0, signature)
        assert "fits no reward key of this library" in text_of(forged)
        taken = await report(client, identity, 0.75, signature)
        assert structured(taken)["trajectory_id"] == identity
        replaced = await client.call_tool("report_reward", {"trajectory_id": identity, "reward": 0.0})
        assert "only a signed one corrects it" in text_of(replaced)


async def test_a_key_of_another_library_signs_nothing_here() -> None:
    foreign = await new_key("other")
    async with connected() as client:
        identity = await submitted(client)
        refused = await report(client, identity, 1.0, sign(foreign, identity, 1.0, 1_000))
    assert refused.is_error


async def test_a_library_of_signed_rewards_says_that_an_unsigned_one_proves_nothing() -> None:
    async with open_store(Settings().database_url) as store:
        await store.libraries.ensure("default", LibrarySettings(signed_rewards_only=True))
    key = await new_key("default")
    async with connected() as client:
        result = await client.call_tool("submit_trajectory", {"task": "ship it", "trajectory": "Done.", "reward": 1.0})
        assert "not counted as evidence in this library" in text_of(result)
        identity = await submitted(client)
        counted = await report(client, identity, 1.0, sign(key, identity, 1.0, 1_000))
    assert "not counted as evidence" not in text_of(counted)
