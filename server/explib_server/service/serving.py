"""What the service serves with: one application and one learner, and a server for each toolset."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from importlib import import_module
from typing import TYPE_CHECKING, get_args

from mcp.server.subscriptions import InMemorySubscriptionBus

from explib.errors import ExplibError
from explib.settings.program import Settings
from explib.tasks import BackgroundTasks
from explib_server.mcp.opening import LazyApplication
from explib_server.mcp.server import ExperienceMCP, server_over
from explib_server.mcp.tools import Toolset
from explib_server.service.answers import Kept
from explib_server.service.asking import kept_answers

if TYPE_CHECKING:
    from explib_server.application import Application
    from explib_server.mcp.background import InProcessLearner

SETTLED_SECONDS = 10.0
"""After the start, when nothing else is likely to be waited for."""
TOOLSETS: tuple[Toolset, ...] = get_args(Toolset)


class Serving:
    """The servers over one application, which is opened at once: who started the service has a first question."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.learner: InProcessLearner | None = None
        self.application = LazyApplication(self._open, handshake_seconds=0.0)
        self.on_open: Callable[[], None] = lambda: None
        """Called when the database has been opened."""
        self._servers: dict[Toolset, ExperienceMCP] = {}
        self._bus = InMemorySubscriptionBus()
        self._background = BackgroundTasks()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """As long as this lasts the application is, or can be, open."""
        async with self.application.running():
            try:
                yield
            finally:
                await self._background.end()

    def server(self, tools: str) -> ExperienceMCP:
        """The server with this toolset; the agents' where there is none of this name."""
        toolset = named(tools)
        if toolset not in self._servers:
            server = self._servers[toolset] = server_over(self.application, self._bus, self.settings, toolset)
            self._background.start(self._keep(server), "answers", "the opening answers could not be kept")
        return self._servers[toolset]

    @asynccontextmanager
    async def page(self, port: int) -> AsyncIterator[str]:
        """The address of the page over the same application, as long as this lasts. Raises as `open_page`."""
        page = await asyncio.to_thread(import_module, "explib_server.page.serving")
        async with page.open_page(self.application, self._bus, self.settings, port) as address:
            yield address

    async def _keep(self, server: ExperienceMCP) -> None:
        """Once the first questions are answered; what an update has changed can wait longer than what is missing."""
        with suppress(ExplibError):  # each call says it
            await self.application()
        if Kept(server.toolset).any:
            await asyncio.sleep(SETTLED_SECONDS)
        await kept_answers(server)

    async def _open(self) -> AbstractAsyncContextManager[Application]:
        background = await asyncio.to_thread(import_module, "explib_server.mcp.background")
        self.learner = background.InProcessLearner()
        opening: AbstractAsyncContextManager[Application] = background.run_background(
            self.settings, self._bus, self.learner
        )
        return self._noticed(opening)

    @asynccontextmanager
    async def _noticed(self, opening: AbstractAsyncContextManager[Application]) -> AsyncIterator[Application]:
        async with opening as application:
            self.on_open()
            yield application


def named(tools: str) -> Toolset:
    """The toolset of this name; the agents' where there is none."""
    return next((each for each in TOOLSETS if each == tools), "agent")
