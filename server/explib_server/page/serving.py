"""Serving the page to the person at this machine: a loopback port, open as long as who asked for it is there.

It is opened over the application that is there: the service's, or that of a command where there is no service.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from mcp.server.subscriptions import InMemorySubscriptionBus

from explib.settings.program import Settings
from explib_server.application import Application
from explib_server.auth.connections import ClientConnection, connected, current_connection
from explib_server.http.app import http_app
from explib_server.http.connections import BoundedProtocol
from explib_server.http.server import bound
from explib_server.mcp.opening import LazyApplication
from explib_server.mcp.server import application_of, server_over
from explib_server.mcp.stdio import ended_by_signals
from explib_server.page.door import PAGE_PATH
from explib_server.page.keys import PageKeys
from explib_server.projects.folder import here, working_in

LOOPBACK = "127.0.0.1"
GRACE_SECONDS = 2
"""Seconds that running requests get when the page ends."""


async def serve_page(settings: Settings, port: int, opened: Callable[[str], None]) -> None:
    """Serve from this process until a signal stops it; `opened` is called with the address. Raises as `open_page`."""
    bus = InMemorySubscriptionBus()
    current = application_of(settings, bus, "off")
    with ended_by_signals(), working_in(here()):
        async with current.running(), open_page(current, bus, settings, port) as address:
            opened(address)
            await asyncio.Event().wait()


@asynccontextmanager
async def open_page(
    current: LazyApplication, bus: InMemorySubscriptionBus, settings: Settings, port: int
) -> AsyncIterator[str]:
    """The page's address, good as long as this lasts, for the folder and connection at work. Port 0: any free one.

    Nobody gets in without the key that the address brings, other users of this machine neither. Raises InvalidSetting
    where the port is taken, and StorageError.
    """
    keys, guarded = PageKeys(), settings.model_copy(update={"auth": "required"})
    library = await _library(await current())
    with bound(LOOPBACK, port) as listening, connected(ClientConnection(library=library)):
        gate = http_app(server_over(current, bus, guarded, "all"), guarded, LOOPBACK, keys=keys)
        config = uvicorn.Config(
            gate,
            log_config=None,
            access_log=False,
            ws="none",
            http=BoundedProtocol,
            server_header=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
        server = _Server(config)
        listening.listen()  # who connects before it serves is answered then
        serving = asyncio.create_task(server.serve(sockets=[listening]), name="page")
        try:
            yield f"http://{LOOPBACK}:{listening.getsockname()[1]}{PAGE_PATH}#code={keys.code()}"
        finally:
            server.should_exit = True
            gate.end_streams()
            await serving


async def _library(application: Application) -> str:
    """The library that the page opens on: the one that is set; else the folder's, if it is there; else the person's."""
    own, name = current_connection().library, application.project.library
    known = own is not None or await application.store.libraries.find(name) is not None
    return name if known else application.settings.library


class _Server(uvicorn.Server):
    """A server that leaves signals to its process."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield
