"""Serving the page to the person at this machine: a loopback port, open as long as the command runs.

This is the one place that says which process holds the index behind the page: the command's own.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from functools import partial

import uvicorn

from explib.settings.program import Settings
from explib_server.compose import open_application
from explib_server.http.connections import BoundedProtocol
from explib_server.http.server import Serving, bound, worker_app
from explib_server.page.door import PAGE_PATH
from explib_server.page.keys import PageKeys
from explib_server.projects.folder import here, working_in

LOOPBACK = "127.0.0.1"
GRACE_SECONDS = 2
"""Seconds that running requests get after Ctrl-C."""


def serve_page(settings: Settings, port: int, opened: Callable[[str], None]) -> None:
    """Serve until stopped; `opened` is called with the page's address once it can be opened. Port 0: any free one.

    Nobody gets in without the key that the address brings, other users of this machine neither. Raises InvalidSetting
    where the port is taken.
    """
    keys = PageKeys()
    serving = Serving(LOOPBACK, port, "off", "all", keys=keys)
    guarded = settings.model_copy(update={"auth": "required"})
    config = uvicorn.Config(
        partial(worker_app, guarded, serving),
        factory=True,
        log_config=None,
        access_log=False,
        ws="none",
        http=BoundedProtocol,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    with bound(LOOPBACK, port) as listening:
        address = f"http://{LOOPBACK}:{listening.getsockname()[1]}{PAGE_PATH}"
        _Server(config, lambda: opened(f"{address}#code={keys.code()}")).run(sockets=[listening])


async def with_library(settings: Settings) -> Settings:
    """The settings with the library that the page opens on: the folder's where there is one, else the person's."""
    with working_in(here()):
        async with open_application(settings) as application:
            name = application.project.library
            known = await application.store.libraries.find(name) is not None
    return settings.model_copy(update={"library": name}) if known else settings


class _Server(uvicorn.Server):
    """A server that says when it has begun to listen."""

    def __init__(self, config: uvicorn.Config, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._tell = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen, then say so."""
        await super().startup(sockets)
        if self.started:
            self._tell()
