"""Two tokens for two libraries: each sees its own and nothing of the other's. Nobody else sees anything."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp.types import CallToolResult, ResourceTemplateReference
from results import retrieval_of, text_of
from server.http_cases import ERAS, LISTING, ask, client_with, http_server, make_library, make_token

from explib.models.access import TokenScope
from explib.models.revisions import Operation
from explib.settings.program import Settings
from explib.storage.revisions.proposal import Proposal
from explib.storage.store import open_store

AIR, SEA = "When boarding, weigh the bags.", "When sailing, mind the tide."
MODERN_CALL = {"MCP-Protocol-Version": "2026-07-28", "MCP-Method": "tools/call", "MCP-Name": "get_experiences"}
MODERN_FETCH = json.dumps(
    {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {
            "name": "get_experiences",
            "arguments": {"task": "weigh the bags before boarding"},
            "_meta": {
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
                "io.modelcontextprotocol/clientCapabilities": {},
            },
        },
    }
)
TEMPLATE = ResourceTemplateReference(type="ref/resource", uri="experience://{library}/{id}")


@dataclass(frozen=True, slots=True)
class Team:
    address: str
    airline: str
    shipping: str


@asynccontextmanager
async def team(scope: TokenScope = "curate") -> AsyncIterator[Team]:
    await make_library("airline", AIR)
    await make_library("shipping", SEA)
    airline, shipping = await make_token("airline", scope=scope), await make_token("shipping", scope=scope)
    async with http_server() as address:
        yield Team(address, airline, shipping)


def said(result: CallToolResult) -> str:
    return f"{text_of(result)}\n{result.structured_content}"


async def attempt(client: Client, tool: str, **arguments: object) -> str:
    return said(await client.call_tool(tool, arguments))


@pytest.mark.parametrize("mode", ERAS)
async def test_without_naming_one_a_token_works_in_its_only_library(mode: str) -> None:
    async with team() as it, client_with(it.address, it.airline, mode) as client:
        served = await client.call_tool("get_experiences", {"task": "weigh the bags before boarding"})
        assert AIR in said(served)
        assert '"library":"airline","revision":1' in await attempt(client, "library_status")


@pytest.mark.parametrize("mode", ERAS)
async def test_every_tool_answers_for_another_library_as_if_there_were_none(mode: str) -> None:
    async with team() as it, client_with(it.address, it.airline, mode) as client:
        listed = {tool.name: tool.input_schema["properties"] for tool in (await client.list_tools()).tools}
        arguments = {
            "task": "sail",
            "trajectory": "x",
            "id": "e1",
            "reason": "r",
            "content": "When sailing, mind the wind.",
            "vote": "up",
            "decision": "approve",
            "revision": 1,
            "limit": 5,
        }
        for library in ("shipping", "nowhere"):
            for tool, properties in listed.items():
                if "library" in properties:
                    given = {name: value for name, value in arguments.items() if name in properties}
                    result = await client.call_tool(tool, {**given, "library": library})
                    assert result.is_error, tool
                    text = said(result).replace(library, "")
                    assert "shipping" not in text, tool
                    assert SEA not in text, tool
                    assert "Known: airline." in text, (tool, text)


@pytest.mark.parametrize("mode", ERAS)
async def test_ids_of_another_librarys_attempts_are_unknown(mode: str) -> None:
    async with team() as it:
        async with client_with(it.address, it.shipping, mode) as theirs:
            served = {"retrieval_id": retrieval_of(await theirs.call_tool("get_experiences", {"task": "sail"}))}
            fields = {"task": "sail", "trajectory": "sailed", **served}
            stored = (await theirs.call_tool("submit_trajectory", fields)).structured_content or {}
        async with client_with(it.address, it.airline, mode) as client:
            for name in ("trajectory_id", "retrieval_id"):
                identity = {**served, **stored}[name]
                theirs_answer = await client.call_tool("report_reward", {name: identity, "reward": 1.0})
                no_answer = await client.call_tool("report_reward", {name: identity[:-1] + "g", "reward": 1.0})
                assert theirs_answer.is_error
                assert said(theirs_answer) == said(no_answer)
            assert "no such retrieval" in await attempt(client, "submit_trajectory", **fields)
        async with client_with(it.address, it.shipping, mode) as theirs:
            assert not (
                await theirs.call_tool("report_reward", {"reward": 1.0, "trajectory_id": stored["trajectory_id"]})
            ).is_error


@pytest.mark.parametrize("mode", ERAS)
async def test_resources_prompts_and_completion_know_only_the_own_library(mode: str) -> None:
    async with team() as it, client_with(it.address, it.airline, mode) as client:
        for path in ("", "/e1", "/revisions/1"):
            [content] = (await client.read_resource(f"experience://airline{path}")).contents
            assert AIR in getattr(content, "text", "")
            with pytest.raises(MCPError, match="Known: airline"):
                await client.read_resource(f"experience://shipping{path}")
        with pytest.raises(MCPError, match="Known: airline"):
            await client.get_prompt("solve_with_experience", {"task": "sail home", "library": "shipping"})
        assert (
            AIR
            in (
                await client.get_prompt("solve_with_experience", {"task": "weigh the bags before boarding"})
            ).model_dump_json()
        )
        names = await client.complete(TEMPLATE, {"name": "library", "value": ""})
        assert names.completion.values == ["airline"]
        for name in ("id", "n"):
            ids = await client.complete(TEMPLATE, {"name": name, "value": ""}, {"library": "shipping"})
            assert ids.completion.values == []


async def test_a_subscription_hears_of_the_own_library_only() -> None:
    async with team() as it:
        uris = ["experience://shipping", "experience://airline"]
        async with (
            asyncio.timeout(30),
            client_with(it.address, it.airline) as client,
            client.listen(resource_subscriptions=uris) as events,
        ):
            await _change("shipping", "When at sea, look out.")
            await _change("airline", "When landing, look down.")
            assert getattr(await anext(aiter(events)), "uri", None) == "experience://airline"


async def _change(name: str, lesson: str) -> None:
    async with open_store(Settings().database_url) as store:
        library = await store.libraries.get(name)
        operation = Operation("ADD", "because", content=lesson)
        await store.revisions.commit(Proposal(library, "by hand", "test", "contrast", (operation,)))


async def test_a_token_for_several_libraries_must_say_which() -> None:
    await make_library("airline", AIR)
    await make_library("shipping", SEA)
    both = await make_token("airline", "shipping", scope="read")
    async with http_server() as address, client_with(address, both) as client:
        assert "pass `library`, one of airline, shipping" in await attempt(client, "get_experiences", task="fly")
        assert SEA in await attempt(client, "get_experiences", task="sail", library="shipping")
        names = await client.complete(TEMPLATE, {"name": "library", "value": ""})
        assert names.completion.values == ["airline", "shipping"]


@pytest.mark.parametrize(
    ("scope", "allowed", "refused"),
    [
        ("read", "library_status", "submit_trajectory"),
        ("submit", "submit_trajectory", "create_library"),
        ("curate", "submit_trajectory", "create_library"),
    ],
)
@pytest.mark.parametrize("mode", ERAS)
async def test_a_scope_shows_and_allows_its_tools_and_no_more(
    mode: str, scope: TokenScope, allowed: str, refused: str
) -> None:
    async with team(scope) as it, client_with(it.address, it.airline, mode) as client:
        listed = {tool.name for tool in (await client.list_tools()).tools}
        assert allowed in listed
        assert refused not in listed
        assert f"this one has {'curate, ' if scope == 'curate' else ''}read" in await attempt(
            client, refused, task="x", trajectory="y"
        )


@pytest.mark.parametrize("kind", ["none", "forged", "expired", "revoked", "reward", "basic"])
async def test_nobody_else_sees_anything(kind: str) -> None:
    async with team() as it:
        headers: dict[str, str] = {}
        secret: str | None = None
        match kind:
            case "forged":
                secret = it.airline[:-1] + ("A" if it.airline[-1] != "A" else "B")
            case "expired":
                secret = await make_token("airline", expires_at=time.time() - 1)
            case "reward":
                secret = await make_token("airline", scope="reward")
            case "basic":
                headers = {"Authorization": f"Basic {it.airline}"}
            case "revoked":
                secret = it.airline
                assert (await ask(it.address, secret=secret)).status == 200
                async with open_store(Settings().database_url) as store:
                    await store.tokens.revoke((await store.tokens.all())[0].id)
        for path in ("/mcp", "/metrics"):
            answer = await ask(it.address, path, secret, headers)
            assert answer.status == 401
            assert answer.headers["www-authenticate"].startswith("Bearer ")
            assert "airline" not in answer.body
        for method in ("GET", "DELETE"):
            assert (await ask(it.address, secret=secret, headers=headers, method=method, body="")).status == 401


async def test_the_first_token_shuts_a_loopback_server_that_was_open() -> None:
    async with http_server() as address:
        assert (await ask(address)).status == 200
        secret = await make_token("airline")
        assert (await ask(address, secret=secret)).status == 200
        assert (await ask(address)).status == 401
        assert (await ask(address, secret=secret)).status == 200


async def test_a_session_belongs_to_the_token_that_opened_it() -> None:
    async with team() as it:
        opened = await ask(it.address, secret=it.airline)
        session = {"Mcp-Session-Id": opened.headers["mcp-session-id"], "MCP-Protocol-Version": "2025-06-18"}
        assert (await ask(it.address, secret=it.airline, headers=session, body=LISTING)).status == 200
        assert (await ask(it.address, secret=it.shipping, headers=session, body=LISTING)).status == 404
        assert (await ask(it.address, headers=session, body=LISTING)).status == 401


async def test_what_all_libraries_spend_is_told_to_who_reaches_them_all() -> None:
    everywhere = await make_token()
    async with team() as it:
        async with client_with(it.address, it.airline) as client:
            confined = await client.call_tool("library_status", {"library": "airline"})
        async with client_with(it.address, everywhere) as client:
            whole = await client.call_tool("library_status", {"library": "airline"})
    assert confined.structured_content is not None
    assert whole.structured_content is not None
    assert (confined.structured_content["tokens_today"], whole.structured_content["tokens_today"]) == (None, 0)


async def test_a_token_for_a_library_that_is_not_made_yet_is_told_so() -> None:
    await make_library("airline", AIR)
    async with http_server() as address:
        async with client_with(address, await make_token("other", scope="submit")) as client:
            for given in ({}, {"library": "other"}):
                said_now = await attempt(client, "get_experiences", task="fly", **given)
                assert "'other' is named by this token, but nobody has made it yet" in said_now
                assert "airline" not in said_now
        async with client_with(address, await make_token("other", scope="admin")) as client:
            await client.call_tool("create_library", {"name": "other"})
            assert "No experiences yet" in await attempt(client, "get_experiences", task="fly")


async def test_a_session_id_that_two_tokens_send_ties_nothing_of_theirs_together() -> None:
    await make_library("airline", AIR)
    first, second = await make_token("airline"), await make_token("airline")
    served = []
    async with http_server() as address:
        for secret in (first, second, first):
            answer = await ask(
                address, secret=secret, headers={**MODERN_CALL, "Mcp-Session-Id": "one"}, body=MODERN_FETCH
            )
            served.append(re.findall(r"retrieval_id: (r_\w+)", answer.body))
    assert len(served[0]) == 1
    assert served[0] == served[2] != served[1]


async def test_the_use_of_a_token_is_recorded() -> None:
    async with team() as it, client_with(it.address, it.airline) as client:
        await client.list_tools()
    async with open_store(Settings().database_url) as store:
        [used, unused] = await store.tokens.all()
    assert used.last_used_at is not None
    assert unused.last_used_at is None


async def test_a_step_of_anothers_analysis_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPLIB_ANALYST", "agent")
    async with team() as it:
        async with client_with(it.address, it.shipping) as theirs:
            for number in range(4):
                fields = {"task": "sail", "trajectory": f"sailed {number}", "reward": float(number % 2)}
                await theirs.call_tool("submit_trajectory", fields)
            step = (await theirs.call_tool("next_analysis", {})).structured_content or {}
        async with client_with(it.address, it.airline) as client:
            assert "shipping" not in await attempt(client, "next_analysis")
            answered = [
                await client.call_tool("answer_analysis", {"call_id": call, "response": {}})
                for call in (step["call_id"], step["call_id"][:-1] + "g")
            ]
            assert [each.is_error for each in answered] == [True, True]
            assert said(answered[0]) == said(answered[1])
