"""Starting or reaching a server as a client would, and asking it for its tools."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TextIO

import httpx2
from mcp import Client, StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError

from explib.errors import ExplibError, leaves
from explib.text.words import number_of
from explib_server.clients.attached import Command, Launch

TRY_SECONDS = 30.0
"""A server that has not answered by then is one that its client gives up, too."""
SHOWN_CHARACTERS = 600
NEEDED = "get_experiences"
EXPECTED = (MCPError, OSError, httpx2.HTTPError)
"""Errors that a client meets when a server does not work, alone or in groups."""


class ServerFailed(ExplibError):
    """The server does not work as it is configured."""


async def try_server(launch: Launch) -> str:
    """The server's answer, in a few words. Raises ServerFailed, with what the server said, where it doesn't work."""
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as errors:
        started = time.monotonic()
        try:
            tools = await _tools(launch, errors)
        except (*EXPECTED, BaseExceptionGroup) as error:
            causes = [*leaves(error)]
            if not all(isinstance(cause, EXPECTED) for cause in causes):
                raise
            reasons = "; ".join(dict.fromkeys(map(_reason, causes)))
            raise ServerFailed(f"{reasons}{_said(errors)}") from error
    if NEEDED not in tools:
        raise ServerFailed(
            f"it answers, but without the tool {NEEDED}: it is another server, or the token may not read"
        )
    return f"answers with {number_of(len(tools), 'tool')} in {time.monotonic() - started:.1f} s"


async def _tools(launch: Launch, errors: TextIO) -> list[str]:
    async with asyncio.timeout(TRY_SECONDS), _connected(launch, errors) as client:
        return [tool.name for tool in (await client.list_tools()).tools]


@asynccontextmanager
async def _connected(launch: Launch, errors: TextIO) -> AsyncIterator[Client]:
    if isinstance(launch, Command):
        command = StdioServerParameters(
            command=launch.command, args=[*launch.arguments], env={**launch.environment} or None
        )
        async with Client(stdio_client(command, errors)) as client:
            yield client
    else:
        async with (
            httpx2.AsyncClient(headers={**launch.headers}, timeout=TRY_SECONDS) as http,
            Client(streamable_http_client(launch.url, http_client=http)) as client,
        ):
            yield client


def _reason(error: BaseException) -> str:
    match error:
        case FileNotFoundError():
            return f"the command {error.filename} does not exist"
        case TimeoutError():
            return f"no answer within {TRY_SECONDS:g} s"
        case _:
            return str(error) or type(error).__name__


def _said(errors: TextIO) -> str:
    """The end of what the server wrote to stderr."""
    errors.seek(0)
    output = errors.read().strip()
    return f". It said: {output[-SHOWN_CHARACTERS:]}" if output else ""
