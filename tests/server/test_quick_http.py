"""get_experiences over HTTP by its short way: it answers what the SDK would have, and nothing that the SDK refuses."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from http.client import HTTPConnection
from typing import Any

import pytest
from server.http_cases import Answer, ask, client_with, make_library, make_token, running
from starlette.types import ASGIApp, Receive, Scope, Send

from explib.settings import Settings
from explib_server import http
from explib_server.mcp_server import build_server
from explib_server.quick_http import QuickHttp
from explib_server.toolsets import Toolset

VERSION = "2026-07-28"
META = "io.modelcontextprotocol/"
Head = list[tuple[str, str]]
HEAD: dict[str, str] = {
    "Accept": "application/json, text/event-stream",
    "Content-Type": "application/json",
    "MCP-Protocol-Version": VERSION,
    "MCP-Method": "tools/call",
    "MCP-Name": "get_experiences",
}
TASK = {"task": "the kettle leaks"}


def body(arguments: object = TASK, meta: dict[str, object] | None = None, /, **changed: object) -> dict[str, Any]:
    """A call in good order but for what is changed; what is None in `meta` is left out."""
    envelope: dict[str, object] = {
        f"{META}protocolVersion": VERSION,
        f"{META}clientInfo": {"name": "a client", "version": "1"},
        f"{META}clientCapabilities": {},
        **(meta or {}),
    }
    told = {name: value for name, value in envelope.items() if value is not None}
    params = {"name": "get_experiences", "arguments": arguments, "_meta": told}
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params} | changed


GOOD: dict[str, object] = {
    "plain": body(),
    "limited": body({**TASK, "limit": 1}),
    "all arguments": body({**TASK, "limit": None, "library": "default"}),
    "id is a text": body(id="é-1"),
    "id is large": body(id=2**70),
    "other scripts": body({"task": "der Kessel läuft aus 🫖"}),
    "control characters": body({"task": "a\x00b\u2028c"}),
    "other capabilities": body(TASK, {f"{META}clientCapabilities": {"sampling": {}, "extensions": {"x/y": {}}}}),
    "a title": body(TASK, {f"{META}clientInfo": {"name": "c", "version": "1", "title": "The client"}}),
    "a progress token": body(TASK, {"progressToken": 7}),
    "more than is known": body(TASK, {"example.org/x": [1]}) | {"more": 1},
}
BAD: dict[str, object] = {
    "no JSON": b'{"jsonrpc": ',
    "half a character": '{"jsonrpc": "\ud800"'.encode("utf-8", "surrogatepass"),
    "a batch": [body()],
    "nothing": b"",
    "a number": 7,
    "another JSON-RPC": body(jsonrpc="1.0"),
    "id is null": body(id=None),
    "id is a fraction": body(id=1.5),
    "id is a truth": body(id=True),
    "a notification": {name: value for name, value in body().items() if name != "id"},
    "another method": body(method="tools/list"),
    "no params": body(params=None),
    "params are a list": body(params=[1]),
    "no envelope": body(params={"name": "get_experiences", "arguments": TASK}),
    "envelope is a text": body(params={"name": "get_experiences", "arguments": TASK, "_meta": "x"}),
    "another version": body(TASK, {f"{META}protocolVersion": "2025-06-18"}),
    "version is a number": body(TASK, {f"{META}protocolVersion": 7}),
    "no version": body(TASK, {f"{META}protocolVersion": None}),
    "no capabilities": body(TASK, {f"{META}clientCapabilities": None}),
    "wrong capabilities": body(TASK, {f"{META}clientCapabilities": {"sampling": 7}}),
    "capabilities are a text": body(TASK, {f"{META}clientCapabilities": "all"}),
    "nobody": body(TASK, {f"{META}clientInfo": None}),
    "somebody without a name": body(TASK, {f"{META}clientInfo": {"version": "1"}}),
    "somebody is a text": body(TASK, {f"{META}clientInfo": "me"}),
    "progress token is a list": body(TASK, {"progressToken": [7]}),
    "progress token is null": body(
        params=body()["params"] | {"_meta": body()["params"]["_meta"] | {"progressToken": None}}
    ),
    "another tool": body(params=body()["params"] | {"name": "library_status", "arguments": {}}),
    "no tool": body(params=body()["params"] | {"name": None}),
    "a state": body(params=body()["params"] | {"requestState": "x"}),
    "no arguments": body(params=body()["params"] | {"arguments": None}),
    "arguments are a list": body([TASK]),
    "no task": body({}),
    "an empty task": body({"task": " "}),
    "task is a number": body({"task": 7}),
    "task is too long": body({"task": "x" * 200_000}),
    "half a character in the task": body({"task": "\ud800"}),
    "limit is nothing": body({**TASK, "limit": 0}),
    "limit is a text": body({**TASK, "limit": "1"}),
    "limit is a truth": body({**TASK, "limit": True}),
    "an unknown library": body({**TASK, "library": "another"}),
    "an unknown argument": body({**TASK, "libary": "default"}),
    "too large": body({"task": "x" * 3_000_000}),
}
GOOD_HEADS: dict[str, Head] = {
    "accepts anything": [("Accept", "*/*")],
    "a charset": [("Content-Type", "application/json; charset=utf-8")],
    "name in base64": [("MCP-Name", "=?base64?Z2V0X2V4cGVyaWVuY2Vz?=")],
    "its own page": [("Origin", "http://127.0.0.1")],
}
BAD_HEADS: dict[str, Head] = {
    "another host": [("Host", "evil.example")],
    "another page": [("Origin", "https://evil.example")],
    "another type": [("Content-Type", "text/plain")],
    "accepts nothing of ours": [("Accept", "text/html")],
    "accepts a stream only": [("Accept", "text/event-stream")],
    "another method": [("MCP-Method", "tools/list")],
    "another name": [("MCP-Name", "library_status")],
    "name in broken base64": [("MCP-Name", "=?base64?Z2V?=")],
    "name twice": [("MCP-Name", "get_experiences"), ("MCP-Name", "get_experiences")],
    "version twice": [("MCP-Protocol-Version", VERSION), ("MCP-Protocol-Version", VERSION)],
    "an older version": [("MCP-Protocol-Version", "2025-06-18")],
    "an unknown version": [("MCP-Protocol-Version", "2099-01-01")],
}


class Passed:
    """An ASGI application around another; the MCP methods of the requests that reach it, as their heads name them."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.methods: list[bytes] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            self.methods.append(dict(scope["headers"]).get(b"mcp-method", b""))
        await self._app(scope, receive, send)


@asynccontextmanager
async def both_ways(
    monkeypatch: pytest.MonkeyPatch, tools: Toolset = "agent", **chosen: Any
) -> AsyncIterator[tuple[str, str, Passed]]:
    """A server with the short way, one without, and what the first leaves to the SDK."""
    settings = Settings(**chosen)
    passed: list[Passed] = []

    def counted(app: ASGIApp, *rest: Any) -> ASGIApp:
        passed.append(Passed(app))
        return QuickHttp(passed[0], *rest)

    def served(quick: Callable[..., ASGIApp]) -> ASGIApp:
        monkeypatch.setattr(http, "QuickHttp", quick)
        return http.http_app(build_server(settings, "off", tools), settings, "127.0.0.1")

    async with running(served(counted)) as quick, running(served(lambda app, *_: app)) as usual:
        yield quick, usual, passed[0]


async def sent(address: str, asked: object, changed: Head | None = None) -> Answer:
    """The answer, without what is of one retrieval."""
    data = asked if isinstance(asked, bytes) else json.dumps(asked).encode()
    replaced = {name.lower() for name, _ in changed or []}
    head = [*((name, value) for name, value in HEAD.items() if name.lower() not in replaced), *(changed or [])]

    def once() -> Answer:
        with closing(HTTPConnection(address.removeprefix("http://"), timeout=20)) as connection:
            connection.putrequest("POST", "/mcp", skip_host="host" in replaced)
            for name, value in head:
                connection.putheader(name, value)
            connection.putheader("Content-Length", str(len(data)))
            connection.endheaders(data)
            answer = connection.getresponse()
            said = re.sub(r"\br_[0-9A-Za-z]+", "r", answer.read().decode())
            told = {"content-type": answer.headers["content-type"] or ""}
            return Answer(answer.status, told, json.dumps(json.loads(said)) if said[:1] == "{" else said)

    return await asyncio.to_thread(once)


@pytest.mark.parametrize("tools", ["agent", "all"])
async def test_both_ways_give_the_same_answer_to_every_call_good_or_bad(
    tools: Toolset, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make_library("default", "When a kettle leaks, descale it.")
    async with both_ways(monkeypatch, tools, max_request_bytes=2_000_000) as (quick, usual, passed):
        for name, asked in (GOOD | BAD).items():
            assert await sent(quick, asked) == await sent(usual, asked), name
        for name, head in (GOOD_HEADS | BAD_HEADS).items():
            assert await sent(quick, body(), head) == await sent(usual, body(), head), name
        assert len(passed.methods) >= len(BAD)


async def test_the_short_way_is_taken_by_calls_in_good_order_only(monkeypatch: pytest.MonkeyPatch) -> None:
    await make_library("default", "When a kettle leaks, descale it.")
    async with both_ways(monkeypatch) as (quick, _, passed):
        for name, asked in GOOD.items():
            answer = await sent(quick, asked)
            assert (answer.status, passed.methods) == (200, []), name
            assert "descale" in answer.body
        for name, head in GOOD_HEADS.items():
            assert (await sent(quick, body(), head)).status == 200, name
        for name, asked in BAD.items():
            passed.methods.clear()
            await sent(quick, asked)
            assert len(passed.methods) == 1, name
        for name, head in BAD_HEADS.items():
            passed.methods.clear()
            await sent(quick, body(), head)
            assert len(passed.methods) == 1, name


async def test_a_token_opens_its_own_libraries_by_the_short_way_too(monkeypatch: pytest.MonkeyPatch) -> None:
    await make_library("theirs", "When a kettle leaks, call Bob.")
    await make_library("ours", "When a kettle leaks, descale it.")
    ours, reward = await make_token("ours", scope="read"), await make_token("ours", scope="reward")
    async with both_ways(monkeypatch) as (quick, usual, passed):
        own = await sent(quick, body(), [("Authorization", f"Bearer {ours}")])
        assert ("descale" in own.body, passed.methods) == (True, [])
        for secret in (ours, reward, "wrong"):
            head = [("Authorization", f"Bearer {secret}")]
            theirs = await sent(quick, body({**TASK, "library": "theirs"}), head)
            assert theirs == await sent(usual, body({**TASK, "library": "theirs"}), head)
            assert "Bob" not in theirs.body
        assert (await sent(quick, body())).status == 401


async def test_what_fails_unexpectedly_is_logged_and_told_by_the_usual_way(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await make_library("default", "When a kettle leaks, descale it.")

    async def broken(*_: object) -> None:
        raise ZeroDivisionError

    async with both_ways(monkeypatch) as (quick, usual, passed):
        monkeypatch.setattr("explib_server.quick_answers.fetched", broken)
        assert await sent(quick, body()) == await sent(usual, body())
        assert passed.methods == [b"tools/call"]
    assert "the short way failed" in caplog.text


async def test_the_sdks_client_is_answered_by_it(monkeypatch: pytest.MonkeyPatch) -> None:
    await make_library("default", "When a kettle leaks, descale it.")
    async with both_ways(monkeypatch) as (quick, _, passed), client_with(quick, None) as client:
        answer = await client.call_tool("get_experiences", {"task": "the kettle leaks"})
        assert "descale" in str(answer.content)
        assert b"tools/call" not in passed.methods


async def test_no_tool_has_a_parameter_that_is_repeated_in_a_header() -> None:
    """The SDK would compare such a parameter with its header; the short way does not look for any."""
    for tool in await build_server(Settings(), "off", "all").list_tools():
        assert "x-mcp-header" not in json.dumps(tool.input_schema)


async def test_other_pages_are_reached_past_it() -> None:
    settings = Settings()
    async with running(http.http_app(build_server(settings, "off"), settings, "127.0.0.1")) as address:
        assert (await ask(address, "/health")).status == 200
        assert (await ask(address, "/mcp", method="GET", body="")).status in {400, 406}
