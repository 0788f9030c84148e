"""Curating over HTTP: signed with the token's name, and never beyond its libraries."""

from __future__ import annotations

import pytest
from results import structured, text_of
from server.http_cases import client_with, http_server, make_library, make_token

AIRLINE = "When a flight is cancelled, look at the fare rules first."
RETAIL = "When an order is late, ask the carrier before the customer does."


async def test_a_curator_changes_their_own_library_under_their_name_and_sees_no_other() -> None:
    await make_library("airline", AIRLINE)
    await make_library("retail", RETAIL)
    secret = await make_token("airline", scope="curate")
    async with http_server() as address, client_with(address, secret) as client:
        added = await client.call_tool("add_experience", {"content": RETAIL, "reason": "asked by the desk"})
        assert not added.is_error, text_of(added)
        assert '"name":"airline"' in text_of(await client.call_tool("list_libraries", {}))
        assert "retail" not in text_of(await client.call_tool("list_libraries", {}))
        history = await client.call_tool("history", {"library": "airline"})
        assert isinstance(history.structured_content, dict)
        newest = history.structured_content["revisions"][0]
        assert (newest["author"], newest["cause"]) == ("tester", "asked by the desk")


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("list_experiences", {}),
        ("add_experience", {"content": AIRLINE}),
        ("edit_experience", {"id": "e1", "content": AIRLINE}),
        ("retire_experience", {"id": "e1"}),
        ("review_experience", {"id": "e1", "decision": "reject"}),
        ("history", {}),
        ("revert", {"revision": 0}),
        ("create_library", {"name": "retail", "update": True, "settings": {"review": True}}),
        ("create_library", {"name": "third"}),
    ],
)
async def test_no_tool_of_a_curator_reaches_beyond_the_tokens_libraries(
    tool: str, arguments: dict[str, object]
) -> None:
    await make_library("airline", AIRLINE)
    await make_library("retail", RETAIL)
    secret = await make_token("airline", scope="admin")
    given = arguments if tool == "create_library" else {**arguments, "library": "retail"}
    async with http_server() as address, client_with(address, secret) as client:
        refused = await client.call_tool(tool, given)
    assert refused.is_error
    assert "There is no library" in text_of(refused)
    assert "Known: airline. Pass" in text_of(refused)
    async with http_server() as address, client_with(address, await make_token("retail")) as client:
        listed = structured(await client.call_tool("list_experiences", {}))
    assert (listed["library"], listed["revision"], listed["total"]) == ("retail", 1, 1)
    assert RETAIL in str(listed["experiences"])
