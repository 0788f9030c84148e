"""The stdio transport: a real server process on real pipes, spoken to line by line."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path

import pytest
from mcp.types import PARSE_ERROR
from results import retrieval_in
from waiting import until

from explib.storage.store import open_store
from explib_server.mcp.stdio import SIGNALS

SERVE = ("-m", "explib_server", "serve", "--learner", "off")
INITIALIZE: dict[str, object] = {
    "protocolVersion": "2025-06-18",
    "capabilities": {},
    "clientInfo": {"name": "test", "version": "1"},
}
PATIENCE = 60.0
READ_BYTES = 1 << 20
PRINTING = """
import asyncio, subprocess, sys
from explib_server.mcp.stdio import stdio_streams

async def main():
    async with stdio_streams():
        print("stray", flush=True)
        child = "import sys; print('of a child:', sys.stdin.read() or 'nothing')"
        subprocess.run([sys.executable, "-c", child], check=True)
    print("after")

asyncio.run(main())
"""


def request(method: str, number: int = 1, params: dict[str, object] | None = None) -> str:
    return json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params or {}})


def call(tool: str, number: int, arguments: dict[str, object]) -> str:
    return request("tools/call", number, {"name": tool, "arguments": arguments})


@pytest.fixture(autouse=True)
def _no_signal_ignored() -> Iterator[None]:
    """Servers are started as by a terminal, also where the tests run under nohup or behind a shell's `&`."""
    ignored = [number for number in SIGNALS if signal.getsignal(number) is signal.SIG_IGN]
    for number in ignored:
        signal.signal(number, signal.SIG_DFL)
    yield
    for number in ignored:
        signal.signal(number, signal.SIG_IGN)


class Talk:
    """A server process and what it says."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def ask(self, line: str) -> dict[str, object]:
        assert self.process.stdin is not None
        self.process.stdin.write(line.encode() + b"\n")
        return await self.heard()

    async def heard(self) -> dict[str, object]:
        assert self.process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            said: dict[str, object] = json.loads(await self.process.stdout.readline())
        return said


@asynccontextmanager
async def talking(stderr: int = asyncio.subprocess.PIPE, ends: int = 0) -> AsyncIterator[Talk]:
    """A server that ends with this code, at the latest when the client closes its side."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, *SERVE, stdin=pipe, stdout=pipe, stderr=stderr, limit=64 * READ_BYTES
    )
    talk = Talk(process)
    try:
        await talk.ask(request("initialize", 1, INITIALIZE))
        yield talk
    finally:
        assert process.stdin is not None
        process.stdin.close()
        async with asyncio.timeout(PATIENCE):
            said = b"".join(filter(None, await process.communicate())).decode()
        assert process.returncode == ends, said
        assert "Traceback" not in said


@pytest.mark.parametrize(
    "line",
    ["garbage", '{"jsonrpc": "2.0"', '["a batch"]', "[" * 2000],
)
async def test_a_line_that_is_no_message_is_answered_and_the_next_one_is_read(line: str) -> None:
    async with talking() as talk:
        said = await talk.ask(line)
        assert said["id"] is None
        assert isinstance(error := said["error"], dict)
        assert error["code"] == PARSE_ERROR
        assert "no JSON-RPC message" in error["message"]
        assert (await talk.ask(request("ping", 7)))["id"] == 7


async def test_half_an_emoji_is_stored_as_a_replacement_character_and_the_request_is_answered() -> None:
    half = call("submit_trajectory", 77, {"task": "t", "trajectory": "cut in an emoji HALF"}).replace("HALF", r"\ud83d")
    async with talking() as talk:
        said = await talk.ask(half)
        assert said["id"] == 77
        assert isinstance(result := said["result"], dict)
        assert result["isError"] is False, result


async def test_a_line_with_an_id_that_is_no_request_is_answered_under_its_id() -> None:
    async with talking() as talk:
        assert (await talk.ask('{"jsonrpc": "2.0", "id": "x7", "method": 5}'))["id"] == "x7"


@pytest.mark.parametrize("to_file", [False, True])
def test_a_client_that_closes_its_side_right_after_its_requests_gets_their_answers(
    to_file: bool, tmp_path: Path
) -> None:
    lines = [request("initialize", 1, INITIALIZE), call("submit_trajectory", 2, {"task": "t", "trajectory": "did it"})]
    with (tmp_path / "said").open("w+b") as sink:
        out = sink if to_file else subprocess.PIPE
        text = "\n".join(lines).encode()
        ran = subprocess.run([sys.executable, *SERVE], input=text, stdout=out, check=True, timeout=PATIENCE)
        sink.seek(0)
        said = [json.loads(line) for line in (ran.stdout or sink.read()).splitlines()]
    assert [answer["id"] for answer in said] == [1, 2]
    assert said[1]["result"]["structuredContent"]["duplicate"] is False


async def test_a_message_may_be_longer_than_what_is_read_at_once_and_empty_lines_are_nothing() -> None:
    attempt: dict[str, object] = {
        "task": "long",
        "trajectory": [{"role": "assistant", "content": "word " * (READ_BYTES // 2)}],
    }
    async with talking() as talk:
        said = await talk.ask("\n  \n" + call("submit_trajectory", 5, attempt))
        assert said["id"] == 5
        assert isinstance(result := said["result"], dict)
        assert result["isError"] is False, result
        assert (await talk.ask(request("ping", 6)))["id"] == 6


async def test_many_requests_at_once_are_each_answered_once() -> None:
    async with talking() as talk:
        calls = [call("get_experiences", number, {"task": "t" * 50_000}) for number in range(99)]
        first = asyncio.create_task(talk.ask("\n".join(calls)))
        answered = [(await first)["id"], *[(await talk.heard())["id"] for _ in calls[1:]]]
        assert sorted(map(str, answered)) == sorted(map(str, range(99)))


def test_a_client_that_stops_reading_and_leaves_ends_the_server_quietly() -> None:
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, *SERVE], stdin=pipe, stdout=pipe, stderr=pipe) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        assert server.stderr is not None
        server.stdin.write(f"{request('initialize', 1, INITIALIZE)}\n".encode())
        server.stdin.flush()
        server.stdout.readline()
        server.stdout.close()
        server.stdin.write(f"{request('tools/list')}\n".encode() * 100)
        server.stdin.close()
        assert server.wait(PATIENCE) == 0
        assert "Traceback" not in server.stderr.read().decode()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize(
    "stderr", [asyncio.subprocess.PIPE, asyncio.subprocess.STDOUT]
)  # pipes, and one that stderr shares
async def test_a_signal_ends_the_server_once_the_record_behind_its_last_answer_is_written(
    number: signal.Signals, stderr: int, url: str
) -> None:
    async with talking(stderr, ends=-number) as talk:
        said = await talk.ask(call("get_experiences", 2, {"task": "a task"}))
        talk.process.send_signal(number)
        async with asyncio.timeout(PATIENCE):
            await talk.process.wait()
    assert isinstance(result := said["result"], dict)
    async with open_store(url) as store:
        library = await store.libraries.get("default")
        assert (await store.retrievals.get(library, retrieval_in(result["content"][0]["text"]))).task == "a task"


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT])  # as nohup does, and a shell to background jobs
async def test_a_signal_that_whoever_started_the_server_ignores_does_not_end_it(number: signal.Signals) -> None:
    before = signal.signal(number, signal.SIG_IGN)
    try:
        async with talking() as talk:
            talk.process.send_signal(number)
            assert "result" in await talk.ask(call("library_status", 2, {}))
    finally:
        signal.signal(number, before)


async def test_a_second_signal_ends_a_server_that_waits_for_the_database_to_close_it(tmp_path: Path) -> None:
    async with talking(ends=-signal.SIGTERM) as talk:
        await talk.ask(call("library_status", 2, {}))

        def ended() -> bool:
            with suppress(ProcessLookupError):
                os.kill(talk.process.pid, signal.SIGTERM)  # subprocess would look for its end, which asyncio waits for
            return talk.process.returncode is not None

        with closing(sqlite3.connect(tmp_path / "library.db")) as another:
            another.execute("BEGIN IMMEDIATE")
            await talk.ask(call("get_experiences", 3, {"task": "a task"}))
            await until(ended)


def test_where_there_is_a_file_instead_of_a_pipe_it_is_served_all_the_same(tmp_path: Path) -> None:
    asked = tmp_path / "asked"
    asked.write_text(request("initialize", 1, INITIALIZE) + "\n" + request("ping", 2) + "\n", encoding="utf-8")
    with asked.open("rb") as source, (tmp_path / "said").open("wb") as sink:
        subprocess.run([sys.executable, *SERVE], stdin=source, stdout=sink, check=True, timeout=PATIENCE)
    said = [json.loads(line) for line in (tmp_path / "said").read_text(encoding="utf-8").splitlines()]
    assert [answer["id"] for answer in said] == [1, 2]


def test_what_is_printed_meanwhile_goes_to_stderr_and_stdin_is_nobodys() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", PRINTING], input="of the client\n", capture_output=True, text=True, timeout=PATIENCE
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == "after\n"
    assert ran.stderr.splitlines() == ["stray", "of a child: nothing"]


def test_pipes_are_as_before_at_the_end() -> None:
    script = PRINTING + "import os\nassert os.get_blocking(0) and os.get_blocking(1)\n"
    ran = subprocess.run([sys.executable, "-c", script], input="", capture_output=True, text=True, timeout=PATIENCE)
    assert ran.returncode == 0, ran.stderr


def test_a_stderr_that_is_stdout_is_left_as_it_is() -> None:
    script = "from explib_server.mcp.lines import are_pipes; import sys; print(are_pipes(0, 1), flush=True)"
    both = subprocess.run(
        [sys.executable, "-c", script], input=b"", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=True
    )
    apart = subprocess.run([sys.executable, "-c", script], input=b"", capture_output=True, check=True)
    assert (both.stdout, apart.stdout) == (f"False{os.linesep}".encode(), f"True{os.linesep}".encode())


def test_a_client_may_give_one_socket_for_both_ways_as_sshd_does() -> None:
    ours, theirs = socket.socketpair()
    server = subprocess.Popen([sys.executable, *SERVE], stdin=theirs.fileno(), stdout=theirs.fileno())
    with server, ours, theirs, ours.makefile("rb") as heard:
        ours.settimeout(PATIENCE)
        for number, line in enumerate([request("initialize", 0, INITIALIZE), request("ping"), request("ping", 2)]):
            ours.sendall(line.encode() + b"\n")
            assert json.loads(heard.readline())["id"] == number
        ours.shutdown(socket.SHUT_WR)
        assert server.wait(PATIENCE) == 0


def test_an_own_socket_for_each_way_is_served_by_the_event_loop_as_node_gives_them() -> None:
    script = "from explib_server.mcp.lines import are_pipes; assert are_pipes(0, 1)"
    (source, first), (sink, second) = socket.socketpair(), socket.socketpair()
    with source, first, sink, second:
        subprocess.run([sys.executable, "-c", script], stdin=source.fileno(), stdout=sink.fileno(), check=True)


def test_a_pipe_that_is_open_both_ways_is_read_in_a_thread(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "said")
    script = "from explib_server.mcp.lines import are_pipes; assert not are_pipes(0, 1)"
    with (tmp_path / "said").open("r+b", buffering=0) as sink:
        subprocess.run([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=sink, check=True)
