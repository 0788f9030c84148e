"""MCP over this process's stdin and stdout.

The SDK's transport gives no answer to a line that is no message, loses what is still being answered when the client
closes its side, and reads and writes in threads, which doubles the time of an empty call.
"""

from __future__ import annotations

import asyncio
import json
import re
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from types import TracebackType
from typing import Self

import anyio
from mcp.shared.message import SessionMessage
from mcp.types import (
    PARSE_ERROR,
    ErrorData,
    JSONRPCError,
    JSONRPCMessage,
    JSONRPCNotification,
    JSONRPCRequest,
    JSONRPCResponse,
    RequestId,
    jsonrpc_message_adapter,
)
from pydantic import JsonValue, ValidationError

from explib_server.auth.callers import LISTEN
from explib_server.mcp.lines import Lines, stdio_lines

if sys.platform != "win32":
    SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

SURROGATE = re.compile("[\ud800-\udfff]")
ANSWER_SECONDS = 60.0
"""How long requests are still answered after the client has closed its side."""


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
    """Messages to the client, a line each; it knows which requests have no answer yet."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self._unanswered: set[RequestId] = set()
        self._all_answered = asyncio.Event()

    async def send(self, item: SessionMessage, /) -> None:
        """Write one message. Raises anyio.BrokenResourceError where the client is gone."""
        message = item.message
        try:
            await self._lines.write(message.model_dump_json(by_alias=True, exclude_unset=True).encode() + b"\n")
        except OSError as error:
            self._unanswered.clear()
            raise anyio.BrokenResourceError from error
        finally:
            if isinstance(message, JSONRPCResponse | JSONRPCError) and message.id is not None:
                self._answered(message.id)

    def expect(self, message: JSONRPCMessage) -> None:
        """Remember that this message is to be answered, or no longer. A subscription has no end to wait for."""
        if isinstance(message, JSONRPCRequest) and message.method != LISTEN:
            self._unanswered.add(message.id)
        elif isinstance(message, JSONRPCNotification) and message.method == "notifications/cancelled":
            request_id = (message.params or {}).get("requestId")
            if isinstance(request_id, str | int):
                self._answered(request_id)

    async def wait_for_answers(self) -> None:
        """Return when every request is answered, after ANSWER_SECONDS at the latest."""
        with anyio.move_on_after(ANSWER_SECONDS):
            while self._unanswered:
                self._all_answered.clear()
                await self._all_answered.wait()

    def _answered(self, request_id: RequestId) -> None:
        self._unanswered.discard(request_id)
        if not self._unanswered:
            self._all_answered.set()


class Incoming(_Stream):
    """Messages from the client, a line each. A line that is no message is answered with an error."""

    def __init__(self, lines: Lines, outgoing: Outgoing) -> None:
        self._lines = lines
        self._outgoing = outgoing

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> SessionMessage | Exception:
        try:
            return await self.receive()
        except anyio.EndOfStream:
            raise StopAsyncIteration from None

    async def receive(self) -> SessionMessage | Exception:
        """The next message. Raises anyio.EndOfStream once the client has closed its side and has its answers."""
        while line := await self._lines.read():
            if not line.strip():
                continue
            message = read_message(line)
            if not isinstance(message, JSONRPCError):
                self._outgoing.expect(message)
                return SessionMessage(message)
            await self._outgoing.send(SessionMessage(message))
        await self._outgoing.wait_for_answers()
        raise anyio.EndOfStream


def read_message(line: bytes) -> JSONRPCMessage:
    """The message of a line; halves of emojis, which JavaScript clients cut off, become U+FFFD.

    For a line that is no message, the error to answer, under the request's id where it has one.
    """
    try:
        return jsonrpc_message_adapter.validate_json(line, by_name=False)
    except ValidationError as error:
        problem = _problem(error)
    document: JsonValue = None
    try:
        document = _clean(json.loads(line.decode(errors="replace")))
        return jsonrpc_message_adapter.validate_python(document, by_name=False)
    except (ValueError, RecursionError):
        given_id = document.get("id") if isinstance(document, dict) else None
        request_id = given_id if isinstance(given_id, str | int) and not isinstance(given_id, bool) else None
        data = ErrorData(code=PARSE_ERROR, message=f"This line is no JSON-RPC message: {problem}")
        return JSONRPCError(jsonrpc="2.0", id=request_id, error=data)


def _clean(document: JsonValue) -> JsonValue:
    if isinstance(document, str):
        return SURROGATE.sub("\ufffd", document)
    if isinstance(document, list):
        return [_clean(item) for item in document]
    if isinstance(document, dict):
        return {SURROGATE.sub("\ufffd", key): _clean(value) for key, value in document.items()}
    return document


def _problem(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    return str(first["msg"])


@asynccontextmanager
async def stdio_streams() -> AsyncIterator[tuple[Incoming, Outgoing]]:
    """The two directions of the transport."""
    async with stdio_lines() as lines:
        outgoing = Outgoing(lines)
        yield Incoming(lines, outgoing), outgoing


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """On one of SIGNALS cancel the body; when it has ended, end the process by that signal.

    Then and there, since a thread may read a terminal for ever. A second signal ends the process at once.
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
        for number in handled:
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)

    handled = [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]  # as after nohup
    for number in handled:
        loop.add_signal_handler(number, stop, number)
    try:
        with anyio.CancelScope() as scope:
            yield
    finally:
        release()
        for number in caught:
            signal.raise_signal(number)
