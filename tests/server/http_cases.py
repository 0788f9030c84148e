"""A real server on a real socket, tokens for it, and clients that show them."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from http.client import HTTPConnection

import httpx2
import uvicorn
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from starlette.types import ASGIApp
from waiting import PATIENCE, until

from explib.models.access import TokenScope
from explib.models.libraries import LibrarySettings
from explib.models.revisions import Operation
from explib.settings.program import Settings
from explib.storage.revisions.proposal import Proposal
from explib.storage.store import open_store
from explib_server.http.app import http_app
from explib_server.mcp.server import LearnerMode, build_server
from explib_server.mcp.tools import Toolset

ERAS = ["legacy", "auto"]
_HELLO = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "c", "version": "1"}}
INITIALIZE = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": _HELLO})
LISTING = json.dumps({"jsonrpc": "2.0", "id": 2, "method": "tools/list"})
JSON_HEADERS = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer."""

    status: int
    headers: dict[str, str]
    body: str = field(repr=False)


@asynccontextmanager
async def running(app: ASGIApp) -> AsyncIterator[str]:
    """The address of the application, served on a free port of loopback."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(
            uvicorn.Config(app, log_level="warning", ws="none", timeout_graceful_shutdown=1, log_config=None)
        )
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        await until(lambda: server.started)
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            await serving


@asynccontextmanager
async def http_server(
    settings: Settings | None = None, tools: Toolset = "all", learner: LearnerMode = "off"
) -> AsyncIterator[str]:
    """The experience library over HTTP."""
    chosen = settings or Settings()
    async with running(http_app(build_server(chosen, learner, tools), chosen, "127.0.0.1")) as address:
        yield address


@asynccontextmanager
async def client_with(address: str, secret: str | None, mode: str = "auto") -> AsyncIterator[Client]:
    """The SDK's client, showing this token."""
    headers = {} if secret is None else {"Authorization": f"Bearer {secret}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=PATIENCE) as http,
        Client(streamable_http_client(f"{address}/mcp", http_client=http), mode=mode) as client,
    ):
        yield client


async def make_token(*libraries: str, scope: TokenScope = "curate", expires_at: float | None = None) -> str:
    """A token's secret; no library named: every one."""
    async with open_store(Settings().database_url) as store:
        _, secret = await store.tokens.create("tester", scope, libraries or None, expires_at)
    return secret


async def make_library(name: str, lesson: str) -> None:
    """A library with one lesson, e1."""
    async with open_store(Settings().database_url) as store:
        library = await store.libraries.ensure(name, LibrarySettings(exploration=False))
        operation = Operation("ADD", "because", content=lesson)
        await store.revisions.commit(Proposal(library, "by hand", "test", "contrast", (operation,)))


async def ask(
    address: str, path: str = "/mcp", secret: str | None = None, headers: Mapping[str, str] | None = None, **how: str
) -> Answer:
    """One plain HTTP request: a POST of initialize to /mcp, or a GET of another path."""
    sent = {**(JSON_HEADERS if path == "/mcp" else {}), **(headers or {})}
    if secret is not None:
        sent["Authorization"] = f"Bearer {secret}"
    body = how.get("body", INITIALIZE if path == "/mcp" else "")
    method = how.get("method", "POST" if body else "GET")

    def once() -> Answer:
        with closing(HTTPConnection(address.removeprefix("http://"), timeout=20)) as connection:
            connection.request(method, path, body or None, sent)
            answer = connection.getresponse()
            headers = {name.lower(): value for name, value in answer.headers.items()}
            return Answer(answer.status, headers, answer.read().decode())

    return await asyncio.to_thread(once)
