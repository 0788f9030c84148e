"""A server stays there for others, whatever one client sends or leaves out."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import pytest
import uvicorn
from hypothesis import given
from hypothesis import strategies as st
from server.http_cases import INITIALIZE, ask, http_server
from starlette.responses import PlainTextResponse
from waiting import until

from explib.errors import TooLarge
from explib.models.submissions import RawSubmission
from explib_server import preparation
from explib_server.http import exchange
from explib_server.http.connections import BoundedProtocol, connection_limit
from explib_server.preparation import MAX_STEPS, prepared, size_of
from explib_server.telemetry.logs import MOST_A_MINUTE, Repeats

PATIENCE = 30.0


class Impatient(BoundedProtocol):
    head_seconds = 0.1
    most = 3


@asynccontextmanager
async def bounded() -> AsyncIterator[int]:
    """The port of a server that waits a moment for heads and takes three connections."""
    app = PlainTextResponse("here")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(app, http=Impatient, ws="none", log_config=None))
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        await until(lambda: server.started)
        try:
            yield listening.getsockname()[1]
        finally:
            server.should_exit = True
            await serving


async def closed(reader: asyncio.StreamReader) -> bool:
    async with asyncio.timeout(PATIENCE):
        try:
            return await reader.read() == b""
        except ConnectionResetError:
            return True


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost: x\r\n"])
async def test_a_head_that_does_not_come_whole_is_not_waited_for(sent: bytes) -> None:
    async with bounded() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        assert await closed(reader)
        writer.close()


async def test_a_second_head_on_a_connection_must_come_whole_too() -> None:
    async with bounded() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        async with asyncio.timeout(PATIENCE):
            assert b"200" in await reader.readline()
            await reader.readuntil(b"here")
        writer.write(b"GET / HTTP/1.1\r\n")
        assert await closed(reader)
        writer.close()


async def test_one_connection_too_many_is_closed_at_once_and_the_next_place_is_free_again() -> None:
    assert connection_limit() > 10
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Impatient, "head_seconds", PATIENCE)
        async with bounded() as port:
            held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            assert await closed(reader)
            writer.close()
            for _, other in held:
                other.close()


async def test_a_body_that_stops_coming_is_given_up_with_408(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "IDLE_SECONDS", 0.1)
    async with http_server() as address:
        host, _, port = address.removeprefix("http://").partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        head = f"POST /mcp HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: application/json\r\n"
        head += f"Accept: application/json, text/event-stream\r\nContent-Length: {len(INITIALIZE)}\r\n\r\n"
        writer.write(head.encode() + INITIALIZE.encode()[:20])
        async with asyncio.timeout(PATIENCE):
            answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 408")
        assert b"did not arrive in time" in answer
        writer.close()
        assert (await ask(address)).status == 200


@pytest.mark.parametrize(
    "header",
    ["Forwarded", "X-Forwarded-Host", "Via", "X-Real-IP", "CF-Connecting-IP", "X-Envoy-External-Address", "Fly-Region"],
)
async def test_a_request_that_any_proxy_header_marks_is_not_local(header: str) -> None:
    async with http_server() as address:
        assert (await ask(address, headers={header: "203.0.113.9"})).status == 401


def lines(count: int, text: str = "failed: %s") -> list[logging.LogRecord]:
    return [logging.LogRecord("a", logging.ERROR, "f", 1, text, (number,), None) for number in range(count)]


def test_a_message_that_comes_too_often_is_left_out_and_counted() -> None:
    now = 0.0
    repeats = Repeats(lambda: now)
    assert sum(map(repeats.filter, lines(500))) == MOST_A_MINUTE
    assert repeats.filter(lines(1, "another")[0])
    now = 61.0
    [late] = lines(1)
    assert repeats.filter(late)
    assert late.getMessage() == f"failed: 0 ({500 - MOST_A_MINUTE} more such messages were left out)"


@contextmanager
def sizes(at_once: int, thread: int) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(preparation, "AT_ONCE_CHARACTERS", at_once)
        patched.setattr(preparation, "THREAD_CHARACTERS", thread)
        yield


async def test_a_submission_is_prepared_alike_at_once_in_a_thread_and_in_a_process() -> None:
    raw = RawSubmission("t", [{"role": "assistant", "content": "my key is sk-ant-" + "api03-" + "a1B2c3D4" * 6}])
    found = []
    for at_once, thread in ((10**6, 10**6), (0, 10**6), (0, 0)):
        with sizes(at_once, thread):
            found.append(await prepared(raw, 10**6, personal=False))
    assert found[0] == found[1] == found[2]
    assert found[0].redactions == 1


@pytest.mark.parametrize("thread", [0, 10**9])
async def test_a_trajectory_of_too_many_steps_is_refused_wherever_it_is_prepared(thread: int) -> None:
    steps = [{"role": "assistant", "content": f"{number}"} for number in range(MAX_STEPS + 1)]
    with sizes(0, thread), pytest.raises(TooLarge, match="10,001 steps; the limit is 10,000"):
        await prepared(RawSubmission("t", steps), 10**8, personal=False)


@given(st.recursive(st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_a_size_is_that_of_all_texts_or_more_than_enough(value: object) -> None:
    whole = size_of(value, 10**9)
    assert whole >= (len(value) if isinstance(value, str) else 1)
    assert size_of(value, 3) == whole if whole <= 3 else size_of(value, 3) > 3
