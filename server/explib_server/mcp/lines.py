"""Lines over this process's stdin and stdout: pipes by the event loop, files, terminals and Windows in threads."""

from __future__ import annotations

import asyncio
import os
import stat
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import BinaryIO, Protocol

import anyio.to_thread

if sys.platform != "win32":
    import fcntl

LINE_BYTES = 64 << 20
"""Most bytes of one message."""
TOO_LONG = b"(a longer line)"
STDIN, STDOUT, STDERR = 0, 1, 2


class Lines(Protocol):
    """Lines from and to the client."""

    async def read(self) -> bytes:
        """The next line; empty at the end. One that is too long comes as TOO_LONG."""
        ...

    async def write(self, line: bytes) -> None:
        """Write one line. Raises OSError where the client is gone."""
        ...


class PipeLines:
    """Lines of pipes and sockets, by the event loop."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def read(self) -> bytes:
        """The next line."""
        try:
            return await self._reader.readline()
        except ValueError:
            return TOO_LONG

    async def write(self, line: bytes) -> None:
        """Write one line."""
        self._writer.write(line)
        await self._writer.drain()


class FileLines:
    """Lines of files and terminals, in threads."""

    def __init__(self, source: BinaryIO, sink: BinaryIO) -> None:
        self._source = source
        self._sink = sink

    async def read(self) -> bytes:
        """The next line."""
        return await anyio.to_thread.run_sync(self._source.readline, LINE_BYTES, abandon_on_cancel=True)

    async def write(self, line: bytes) -> None:
        """Write one line."""
        await anyio.to_thread.run_sync(self._sink.write, line)


@asynccontextmanager
async def stdio_lines() -> AsyncIterator[Lines]:
    """The lines of stdin and stdout; meanwhile whatever else is printed to stdout goes to stderr."""
    with _taken(STDIN, os.open(os.devnull, os.O_RDONLY)) as source, _taken(STDOUT, os.dup(STDERR)) as sink:
        async with _opened(source, sink) as lines:
            yield lines


def are_pipes(source: int, sink: int) -> bool:
    """True if both can be used without blocking, and nobody writes to the sink through stderr.

    What arrives on the sink is taken for its end by the event loop: it must be neither the source's socket nor open to
    read.
    """
    if sys.platform == "win32":
        return False
    statuses = [os.fstat(number) for number in (source, sink)]
    if any(os.path.samestat(statuses[1], other) for other in (statuses[0], os.fstat(STDERR))):
        return False
    if stat.S_ISFIFO(statuses[1].st_mode) and fcntl.fcntl(sink, fcntl.F_GETFL) & os.O_ACCMODE != os.O_WRONLY:
        return False
    return all(stat.S_ISFIFO(status.st_mode) or stat.S_ISSOCK(status.st_mode) for status in statuses)


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
async def _opened(source: int, sink: int) -> AsyncIterator[Lines]:
    """Lines over two descriptors, which stay open; everything is written out at the end."""
    if not are_pipes(source, sink):  # not closed: a thread may still be reading
        yield FileLines(os.fdopen(source, "rb", closefd=False), os.fdopen(sink, "wb", buffering=0, closefd=False))
        return
    reading, writing = os.fdopen(os.dup(source), "rb", buffering=0), os.fdopen(os.dup(sink), "wb", buffering=0)
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=LINE_BYTES)
    read_pipe, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), reading)
    try:
        write_pipe, protocol = await loop.connect_write_pipe(
            lambda: asyncio.StreamReaderProtocol(asyncio.StreamReader()), writing
        )
        writer = asyncio.StreamWriter(write_pipe, protocol, None, loop)
        try:
            yield PipeLines(reader, writer)
        finally:
            writer.close()
            await asyncio.gather(writer.wait_closed(), return_exceptions=True)  # a client that is gone reads nothing
    finally:
        read_pipe.close()
