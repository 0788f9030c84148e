"""MCP over this process's stdin and stdout, read and written by the event loop itself.

The SDK's transport does both in threads, and each change of thread costs: half the time of an empty call. It also gives
no answer to a line that is no message. It serves where stdin and stdout are no pipes: a terminal, a file, Windows.
"""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from types import TracebackType
from typing import Self

import anyio
from mcp.shared.message import SessionMessage
from mcp.types import PARSE_ERROR, ErrorData, JSONRPCError, jsonrpc_message_adapter
from pydantic import ValidationError

if sys.platform != "win32":
    import fcntl

    SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

READ_BYTES = 1 << 20
"""Bytes that are read ahead of the message that is being parsed; one message may be longer."""
STDIN, STDOUT, STDERR = 0, 1, 2


class _Stream:
    """One direction of the transport: it can be entered, left and closed."""

    async def aclose(self) -> None:
        """Nothing: the pipe is closed by who opened it."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


class Outgoing(_Stream):
    """Messages to the client, a line each."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer

    async def send(self, item: SessionMessage, /) -> None:
        """Write one message. Raises anyio.BrokenResourceError where the client is gone."""
        line = item.message.model_dump_json(by_alias=True, exclude_unset=True)
        try:
            self._writer.write(line.encode() + b"\n")
            await self._writer.drain()
        except OSError as error:
            raise anyio.BrokenResourceError from error


class Incoming(_Stream):
    """Messages from the client, a line each. One that is none is answered with an error, and the next one is read."""

    def __init__(self, reader: asyncio.StreamReader, outgoing: Outgoing) -> None:
        self._reader = reader
        self._outgoing = outgoing

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> SessionMessage | Exception:
        try:
            return await self.receive()
        except anyio.EndOfStream:
            raise StopAsyncIteration from None

    async def receive(self) -> SessionMessage | Exception:
        """The next message. Raises anyio.EndOfStream once the client has closed its side."""
        while True:
            line = await self._line()
            try:
                return SessionMessage(jsonrpc_message_adapter.validate_json(line, by_name=False))
            except ValidationError as error:
                problem = ErrorData(code=PARSE_ERROR, message=f"This line is no JSON-RPC message: {_problem(error)}")
                await self._outgoing.send(SessionMessage(JSONRPCError(jsonrpc="2.0", id=None, error=problem)))

    async def _line(self) -> bytes:
        parts: list[bytes] = []
        while True:
            try:
                parts.append(await self._reader.readuntil())
            except asyncio.LimitOverrunError as error:
                parts.append(await self._reader.readexactly(error.consumed))
                continue
            except asyncio.IncompleteReadError as error:
                parts.append(error.partial)
                if not b"".join(parts).strip():
                    raise anyio.EndOfStream from None
            line = b"".join(parts)
            if line.strip():
                return line
            parts = []


def _problem(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    return str(first["msg"])


@asynccontextmanager
async def stdio_streams() -> AsyncIterator[tuple[Incoming, Outgoing]]:
    """The two directions; meanwhile whatever else is printed to stdout goes to stderr. Both must be pipes."""
    with _taken(STDIN, os.open(os.devnull, os.O_RDONLY)) as source, _taken(STDOUT, os.dup(STDERR)) as sink:
        async with _opened(source, sink) as (reader, writer):
            outgoing = Outgoing(writer)
            yield Incoming(reader, outgoing), outgoing


def are_pipes() -> bool:
    """True if stdin and stdout can be used without blocking, and nobody writes to stdout through stderr.

    What arrives on stdout is taken for its end by the event loop: it must be neither stdin's socket nor open to read.
    """
    if sys.platform == "win32":
        return False
    source, sink, errors = (os.fstat(number) for number in (STDIN, STDOUT, STDERR))
    if any(os.path.samestat(sink, other) for other in (source, errors)):
        return False
    if stat.S_ISFIFO(sink.st_mode) and fcntl.fcntl(STDOUT, fcntl.F_GETFL) & os.O_ACCMODE != os.O_WRONLY:
        return False
    return all(stat.S_ISFIFO(status.st_mode) or stat.S_ISSOCK(status.st_mode) for status in (source, sink))


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Cancel the body on one of SIGNALS; when it has ended, end the process by that signal.

    Then and there, since the SDK's thread may read on for ever. A second signal ends the process at once.
    """
    if sys.platform == "win32":  # there, who ends a process asks nobody
        yield
        return
    loop = asyncio.get_running_loop()
    caught: list[signal.Signals] = []

    def stop(number: signal.Signals) -> None:
        caught.append(number)
        release()
        scope.cancel()

    def release() -> None:
        for number in heeded:
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)

    heeded = [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]  # as after nohup
    for number in heeded:
        loop.add_signal_handler(number, stop, number)
    try:
        with anyio.CancelScope() as scope:
            yield
    finally:
        release()
        for number in caught:
            signal.raise_signal(number)


@contextmanager
def _taken(number: int, instead: int) -> Iterator[int]:
    """The descriptor under another number, with something else in its place until the end."""
    sys.stdout.flush()
    own = os.dup(number)
    os.dup2(instead, number, inheritable=True)
    os.close(instead)
    try:
        yield own
    finally:
        os.set_blocking(own, True)
        os.dup2(own, number, inheritable=True)
        os.close(own)


@asynccontextmanager
async def _opened(source: int, sink: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Streams over two descriptors, which stay open; what was written is written out at the end."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=READ_BYTES)
    reading, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(os.dup(source), "rb", buffering=0)
    )
    try:
        writing, protocol = await loop.connect_write_pipe(
            lambda: asyncio.StreamReaderProtocol(asyncio.StreamReader()), os.fdopen(os.dup(sink), "wb", buffering=0)
        )
        writer = asyncio.StreamWriter(writing, protocol, None, loop)
        try:
            yield reader, writer
        finally:
            writer.close()
            await asyncio.gather(writer.wait_closed(), return_exceptions=True)  # a client that is gone reads nothing
    finally:
        reading.close()
