"""The answers that are kept: the SDK's own, in both eras, for every toolset."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import pytest
from mcp import Client
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS, MODERN_PROTOCOL_VERSIONS

from explib.settings.program import Settings
from explib_server.mcp.server import build_server
from explib_server.mcp.stdio import Incoming, Outgoing
from explib_server.mcp.tools import Toolset
from explib_server.service.answers import ENVELOPE, OPENING, Kept, path
from explib_server.service.asking import PreparedLines, kept_answers

CLIENT = {"name": "a client", "title": "A client of another name", "version": "7"}
Message = dict[str, Any]


def legacy(version: str) -> list[Message]:
    greeting = {"protocolVersion": version, "capabilities": {"roots": {"listChanged": True}}, "clientInfo": CLIENT}
    return [asked("initialize", greeting), *(asked(method, None) for method in OPENING)]


def modern(version: str) -> list[Message]:
    meta = dict(zip(ENVELOPE, (version, CLIENT, {"elicitation": {}}), strict=True))
    return [asked(method, {"_meta": meta}) for method in ("server/discover", *OPENING)]


def asked(method: str, params: Message | None) -> Message:
    return {
        "jsonrpc": "2.0",
        "id": f"id of {method}",
        "method": method,
        **({} if params is None else {"params": params}),
    }


CONVERSATIONS = [
    *(legacy(version) for version in (*HANDSHAKE_PROTOCOL_VERSIONS, "1999-01-01")),
    *(modern(version) for version in MODERN_PROTOCOL_VERSIONS),
]


@pytest.mark.parametrize("tools", get_args(Toolset))
async def test_they_are_what_the_sdk_answers_in_every_version(tools: Toolset) -> None:
    await kept_answers(build_server(Settings(), "off", tools))
    server = build_server(Settings(library="another", analyst="agent"), "inprocess", tools)
    for conversation in CONVERSATIONS:
        lines = PreparedLines([json.dumps(message).encode() for message in conversation])
        outgoing = Outgoing(lines)
        await server.serve(Incoming(lines, outgoing), outgoing)
        answers = {answer["id"]: answer["result"] for answer in map(json.loads, lines.heard)}
        kept = Kept(tools)
        assert {message["id"]: kept.answer(message) for message in conversation} == answers


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_a_client_of_the_sdk_reads_the_same_tools(mode: str) -> None:
    server = build_server(Settings(), "off")
    await kept_answers(server)
    kept = Kept("agent")
    opening = legacy("2025-11-25") if mode == "legacy" else modern("2026-07-28")
    found = [kept.answer(message) for message in opening][1]
    async with Client(server, mode=mode) as client:
        listed = (await client.list_tools()).model_dump(by_alias=True, mode="json", exclude_none=True)
    assert found is not None
    assert found["tools"] == listed["tools"]


@pytest.mark.parametrize(
    "message",
    [
        asked("tools/list", {"cursor": "2"}),
        asked("tools/list", {"_meta": {ENVELOPE[0]: "2099-01-01", ENVELOPE[1]: CLIENT, ENVELOPE[2]: {}}}),
        asked("initialize", {"protocolVersion": "2025-06-18", "capabilities": {}}),
        asked("initialize", {"protocolVersion": 5, "capabilities": {}, "clientInfo": CLIENT}),
        asked("tools/call", {"name": "get_experiences"}),
        {"id": 1, "method": "tools/list", "params": [1]},
    ],
)
async def test_what_is_not_an_opening_request_in_good_form_is_left_to_the_sdk(message: Message) -> None:
    await kept_answers(build_server(Settings(), "off"))
    kept = Kept("agent")
    assert kept.answer(message) is None


@pytest.mark.parametrize("mode", ["legacy", "modern"])
async def test_a_host_of_apps_asks_the_sdk_for_its_tools(mode: str) -> None:
    await kept_answers(build_server(Settings(), "off", "all"))
    kept = Kept("all")
    shows: Message = {"extensions": {"io.modelcontextprotocol/ui": {}}}
    params: Message = {"_meta": dict(zip(ENVELOPE, ("2026-07-28", CLIENT, shows), strict=True))}
    if mode == "legacy":
        greeting = {"protocolVersion": "2025-11-25", "capabilities": shows, "clientInfo": CLIENT}
        assert kept.answer(asked("initialize", greeting)) is not None
        params = {}
    assert kept.answer(asked("tools/list", params)) is None
    assert kept.answer(asked("prompts/list", params)) is not None


async def test_before_a_greeting_nothing_is_listed() -> None:
    await kept_answers(build_server(Settings(), "off"))
    assert Kept("agent").answer(asked("tools/list", None)) is None


@pytest.mark.parametrize("text", [None, "{", "[]", '{"versions": 5}'])
def test_without_a_file_or_with_a_broken_one_there_are_none(text: str | None) -> None:
    if text is not None:
        Path(path("agent")).parent.mkdir(parents=True)
        Path(path("agent")).write_text(text, encoding="utf-8")
    kept = Kept("agent")
    assert kept.answer(legacy("2025-06-18")[0]) is None
    assert not kept.repeatable("get_experiences")
