"""Agents propose what a library teaches; persons decide."""

from __future__ import annotations

import pytest
from mcp import Client
from people import person_server, server_for
from results import retrieval_of, text_of

from explib.settings.program import Settings
from explib_server.auth.scopes import SCOPES_OF
from explib_server.mcp.server import build_server

LESSON = "When you call ship, call weigh before it."
OTHER = "When a search gives nothing, drop the least certain filter."


def agent() -> Client:
    return Client(build_server(Settings(), "off", "all"))


async def said(client: Client, tool: str, **arguments: object) -> str:
    return text_of(await client.call_tool(tool, arguments))


async def test_what_an_agent_adds_waits_for_a_person_and_is_served_to_nobody() -> None:
    async with agent() as client:
        done = await client.call_tool("add_experience", {"content": LESSON})
        assert done.structured_content is not None
        assert (done.structured_content["id"], done.structured_content["status"]) == ("p1", "waiting")
        assert done.structured_content["revision"] is None
        assert not done.structured_content["pinned"]
        assert "waits for a person: `explib experiences review p1 approve --library default`" in text_of(done)
        assert LESSON not in await said(client, "get_experiences", task="ship it")
        assert "p1 says exactly this and waits" in await said(client, "add_experience", content=LESSON)
    async with Client(person_server()) as person:
        await said(person, "review_experience", id="p1", decision="approve")
        assert LESSON in await said(person, "get_experiences", task="ship it")
        assert '"status":"active","version":1,"pinned":true' in await said(person, "list_experiences")


async def test_an_agents_edit_and_retirement_wait_too() -> None:
    async with Client(person_server()) as person:
        await said(person, "add_experience", content=LESSON)
    async with agent() as client:
        assert '"id":"p1","status":"waiting"' in await said(client, "edit_experience", id="e1", content=OTHER)
        assert '"id":"p2","status":"waiting"' in await said(client, "retire_experience", id="e1")
        assert LESSON in await said(client, "get_experiences", task="ship it")


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("review_experience", {"id": "e1", "decision": "approve"}),
        ("edit_experience", {"id": "e1", "pinned": True}),
        ("revert", {"revision": 0}),
        ("create_library", {"name": "default", "settings": {"review": False}, "update": True}),
    ],
)
async def test_what_is_a_persons_to_decide_is_refused_to_an_agent(tool: str, arguments: dict[str, object]) -> None:
    async with Client(person_server()) as person:
        await said(person, "add_experience", content=LESSON)
    async with agent() as client:
        refused = await client.call_tool(tool, arguments)
    assert refused.is_error
    assert "a person's decision" in text_of(refused)


async def test_a_token_grades_and_names_only_what_it_made_itself() -> None:
    scopes = SCOPES_OF["submit"]
    first_token, second_token = (server_for(token_id=token_id, scopes=scopes) for token_id in "ab")
    async with Client(first_token) as a, Client(second_token) as b:
        served = await a.call_tool("get_experiences", {"task": "t"})
        retrieval = retrieval_of(served)
        attempt = {"task": "t", "trajectory": "did it", "idempotency_key": "1"}
        foreign = await b.call_tool("submit_trajectory", {**attempt, "retrieval_id": retrieval})
        assert foreign.is_error
        first = await a.call_tool("submit_trajectory", {**attempt, "retrieval_id": retrieval})
        assert first.structured_content is not None
        own = await b.call_tool("submit_trajectory", attempt)
        assert own.structured_content is not None
        assert own.structured_content["duplicate"] is False
        for name in ({"trajectory_id": first.structured_content["trajectory_id"]}, {"retrieval_id": retrieval}):
            refused = await b.call_tool("report_reward", {"reward": 0.0, **name})
            assert refused.is_error
            assert "another token" in text_of(refused)
        assert not (await a.call_tool("report_reward", {"reward": 1.0, "retrieval_id": retrieval})).is_error
    async with Client(server_for(token_id="c", is_person=True)) as person:
        assert not (await person.call_tool("report_reward", {"reward": 0.0, "retrieval_id": retrieval})).is_error
