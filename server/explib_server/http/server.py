"""Serving over HTTP until stopped: one process, or several that share the port."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from tempfile import TemporaryDirectory
from types import FrameType

import uvicorn
from sse_starlette.sse import AppStatus
from starlette.types import ASGIApp
from uvicorn.supervisors import Multiprocess

from explib.errors import InvalidSetting
from explib.settings.program import Settings
from explib_server.auth.gate import Gate
from explib_server.auth.oauth import is_loopback
from explib_server.compose import open_application
from explib_server.http.app import http_app
from explib_server.http.binding import check_binding
from explib_server.http.connections import BoundedProtocol
from explib_server.mcp.server import LearnerMode, build_server, raise_gc_threshold
from explib_server.mcp.tools import Toolset
from explib_server.page.keys import PageKeys
from explib_server.telemetry.logs import announce, set_up_logs
from explib_server.telemetry.metrics import WORKERS_FOLDER
from explib_server.telemetry.tracing import set_up_traces

GRACE_SECONDS = 10
"""Seconds that running requests get after the server was told to stop; then they are cancelled."""
ENDING_SECONDS = 2
"""Seconds that cancelled requests get to end, before uvicorn cancels them and logs it."""
LOOK_SECONDS = 0.5
"""Seconds between two looks for further streams to end, while the server stops."""
HEALTH_SECONDS = 30
"""A worker that doesn't answer its supervisor for so long is replaced; one that died is at once."""


@dataclass(frozen=True, slots=True)
class Serving:
    """The options of `explib serve --transport http`."""

    host: str
    port: int
    learner: LearnerMode
    tools: Toolset
    workers: int = 1
    keys: PageKeys | None = None
    """Of pages that a person opens from this process."""


def serve_http(settings: Settings, serving: Serving) -> None:
    """Serve until stopped.

    Raises StorageError and InvalidSetting before anything is served: where the database cannot be used, where others
    could reach it without authentication, and where the address is taken.
    """
    tokens_exist = asyncio.run(_tokens_exist(settings))
    check_binding(settings, serving.host, tokens_exist=tokens_exist)
    config = uvicorn.Config(
        partial(worker_app, settings, serving),
        factory=True,
        host=serving.host,
        port=serving.port,
        workers=serving.workers,
        log_config=None,
        access_log=settings.log_level in {"DEBUG", "INFO"},
        ws="none",
        http=BoundedProtocol,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS + ENDING_SECONDS,
        timeout_worker_healthcheck=HEALTH_SECONDS,
    )
    listening = bound(serving.host, serving.port)
    hint = _hint(settings, serving.host, tokens_exist=tokens_exist)
    announce(f"explib listens on http://{serving.host}:{serving.port}/mcp{hint}")
    if serving.workers == 1:
        uvicorn.Server(config).run(sockets=[listening])
    else:
        with _shared_counters():
            Multiprocess(config, sockets=[listening]).run()


def bound(host: str, port: int) -> socket.socket:
    """A socket as uvicorn would bind it, for workers too. Raises InvalidSetting.

    It names its protocol, as uvicorn's does not: asyncio turns Nagle's algorithm off only where a socket does.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise InvalidSetting(
            f"Cannot listen on {host}:{port} ({error.strerror}). Stop the other program, or choose another --port or "
            "--host."
        ) from error
    bound.set_inheritable(True)
    return bound


def worker_app(settings: Settings, serving: Serving) -> ASGIApp:
    """The application of one process. Several have no sessions: the next request may reach another of them."""
    set_up_logs(settings)
    set_up_traces()
    raise_gc_threshold()
    server = build_server(settings, serving.learner, serving.tools)
    gate = http_app(server, settings, serving.host, stateless=serving.workers > 1, keys=serving.keys)
    _end_streams_with_the_server(gate)
    return gate


def _end_streams_with_the_server(gate: Gate) -> None:
    """End open streams on a signal to stop: uvicorn, whose handlers are in place by now, only waits for requests.

    sse_starlette would cut off every streamed answer at once, even one that is nearly complete.
    """
    loop = asyncio.get_running_loop()
    AppStatus.enable_automatic_graceful_drain = False

    def end_streams() -> None:
        gate.end_streams()
        loop.call_later(LOOK_SECONDS, end_streams)  # one may just have been let in

    def end() -> None:
        end_streams()
        loop.call_later(GRACE_SECONDS, gate.end_requests)

    def stop(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(end)
        if callable(before := handlers[signal.Signals(number)]):
            before(number, frame)

    handlers = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}


async def _tokens_exist(settings: Settings) -> bool:
    async with open_application(settings) as application:
        return await application.store.tokens.any_access()


def _hint(settings: Settings, host: str, *, tokens_exist: bool) -> str:
    if settings.auth == "none" and not is_loopback(host):
        return " (--auth none: everybody who can reach it reads and writes every library)"
    if settings.auth == "required" and not tokens_exist and settings.oauth_issuer is None:
        return " (no token exists yet: explib token create --library NAME --scope submit)"
    return ""


@contextmanager
def _shared_counters() -> Iterator[None]:
    """A folder in which the workers keep their counters, so that each can show those of all."""
    if WORKERS_FOLDER in os.environ:
        yield
        return
    with TemporaryDirectory(prefix="explib-metrics-") as folder:
        os.environ[WORKERS_FOLDER] = folder
        try:
            yield
        finally:
            del os.environ[WORKERS_FOLDER]
