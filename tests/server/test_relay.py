"""The relay between a client and the service: a real one, with the test in the service's place."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from explib.settings.program import Settings
from explib_server.mcp.server import build_server
from explib_server.service.asking import kept_answers
from explib_server.service.paths import Place

pytestmark = pytest.mark.process
PATIENCE = 60.0
GREETING = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
Message = dict[str, Any]


def request(number: int, method: str, **params: object) -> Message:
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": params}


def call(number: int, tool: str) -> Message:
    return request(number, "tools/call", name=tool, arguments={})


class Talk:
    """One side of a conversation in lines of JSON."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def hear(self) -> Message:
        async with asyncio.timeout(PATIENCE):
            heard: Message = json.loads(await self.reader.readline())
        return heard

    def say(self, *messages: Message) -> None:
        self.writer.write("".join(json.dumps(message) + "\n" for message in messages).encode())

    def answer(self, number: int) -> None:
        self.say({"jsonrpc": "2.0", "id": number, "result": {"by": "the service"}})

    async def ended(self) -> bool:
        async with asyncio.timeout(PATIENCE):
            return await self.reader.readline() == b""


class Service:
    """What the relay takes for the service: each connection that it makes."""

    def __init__(self) -> None:
        self.connections: asyncio.Queue[Talk] = asyncio.Queue()
        self._ended: list[asyncio.StreamWriter] = []

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._ended.append(writer)
        await self.connections.put(Talk(reader, writer))

    async def end(self) -> None:
        for writer in self._ended:
            writer.close()
        await asyncio.gather(*(each.wait_closed() for each in self._ended), return_exceptions=True)

    async def greeted(self) -> tuple[Talk, Message]:
        """The next connection and its hello, which is answered."""
        async with asyncio.timeout(PATIENCE):
            talk = await self.connections.get()
        opening = await talk.hear()
        talk.say({"explib": "0.1.0"})
        return talk, opening


@pytest.fixture
async def standing(service: Path) -> AsyncIterator[Service]:
    found = Service()
    server = await asyncio.start_unix_server(found.connected, Place().socket)
    yield found
    server.close()
    await found.end()
    await server.wait_closed()


@asynccontextmanager
async def client(*options: str) -> AsyncIterator[Talk]:
    """A client and its relay, which ends well when the client closes its side."""
    pipe = asyncio.subprocess.PIPE
    command = (sys.executable, "-m", "explib_server", "serve", *options)
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, stderr=pipe)
    assert process.stdin is not None
    assert process.stdout is not None
    yield Talk(process.stdout, process.stdin)
    process.stdin.close()
    async with asyncio.timeout(PATIENCE):
        _, errors = await process.communicate()
    assert (process.returncode, errors.decode()) == (0, "")


async def test_the_hello_says_for_whom_it_asks(standing: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPLIB_LIBRARY", "of-this-client")
    async with client("--tools=learn"):
        _, opening = await standing.greeted()
    assert (opening["door"], opening["library"], opening["tools"]) == ("mcp", "of-this-client", "learn")
    assert (opening["explib"], opening["cwd"]) == ("0.1.0", str(Path.cwd()))
    assert "EXPLIB_LIBRARY" not in opening["settings"]


async def test_the_opening_requests_are_answered_by_what_was_kept_while_the_service_starts(standing: Service) -> None:
    await kept_answers(build_server(Settings(), "off"))
    async with client() as talk:
        talk.say(request(1, "initialize", **GREETING), {"jsonrpc": "2.0", "method": "notifications/initialized"})
        assert (await talk.hear())["result"]["protocolVersion"] == GREETING["protocolVersion"]
        talk.say(request(2, "tools/list"), call(3, "get_experiences"))
        assert len((await talk.hear())["result"]["tools"]) == 4
        starting, _ = await standing.greeted()
        assert [(await starting.hear()).get("id") for _ in range(3)] == [1, None, 3]
        starting.answer(1)
        starting.answer(3)
        assert (await talk.hear())["id"] == 3, "the greeting was answered before"


async def test_what_the_service_did_not_answer_is_asked_again_if_it_may_be_done_twice(standing: Service) -> None:
    await kept_answers(build_server(Settings(), "off", "all"))
    async with client("--tools", "all") as talk:
        first, _ = await standing.greeted()
        talk.say(request(1, "initialize", **GREETING))
        await first.hear()
        first.answer(1)
        await talk.hear()
        talk.say({"jsonrpc": "2.0", "method": "notifications/initialized"})
        talk.say(call(2, "submit_trajectory"), call(3, "next_analysis"), call(4, "get_experiences"))
        talk.say({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 4}})
        for _ in range(5):
            await first.hear()
        first.writer.close()
        refused = await talk.hear()
        assert refused["id"] == 3
        assert "not known whether it was done" in refused["error"]["message"]
        second, _ = await standing.greeted()
        again = [await second.hear() for _ in range(3)]
        assert [each["method"] for each in again] == ["initialize", "notifications/initialized", "tools/call"]
        second.answer(1)
        second.answer(2)
        assert (await talk.hear())["id"] == 2, "the greeting was answered before"


async def test_a_service_that_ends_unasked_is_replaced_with_the_next_request(standing: Service) -> None:
    async with client() as talk:
        first, _ = await standing.greeted()
        talk.say(request(1, "server/discover"))
        await first.hear()
        first.answer(1)
        await talk.hear()
        first.writer.close()
        assert await first.ended()
        assert standing.connections.empty()
        talk.say(request(2, "tools/list"))
        second, _ = await standing.greeted()
        assert (await second.hear())["id"] == 2
        second.answer(2)
        assert (await talk.hear())["id"] == 2


async def test_a_request_that_ends_each_service_is_not_asked_for_ever(standing: Service) -> None:
    async with client() as talk:
        talk.say(request(1, "tools/list"))
        for _ in range(3):
            reached, _ = await standing.greeted()
            await reached.hear()
            reached.writer.close()
        assert "error" in await talk.hear()


async def test_a_client_that_closes_its_side_gets_its_answers(standing: Service) -> None:
    async with client() as talk:
        talk.say(request(1, "tools/list"))
        reached, _ = await standing.greeted()
        await reached.hear()
        talk.writer.close()
        assert await reached.ended()
        reached.answer(1)
        reached.writer.close()
        assert (await talk.hear())["id"] == 1


async def test_a_line_that_is_no_message_is_the_services_to_answer(standing: Service) -> None:
    async with client() as talk:
        talk.writer.write(b"[" * 2000 + b"\n")
        reached, _ = await standing.greeted()
        assert await reached.reader.readline() == b"[" * 2000 + b"\n"


def test_what_starts_in_a_clients_path_is_standard_library_only() -> None:
    script = (
        "import sys\nbefore = set(sys.modules)\nimport explib_server.__main__, explib_server.service.relay\n"
        "names = {name.partition('.')[0] for name in set(sys.modules) - before}\n"
        "print(sorted(names - sys.stdlib_module_names))"
    )
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert said.stdout == "['explib', 'explib_server']\n"


@pytest.mark.skipif(os.name == "nt" or os.getuid() != 0, reason="only root gives a folder to somebody else")
def test_where_the_folder_is_somebody_elses_the_server_serves_alone_and_says_so(service: Path) -> None:
    service.mkdir()
    os.chown(service, 65534, 65534)
    asked = json.dumps(request(1, "initialize", **GREETING)).encode()
    said = subprocess.run([sys.executable, "-m", "explib_server", "serve"], input=asked, capture_output=True)
    os.chown(service, 0, 0)
    assert json.loads(said.stdout)["result"]["serverInfo"]["name"] == "explib"
    assert "belongs to somebody else" in said.stderr.decode()


def test_a_service_that_cannot_start_is_told_of_by_the_relay(service: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPLIB_DATABASE_URL", "mysql://host/database")
    asked = json.dumps(request(1, "initialize", **GREETING)).encode()
    said = subprocess.run([sys.executable, "-m", "explib_server", "serve"], input=asked, capture_output=True)
    assert said.returncode == 1
    assert "EXPLIB_DATABASE_URL" in said.stderr.decode()
