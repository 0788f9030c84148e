"""Votes as agents and people give them: the MCP tool, the command line, and where they are shown."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from mcp import Client
from mcp.types import CallToolResult, Implementation
from people import server_for
from results import lessons_of, structured, text_of

from explib.evidence.votes import REASON_CHARACTERS
from explib.models.libraries import LibrarySettings
from explib.models.revisions import Operation
from explib.settings.program import Settings
from explib.storage.revisions.proposal import Proposal
from explib.storage.store import open_store
from explib_server.cli import main
from explib_server.mcp.server import build_server

LESSON = "When you call ship, call weigh before it."
ADDRESS = "someone@example.org"


@pytest.fixture(autouse=True)
async def _a_lesson() -> None:
    async with open_store(Settings().database_url) as store:
        library = await store.libraries.ensure("default", LibrarySettings())
        adding = Operation("ADD", "because", content=LESSON)
        await store.revisions.commit(Proposal(library, "by hand", "test", "contrast", (adding,)))


@asynccontextmanager
async def agent(name: str) -> AsyncIterator[Client]:
    server = server_for(Settings(redact_personal=True), token_id=name)
    async with Client(server, client_info=Implementation(name=name, version="1")) as client:
        yield client


async def vote(name: str, opinion: str, **more: str) -> CallToolResult:
    async with agent(name) as client:
        return await client.call_tool("vote_experience", {"id": "e1", "vote": opinion, **more})


async def test_three_agents_vote_it_down_and_it_is_no_longer_served() -> None:
    await vote("one", "down")
    await vote("two", "down")
    repeated = await vote("two", "down")
    assert repeated.structured_content == {
        "id": "e1",
        "version": 1,
        "up": 0,
        "down": 2,
        "verdict": "open",
        "status": "candidate",
        "revision": None,
        "note": "It is retired at 3 different voters down and none up, active at 3 up.",
    }
    last = await vote("three", "down", reason="The scale is broken.")
    assert "It is no longer served from revision 2 on." in text_of(last)
    async with agent("four") as client:
        served = await client.call_tool("get_experiences", {"task": "ship it"})
        status = await client.call_tool("library_status", {})
    assert lessons_of(served) == {}
    assert structured(status)["votes"] == {"up": 0, "down": 3, "backed": 0, "rejected": 1}


async def test_votes_are_shown_on_the_page_with_their_reasons_redacted() -> None:
    await vote("one", "up", reason=f"Helped,\n says {ADDRESS}.")
    async with agent("one") as client:
        [page] = (await client.read_resource("experience://default/e1")).contents
    shown = page.model_dump()["text"]
    assert (
        "## Votes\n1 up, 0 down. Opinions, one a voter; rewards are measured apart.\n- up (token one): Helped, says "
        in shown
    )
    assert ADDRESS not in shown


async def test_a_wrong_vote_says_what_to_do() -> None:
    async with agent("one") as client:
        unknown = await client.call_tool("vote_experience", {"id": "e9", "vote": "up"})
        long = {"id": "e1", "vote": "up", "reason": "x" * (REASON_CHARACTERS + 1)}
        wordy = await client.call_tool("vote_experience", long)
        neither = await client.call_tool("vote_experience", {"id": "e1", "vote": "maybe"})
    assert "has no experience 'e9': pass an id that get_experiences served" in text_of(unknown)
    assert "the limit is 500" in text_of(wordy)
    assert all(each.is_error for each in (unknown, wordy, neither))


def explib(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    monkeypatch.setattr(sys, "argv", ["explib", *arguments])
    capsys.readouterr()
    with pytest.raises(SystemExit):
        main()
    return capsys.readouterr().out


def test_people_vote_on_the_command_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("EXPLIB_EMBEDDER", "none")
    for voter in ("ann", "bob", "cem"):
        monkeypatch.setenv("LOGNAME", voter)
        said = explib(monkeypatch, capsys, "experiences", "vote", "e1", "up")
    assert said == "Counted: e1 has 3 up, 0 down (version 1). It is active from revision 2 on.\n"
    assert "(votes: 3 up, 0 down)" in explib(monkeypatch, capsys, "experiences", "list")
    [listed] = json.loads(explib(monkeypatch, capsys, "experiences", "list", "--json"))
    assert (listed["status"], listed["votes"]) == ("active", {"up": 3, "down": 0})


async def test_over_stdio_there_is_one_voter_whatever_its_clients_call_themselves() -> None:
    for name in ("one", "two", "three"):
        async with Client(
            build_server(Settings(), "off", "all"), client_info=Implementation(name=name, version="1")
        ) as c:
            last = await c.call_tool("vote_experience", {"id": "e1", "vote": "down"})
    assert last.structured_content is not None
    assert (last.structured_content["down"], last.structured_content["verdict"]) == (1, "open")
