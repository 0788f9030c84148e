"""What the HTTP server lets in, how much of it, and what it says about itself."""

from __future__ import annotations

import asyncio
import gc
import json
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from mcp.client.subscriptions import SubscriptionLost
from mcp.shared.exceptions import MCPError
from prometheus_client.parser import text_string_to_metric_families
from server.http_cases import (
    JSON_HEADERS,
    LISTING,
    Answer,
    ask,
    client_with,
    http_server,
    make_library,
    make_token,
    running,
)
from starlette.types import Scope
from waiting import PATIENCE, until

from explib.errors import InvalidSetting
from explib.settings import program
from explib.settings.program import Settings
from explib.storage.store import open_store
from explib_server.auth import gate
from explib_server.auth.limits import Allowance
from explib_server.auth.requests import is_stream, network
from explib_server.http.app import http_app
from explib_server.http.binding import check_binding
from explib_server.mcp.server import build_server

SECRET_TASK = "launch code 4711"


def rpc_message(answer: Answer) -> str:
    error = json.loads(answer.body)
    assert error["jsonrpc"] == "2.0"
    return str(error["error"]["message"])


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "192.0.2.7", "::"])
async def test_foreign_hosts_and_origins_are_refused_on_every_address(host: str) -> None:
    settings = Settings(auth="none", allowed_hosts=("lessons.example.org",))
    async with running(http_app(build_server(settings, "off"), settings, host)) as address:
        foreign = await ask(address, headers={"Host": "evil.example"})
        page = await ask(address, headers={"Host": "lessons.example.org", "Origin": "https://evil.example"})
        own = await ask(address, headers={"Host": "lessons.example.org", "Origin": "https://lessons.example.org"})
        metrics = await ask(address, "/metrics", headers={"Host": "evil.example"})
    assert (foreign.status, page.status, own.status, metrics.status) == (421, 403, 200, 421)


async def test_the_public_url_names_an_allowed_host() -> None:
    async with http_server(Settings(public_url="https://lessons.example.org/mcp")) as address:
        assert (await ask(address, headers={"Host": "lessons.example.org"})).status == 200
        assert (await ask(address, headers={"Host": "lessons.example.com"})).status == 421


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded"])
async def test_a_request_through_a_proxy_is_not_local(header: str) -> None:
    async with http_server() as address:
        assert (await ask(address)).status == 200
        assert (await ask(address, headers={header: "203.0.113.9"})).status == 401


async def test_auth_none_lets_everybody_in_and_required_nobody() -> None:
    await make_token("airline")
    async with http_server(Settings(auth="none")) as address:
        assert (await ask(address)).status == 200
    async with http_server(Settings(auth="required")) as address:
        refused = await ask(address)
        assert refused.status == 401
        assert json.loads(refused.body)["error"] == "invalid_token"


async def test_a_false_token_is_refused_also_where_none_is_needed() -> None:
    async with http_server() as address:
        assert (await ask(address, secret="explib_forged")).status == 401


def test_a_public_address_without_tokens_is_refused_unless_said() -> None:
    for host in ("0.0.0.0", "::", "192.0.2.7", "example.org"):
        with pytest.raises(InvalidSetting, match="explib token create"):
            check_binding(Settings(), host, tokens_exist=False)
        check_binding(Settings(), host, tokens_exist=True)
        check_binding(Settings(auth="required"), host, tokens_exist=False)
        check_binding(Settings(auth="none"), host, tokens_exist=False)
    for host in ("127.0.0.1", "localhost", "::1", "127.8.9.1"):
        check_binding(Settings(), host, tokens_exist=False)


async def test_over_its_rate_a_token_is_told_when_to_come_back_and_others_go_on() -> None:
    first, second = await make_token("airline"), await make_token("airline")
    async with http_server(Settings(requests_per_minute=5)) as address:
        for _ in range(5):
            assert (await ask(address, secret=first)).status == 200
        refused = await ask(address, secret=first)
        assert refused.status == 429
        assert 1 <= int(refused.headers["retry-after"]) <= 12
        assert "EXPLIB_REQUESTS_PER_MINUTE" in rpc_message(refused)
        assert (await ask(address, secret=second)).status == 200
        for _ in range(5):
            assert (await ask(address, secret="explib_forged")).status == 401
        assert (await ask(address, secret="explib_forged")).status == 429
        assert (await ask(address, secret=second)).status == 200


async def test_without_tokens_the_rate_is_the_addresss() -> None:
    async with http_server(Settings(requests_per_minute=3)) as address:
        statuses = [(await ask(address)).status for _ in range(4)]
    assert statuses == [200, 200, 200, 429]


async def test_open_streams_have_their_own_limit_and_leave_room_for_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "DEFAULTS", Allowance(None, 1, 2))
    secret = await make_token("airline")
    async with (
        asyncio.timeout(30),
        http_server() as address,
        AsyncExitStack() as open_streams,
    ):
        clients = [await open_streams.enter_async_context(client_with(address, secret)) for _ in range(3)]
        for client in clients[:2]:
            await open_streams.enter_async_context(client.listen(resource_subscriptions=["experience://airline"]))
        with pytest.raises(MCPError, match="More than 2 streams at once"):
            await open_streams.enter_async_context(clients[2].listen(resource_subscriptions=["experience://airline"]))
        assert (await clients[2].list_tools()).tools


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # the SDK forgets the other's streams
async def test_who_leaves_gives_the_place_back_though_its_answer_went_to_another_request_of_the_same_id(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gate, "allowances", lambda _: (Allowance(None, 2, 2),) * 2)
    call = {"name": "get_experiences", "arguments": {"task": "weigh the bags"}}
    body = json.dumps({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": call})
    async with http_server(tools="agent") as address:
        session = {"Mcp-Session-Id": (await ask(address)).headers["mcp-session-id"]}
        host, port = address.removeprefix("http://").split(":")
        head = {"Host": f"{host}:{port}", "Content-Length": str(len(body)), **JSON_HEADERS, **session}
        lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
        for _ in range(2):
            pair = [await asyncio.open_connection(host, int(port)) for _ in range(2)]
            for _, writer in pair:
                writer.write(f"POST /mcp HTTP/1.1\r\n{lines}\r\n{body}".encode())
            answers = [asyncio.create_task(reader.readline()) for reader, _ in pair]
            await asyncio.wait(answers, return_when=asyncio.FIRST_COMPLETED, timeout=PATIENCE)
            for answer, (_, writer) in zip(answers, pair, strict=True):
                answer.cancel()
                writer.close()
                await writer.wait_closed()
            await asyncio.gather(*answers, return_exceptions=True)

        async def let_in() -> bool:
            return (await ask(address, headers=session, body=LISTING)).status == 200

        await until(let_in)
    gc.collect()


async def test_a_stream_ends_when_its_token_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "RECHECK_SECONDS", 0.05)
    await make_library("airline", "When boarding, weigh the bags.")
    secret = await make_token("airline")
    async with (
        asyncio.timeout(30),
        http_server() as address,
        client_with(address, secret) as client,
        client.listen(resource_subscriptions=["experience://airline"]) as events,
    ):
        async with open_store(Settings().database_url) as store:
            await store.tokens.revoke((await store.tokens.all())[0].id)
        with pytest.raises(SubscriptionLost):
            await anext(aiter(events))


async def test_a_body_over_its_limit_is_refused_in_words_whether_announced_or_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(program, "MIB", 0)
    async with http_server(Settings(max_trajectory_bytes=1024)) as address:
        large = await ask(address, body=json.dumps({"padding": "x" * 3_000}))
        assert large.status == 413
        assert "EXPLIB_MAX_TRAJECTORY_BYTES" in rpc_message(large)
        assert (await ask(address)).status == 200
        answered = await _chunked(address, 300)
        assert answered.startswith("HTTP/1.1 413")
        assert "EXPLIB_MAX_TRAJECTORY_BYTES" in answered


async def _chunked(address: str, chunks: int) -> str:
    """The answer to a body of unknown length."""
    host, port = address.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    lines = ["POST /mcp HTTP/1.1", f"Host: {host}:{port}", "Content-Type: application/json", "Connection: close"]
    try:
        writer.write(("\r\n".join([*lines, "Transfer-Encoding: chunked", "", ""])).encode())
        writer.write(b"a\r\n0123456789\r\n" * chunks)
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        return (await reader.read()).decode()
    finally:
        writer.close()
        await writer.wait_closed()


async def test_health_and_readiness_need_no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    await make_token("airline")
    async with http_server() as address:
        assert json.loads((await ask(address, "/health")).body)["status"] == "ok"
        ready = await ask(address, "/ready", headers={"Host": "10.1.2.3:8765"})
        assert (ready.status, json.loads(ready.body)) == (200, {"status": "ready"})


async def test_a_server_whose_database_cannot_be_used_is_alive_and_not_ready(tmp_path: Path) -> None:
    (tmp_path / "library.db").write_text("this is no database, " * 100)
    async with http_server() as address:
        assert (await ask(address, "/health")).status == 200
        ready = await ask(address, "/ready")
        assert ready.status == 503
        assert "EXPLIB_DATABASE_URL" in json.loads(ready.body)["reason"]
        refused = await ask(address, secret="explib_x")
        assert refused.status == 503
        assert "EXPLIB_DATABASE_URL" in rpc_message(refused)


def samples(page: str) -> dict[tuple[str, ...], float]:
    return {
        (each.name, *(value for _, value in sorted(each.labels.items()))): each.value
        for family in text_string_to_metric_families(page)
        for each in family.samples
    }


async def test_metrics_count_calls_submissions_and_what_the_database_holds() -> None:
    await make_library("default", "When boarding, weigh the bags.")
    async with http_server() as address, client_with(address, None) as client:
        fields = {"task": SECRET_TASK, "trajectory": "x", "reward": 1.0}
        await client.call_tool("submit_trajectory", fields)
        await client.call_tool("submit_trajectory", fields)
        await client.call_tool("get_experiences", {"task": " "})
        await client.call_tool("no_such_tool", {})
        await ask(address, secret="explib_forged")
        page = await ask(address, "/metrics")
    assert page.headers["content-type"].startswith("text/plain")
    found = samples(page.body)
    assert found["explib_tool_calls_total", "ok", "submit_trajectory"] == 2
    assert found["explib_tool_calls_total", "refused", "get_experiences"] == 1
    assert found["explib_tool_calls_total", "refused", "unknown"] == 1
    assert found["explib_tool_seconds_count", "submit_trajectory"] == 2
    assert found["explib_submissions_total", "stored"] == found["explib_submissions_total", "duplicate"] == 1
    assert found["explib_http_refusals_total", "401"] == 1
    assert found["explib_revisions_total", "default"] == 1
    assert found["explib_groups", "default", "ready"] == 1
    assert found["explib_experiences", "default", "candidate"] == 1
    assert found[("explib_model_calls_total",)] == 0
    assert found["explib_model_tokens_total", "prompt"] == 0
    assert SECRET_TASK not in page.body
    assert "bags" not in page.body


async def test_with_tokens_metrics_are_for_admins_and_show_their_libraries() -> None:
    await make_library("airline", "When boarding, weigh the bags.")
    await make_library("shipping", "When sailing, mind the tide.")
    admin, reader = await make_token("airline", scope="admin"), await make_token("airline", scope="read")
    async with http_server() as address:
        page = await ask(address, "/metrics", admin)
        assert (await ask(address, "/metrics", reader)).status == 403
        assert (await ask(address, "/metrics")).status == 401
        async with client_with(address, reader) as client:
            await client.call_tool("get_experiences", {"task": "fly"})
        later = await ask(address, "/metrics", admin)
    assert samples(page.body)["explib_revisions_total", "airline"] == 1
    for shown in (page, later):
        assert "shipping" not in shown.body
        assert "explib_model" not in shown.body
        assert "explib_tool" not in shown.body, "what others call is not for who reaches one library"
        assert "explib_http" not in shown.body


async def test_who_reaches_every_library_sees_what_was_called() -> None:
    admin = await make_token(scope="admin")
    async with http_server() as address:
        async with client_with(address, admin) as client:
            await client.call_tool("get_experiences", {"task": "fly"})
        page = await ask(address, "/metrics", admin)
    assert samples(page.body)["explib_tool_calls_total", "ok", "get_experiences"] == 1


def request(method: str, **headers: str) -> Scope:
    given = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http", "method": method, "headers": given}


def test_what_stays_open_is_a_stream() -> None:
    assert is_stream(request("GET"))
    assert is_stream(request("POST", mcp_method="subscriptions/listen"))
    assert not is_stream(request("POST", mcp_method="tools/call"))
    assert not is_stream(request("POST"))


def test_visitors_are_told_apart_by_their_network() -> None:
    def of(host: str) -> str:
        return network({"client": (host, 1)})

    assert of("2001:db8:1:2:3:4:5:6") == of("2001:db8:1:2::9") != of("2001:db8:1:3::9")
    assert of("192.0.2.1") != of("192.0.2.2")
    assert network({}) == "unknown"


async def test_a_session_from_before_a_restart_is_told_to_begin_again() -> None:
    async with http_server() as address:
        gone = await ask(address, headers={"Mcp-Session-Id": "a" * 32}, body=LISTING)
        assert gone.status == 404
        assert "send `initialize` again" in rpc_message(gone)
        assert (await ask(address)).status == 200
