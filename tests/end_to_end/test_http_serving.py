"""`explib serve --transport http` as people start it: real processes, one or two workers."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from learner.scripted_endpoint import answers, endpoint
from mcp.client.subscriptions import SubscriptionLost
from mcp.types import CallToolResult
from prometheus_client.parser import text_string_to_metric_families
from scripted_agent import attempt_at, submit
from server.http_cases import ask, client_with, make_library, make_token
from waiting import PATIENCE, until

LESSON = "When boarding, weigh the bags."
COMMAND = [sys.executable, "-m", "explib_server", "serve", "--transport", "http"]


@dataclass(frozen=True, slots=True)
class Served:
    address: str
    process: asyncio.subprocess.Process
    log: Path

    def workers(self) -> set[int]:
        """The process ids of the children that answer requests."""
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return {int(child) for child in children if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()}


@asynccontextmanager
async def served(tmp_path: Path, *options: str, **settings: str) -> AsyncIterator[Served]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    log = tmp_path / "stderr.log"
    environment = {**os.environ, **{f"EXPLIB_{name}": value for name, value in settings.items()}}
    with log.open("wb") as stderr:
        process = await asyncio.create_subprocess_exec(
            *COMMAND, "--port", str(port), *options, env=environment, stderr=stderr
        )
    it = Served(f"http://127.0.0.1:{port}", process, log)
    try:
        await until_up(it)
        yield it
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(60):
            await process.wait()


async def until_up(it: Served) -> None:
    async with asyncio.timeout(90):
        while True:
            try:
                if (await ask(it.address, "/ready")).status == 200:
                    return
            except OSError:
                assert it.process.returncode is None, it.log.read_text()
            await asyncio.sleep(0.05)


async def calls_counted(address: str, secret: str) -> float:
    page = (await ask(address, "/metrics", secret)).body
    families = text_string_to_metric_families(page)
    return sum(each.value for family in families for each in family.samples if each.name == "explib_tool_calls_total")


@pytest.mark.skipif(sys.platform != "linux", reason="the workers are found in /proc")
async def test_two_workers_share_the_port_the_tokens_and_the_counters(tmp_path: Path) -> None:
    await make_library("airline", LESSON)
    reader, admin = await make_token("airline", scope="read"), await make_token(scope="admin")
    async with served(tmp_path, "--workers", "2", "--learner", "off") as it:
        assert (await ask(it.address)).status == 401
        for mode in ("legacy", "auto"):
            for _ in range(4):
                async with client_with(it.address, reader, mode) as client:
                    text = (
                        await client.call_tool("get_experiences", {"task": "weigh the bags before boarding"})
                    ).model_dump_json()
                    assert LESSON in text
        assert await calls_counted(it.address, admin) == 8
        [first, second] = it.workers()
        os.kill(first, signal.SIGKILL)
        await until(lambda: len(it.workers() - {first}) >= 2)
        assert second in it.workers()
        await until_up(it)
        async with client_with(it.address, reader) as client:
            assert (await client.list_tools()).tools
        assert await calls_counted(it.address, admin) == 8


async def test_a_stopped_server_ends_its_streams_and_every_line_it_wrote_is_json(tmp_path: Path) -> None:
    async with served(tmp_path, LOG_FORMAT="json", LOG_LEVEL="INFO") as it:
        async with client_with(it.address, None) as client:
            stored = await client.call_tool(
                "submit_trajectory", {"task": "weigh the bags before boarding", "trajectory": "flew"}
            )
            assert not stored.is_error
            async with client.listen(resource_subscriptions=["experience://default"]) as events:
                it.process.send_signal(signal.SIGTERM)
                with pytest.raises(SubscriptionLost):
                    await anext(aiter(events))
        async with asyncio.timeout(30):
            await it.process.wait()
    lines = [json.loads(line) for line in it.log.read_text().splitlines()]
    assert any("explib listens on" in line["message"] for line in lines)
    assert {"time", "level", "logger", "message"} <= set(lines[0])
    assert not [line for line in lines if line["level"] == "ERROR"]


def learning(done: Callable[[CallToolResult], None], address: str) -> asyncio.Task[None]:
    async def learn() -> None:
        async with client_with(address, None) as client:
            await submit(client, "parcels")
            done(await client.call_tool("learn_now", {}))

    return asyncio.create_task(learn())


async def request(address: str, headers: str, body: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """What a request begins with; the rest is up to the caller."""
    host, port = address.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    lines = ["POST /mcp HTTP/1.1", f"Host: {host}:{port}", "Content-Type: application/json"]
    lines += ["Accept: application/json, text/event-stream", headers]
    writer.write("\r\n".join([*lines, "", body]).encode())
    await writer.drain()
    return reader, writer


async def test_a_stopped_server_answers_what_is_under_way_and_waits_for_nothing_half_sent(tmp_path: Path) -> None:
    gate, results = asyncio.Event(), list[CallToolResult]()
    reply = replace(answers({"difference": "", "lessons": []}), wait_for=gate)
    async with endpoint(lambda _: reply) as model, asyncio.timeout(PATIENCE):
        settings = {"MODEL": "scripted", "MODEL_BASE_URL": model.url, "MODEL_API_KEY": "none"}
        async with served(tmp_path, "--tools", "all", "--learner", "off", **settings) as it:
            asking = learning(results.append, it.address)
            await model.has(1)
            reader, writer = await request(it.address, "Content-Length: 1000", "{")
            it.process.send_signal(signal.SIGTERM)
            refused = (await reader.read()).decode()
            writer.close()
            await writer.wait_closed()
            gate.set()
            await asyncio.gather(asking, return_exceptions=True)
            await it.process.wait()
    assert refused.startswith("HTTP/1.1 503")
    assert "being stopped" in refused
    assert [result.is_error for result in results] == [False]
    assert it.log.read_text().count("\n") == 1, it.log.read_text()


@pytest.mark.skipif(sys.platform != "linux", reason="what is open is found in /proc")
async def test_clients_that_go_away_in_the_middle_leave_nothing_open_and_no_word(tmp_path: Path) -> None:
    async with served(tmp_path, "--tools", "all", "--learner", "off") as it, asyncio.timeout(PATIENCE):
        calls = [{"name": "submit_trajectory", "arguments": attempt_at("parcels", number)} for number in range(4)] + [
            {"name": name, "arguments": {}} for name in ("library_status", "learn_now", "history")
        ]
        before = sockets(it.process.pid)
        for call in calls:
            body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call})
            for sent in ("", body[:20], body):
                _, writer = await request(it.address, f"Content-Length: {len(body)}", sent)
                writer.transport.abort()
        for headers in ("Content-Length: 1000", "Transfer-Encoding: chunked"):
            _, writer = await request(it.address, headers, "")
            writer.close()
        await until(lambda: sockets(it.process.pid) <= before)
        assert (await ask(it.address, "/ready")).status == 200
    assert it.log.read_text().count("\n") == 1, it.log.read_text()


def sockets(process: int) -> int:
    """How many sockets a process has open."""
    opened = 0
    for each in Path(f"/proc/{process}/fd").iterdir():
        with suppress(FileNotFoundError):
            opened += str(each.readlink()).startswith("socket:")
    return opened


async def test_a_wildcard_address_with_auth_required_serves_token_holders_only(tmp_path: Path) -> None:
    async with served(
        tmp_path, "--host", "0.0.0.0", "--auth", "required", "--allowed-host", "lessons.example.org"
    ) as it:
        assert "no token exists yet" in it.log.read_text()
        assert (await ask(it.address)).status == 401
        secret = await make_token("airline")
        assert (await ask(it.address, secret=secret)).status == 200
        assert (await ask(it.address, secret=secret, headers={"Host": "lessons.example.org"})).status == 200
        assert (await ask(it.address, secret=secret, headers={"Host": "evil.example"})).status == 421


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_public_address_without_auth_is_refused_in_one_line(form: str) -> None:
    command = [*COMMAND, "--host", "0.0.0.0", "--port", "1"]
    environment = {**os.environ, "EXPLIB_LOG_FORMAT": form}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    [line] = ended.stderr.splitlines()
    said = json.loads(line)["message"] if form == "json" else line
    assert said.startswith("explib: Refusing to listen on 0.0.0.0 without authentication")
    assert "explib token create" in said


async def test_a_server_that_lets_everybody_in_says_so(tmp_path: Path) -> None:
    async with served(tmp_path, "--host", "0.0.0.0", "--auth", "none") as it:
        assert (await ask(it.address)).status == 200
        assert "everybody who can reach it" in it.log.read_text()


@pytest.mark.parametrize("option", [("--workers", "2"), ("--auth", "none"), ("--allowed-host", "x.example")])
def test_what_only_http_heeds_is_refused_for_stdio(option: tuple[str, str]) -> None:
    command = [sys.executable, "-m", "explib_server", "serve", *option]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 2
    assert "--transport http" in ended.stderr
