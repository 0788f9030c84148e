"""A real HTTP server on loopback that speaks /v1/chat/completions and answers from a script."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeAlias

from explib.models.json_value import Json
from explib.tasks import cancel_and_wait

AT_ONCE = {"retry-after-ms": "1"}
"""Header by which the openai client repeats without its usual wait."""
TURNS_TO_CONNECT = 5
"""Turns of the loop after which asyncio has handed over what it had accepted before a server was closed: it takes 3."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One HTTP answer."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    die_after: int | None = None
    """Close the connection after so many bytes of the body."""
    wait_for: asyncio.Event | None = None
    """Answer only when this is set."""


Asked: TypeAlias = dict[str, Json]
Script: TypeAlias = Sequence[Reply] | Callable[[Asked], Reply]


def says(text: str | None, prompt_tokens: int = 100, completion_tokens: int = 10, finish: str = "stop") -> Reply:
    """A chat completion with this content."""
    body = {
        "id": "c1",
        "object": "chat.completion",
        "created": 1,
        "model": "scripted",
        "choices": [
            {"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": text}},
        ],
        "usage": {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": completion_tokens,
            "total_tokens": prompt_tokens + completion_tokens,
        },
    }
    return Reply(body=json.dumps(body).encode())


def answers(value: Json, prompt_tokens: int = 100, completion_tokens: int = 10) -> Reply:
    """A chat completion whose content is this value as JSON."""
    return says(json.dumps(value), prompt_tokens, completion_tokens)


def streams(delta: Json, finish: str) -> Reply:
    """A chat completion as server-sent events: one piece, then the end."""
    pieces: list[Json] = [{"index": 0, "delta": delta, "finish_reason": None}]
    pieces += [{"index": 0, "delta": {}, "finish_reason": finish}]
    events = [
        {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "scripted", "choices": [piece]}
        for piece in pieces
    ]
    lines = [f"data: {json.dumps(event)}\n\n" for event in events]
    return Reply(body="".join([*lines, "data: [DONE]\n\n"]).encode(), headers={"content-type": "text/event-stream"})


def refuses(status: int, message: str, code: str | None = None) -> Reply:
    """An error in OpenAI's form, to be repeated at once where it is repeated."""
    return Reply(status, json.dumps({"error": {"message": message, "code": code}}).encode(), AT_ONCE)


def text_of(asked: Asked) -> str:
    """All that a request says to the model."""
    messages = asked["messages"]
    assert isinstance(messages, list)
    return "\n".join(str(message["content"]) for message in messages if isinstance(message, dict))


class ScriptedEndpoint:
    """The server: `asked` holds every request's body, in order of arrival."""

    def __init__(self, script: Script) -> None:
        self.asked: list[Asked] = []
        self.arrived = asyncio.Condition()
        self.most_at_once = 0
        self.url = ""
        self._script = script
        self._answering: set[asyncio.Task[None]] = set()
        self._open = 0

    async def has(self, count: int) -> None:
        """Wait until so many requests have arrived."""
        async with self.arrived:
            await self.arrived.wait_for(lambda: len(self.asked) >= count)

    def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection: read one request, answer it, close."""
        answering = asyncio.create_task(self._answer(reader, writer))
        self._answering.add(answering)
        answering.add_done_callback(partial(self._answered, writer))

    def _answered(self, writer: asyncio.StreamWriter, answering: asyncio.Task[None]) -> None:
        """Also where the task was cancelled before its first step."""
        self._answering.discard(answering)
        writer.close()

    async def leave(self, server: asyncio.Server) -> None:
        """Take no more connections, and close those that are open, answered or not."""
        server.close()
        for _ in range(TURNS_TO_CONNECT):
            await asyncio.sleep(0)
        await cancel_and_wait(*self._answering)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            length = int(head.split("content-length:")[1].split("\r\n")[0])
            body: Asked = json.loads(await reader.readexactly(length))
            self._open += 1
            self.most_at_once = max(self.most_at_once, self._open)
            reply = await self._next(body)
            if reply.wait_for is not None:
                await reply.wait_for.wait()
            self._open -= 1
            lines = [f"HTTP/1.1 {reply.status} X", f"content-length: {len(reply.body)}", "connection: close"]
            headers = {"content-type": "application/json", **reply.headers}
            lines += [f"{key}: {value}" for key, value in headers.items()]
            writer.write("\r\n".join((*lines, "\r\n")).encode() + reply.body[: reply.die_after])
            await writer.drain()

    async def _next(self, body: Asked) -> Reply:
        async with self.arrived:
            self.asked.append(body)
            self.arrived.notify_all()
            at = len(self.asked) - 1
        if callable(self._script):
            return self._script(body)
        return self._script[at] if at < len(self._script) else refuses(418, "the script has ended")


@contextlib.asynccontextmanager
async def endpoint(script: Script) -> AsyncIterator[ScriptedEndpoint]:
    """The server, running on a free port of 127.0.0.1."""
    scripted = ScriptedEndpoint(script)
    server = await asyncio.start_server(scripted.connected, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    scripted.url = f"http://127.0.0.1:{port}/v1"
    try:
        yield scripted
    finally:
        await scripted.leave(server)
