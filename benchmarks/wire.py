"""Clients that speak MCP with as little of their own as possible, so that what is measured is the server.

One line or one request out, one answer in, in the spec of 2026-07-28 (no handshake). The SDK's own client, which real
agents use, costs more than most servers do: see `--client sdk`.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

from mcp import Client, StdioServerParameters, stdio_client

VERSION = "2026-07-28"
META = {
    "io.modelcontextprotocol/protocolVersion": VERSION,
    "io.modelcontextprotocol/clientInfo": {"name": "benchmark", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}
ANSWER_BYTES = 64 * 1024 * 1024
START_SECONDS = 120
HERE = Path(__file__).parent
OURS = (sys.executable, "-m", "explib_server", "serve")
FLOOR = (sys.executable, str(HERE / "empty_server.py"))


class Caller(Protocol):
    """Calls get_experiences."""

    async def call(self, task: str) -> str:
        """The raw answer. Raises RuntimeError for an answer that is an error."""
        ...


def _request(method: str, **params: object) -> bytes:
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": META}}
    return json.dumps(body, separators=(",", ":")).encode()


def _call(task: str) -> bytes:
    return _request("tools/call", name="get_experiences", arguments={"task": task})


def _checked(answer: bytes) -> str:
    text = answer.decode()
    if '"isError":true' in text or '"error":{' in text[:200]:
        raise RuntimeError(text[:500])
    return text


class Pipe:
    """A server process and its pipes."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def ask(self, request: bytes) -> str:
        """One line out, one line in."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(request + b"\n")
        return _checked(await self.process.stdout.readline())

    async def call(self, task: str) -> str:
        """Call get_experiences."""
        return await self.ask(_call(task))

    async def discover(self) -> str:
        """What the server is, which modern clients ask first."""
        return await self.ask(_request("server/discover"))

    async def list_tools(self) -> str:
        """The tools."""
        return await self.ask(_request("tools/list"))


@asynccontextmanager
async def pipe(command: Sequence[str], env: Mapping[str, str]) -> AsyncIterator[Pipe]:
    """A server over stdio, ended at the end."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, **env},
        limit=ANSWER_BYTES,
    )
    try:
        yield Pipe(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()


class SdkPipe:
    """The same through the SDK's client, which checks every answer against the tool's output schema."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def call(self, task: str) -> str:
        """Call get_experiences."""
        result = await self._client.call_tool("get_experiences", {"task": task})
        if result.is_error:
            raise RuntimeError(str(result.content)[:500])
        return ""


@asynccontextmanager
async def sdk_pipe(command: Sequence[str], env: Mapping[str, str]) -> AsyncIterator[SdkPipe]:
    """A server over stdio behind the SDK's client."""
    parameters = StdioServerParameters(command=command[0], args=list(command[1:]), env={**os.environ, **env})
    async with Client(stdio_client(parameters)) as client:
        yield SdkPipe(client)


class Connection:
    """One kept-alive HTTP connection, opened again where the server has closed it for being idle."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._open: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._head = (
            f"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: application/json, text/event-stream\r\n"
            f"Content-Type: application/json\r\nMCP-Protocol-Version: {VERSION}\r\nMCP-Method: tools/call\r\n"
            "MCP-Name: get_experiences\r\nContent-Length: "
        ).encode()

    async def call(self, task: str) -> str:
        """Call get_experiences."""
        if self._open is None or self._open[0].at_eof():
            await self.close()
            self._open = await asyncio.open_connection("127.0.0.1", self._port, limit=ANSWER_BYTES)
        reader, writer = self._open
        body = _call(task)
        writer.write(self._head + str(len(body)).encode() + b"\r\n\r\n" + body)
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        status, length = head.split(" ", 2)[1], head.partition("content-length: ")[2].partition("\r\n")[0]
        answer = await reader.readexactly(int(length))
        if status != "200":
            raise RuntimeError(f"{status} {answer[:500]!r}")
        return _checked(answer)

    async def close(self) -> None:
        """Close it."""
        if self._open is not None:
            self._open[1].close()


@asynccontextmanager
async def connection(port: int) -> AsyncIterator[Connection]:
    """A connection to a server on this machine."""
    opened = Connection(port)
    try:
        yield opened
    finally:
        await opened.close()


@asynccontextmanager
async def listening(command: Sequence[str], env: Mapping[str, str]) -> AsyncIterator[tuple[int, int]]:
    """A server over HTTP: its port and its process id; `--port N` is added to the command."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    process = await asyncio.create_subprocess_exec(*command, "--port", str(port), env={**os.environ, **env})
    try:
        async with asyncio.timeout(START_SECONDS):
            await _answering(port)
        yield port, process.pid
    finally:
        process.terminate()
        await process.wait()


def processor_seconds(pid: int) -> float:
    """What a process has used of the processor, as Linux tells it."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def _answering(port: int) -> None:
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.05)
        else:
            writer.close()
            return
