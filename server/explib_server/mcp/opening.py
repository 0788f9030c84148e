"""The application of a running server: opened after the handshake, or by the first call that needs it.

Whoever starts a server waits for its tools. What stands behind them (SQLAlchemy, the database, the learner) takes as
long to import and to open as all the rest of the start, so none of it is imported before the tools are listed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, TypeAlias

from anyio import CancelScope

from explib.errors import ExplibError
from explib.tasks import cancel_and_wait, set_within

if TYPE_CHECKING:
    from explib_server.application import Application

log = logging.getLogger(__name__)
HANDSHAKE_SECONDS = 0.5
"""Seconds that a client which has just started the server gets all of the processor for its first questions."""

Current: TypeAlias = "Callable[[], Awaitable[Application]]"
"""Gives the application of the running server. Raises StorageError where the database cannot be used."""
OpenApplication: TypeAlias = "Callable[[], Awaitable[AbstractAsyncContextManager[Application]]]"


class LazyApplication:
    """One application as long as the server runs. Where it can't be opened each call says why; the next one tries."""

    def __init__(self, open_application: OpenApplication, handshake_seconds: float = HANDSHAKE_SECONDS) -> None:
        self._open_application = open_application
        self._handshake_seconds = handshake_seconds
        self._wanted = asyncio.Event()
        self._open: Application | None = None
        self._running = False
        self._waiting: asyncio.Future[Application] | None = None

    async def __call__(self) -> Application:
        """The open application, opened now if need be. Raises StorageError."""
        if self._open is not None:
            return self._open
        if self._waiting is None:
            self._waiting = asyncio.get_running_loop().create_future()
        self._wanted.set()
        return await asyncio.shield(self._waiting)

    @property
    def opened(self) -> Application | None:
        """The application, if it is open."""
        return self._open

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """As long as this lasts the application is, or can be, open; closed at the end of the outermost of these."""
        if self._running:
            yield
            return
        keeping = asyncio.create_task(self._keep(), name="application")
        self._running = True
        try:
            yield
        finally:
            self._running = False
            with CancelScope(shield=True):  # a cancelled scope wakes who waits in it with each turn of the event loop
                await cancel_and_wait(keeping)

    async def _keep(self) -> None:
        """Open and stay, in one task, whose context is no request's; after a failure wait until it is wanted again."""
        await set_within(self._wanted, self._handshake_seconds)
        while True:
            try:
                async with await self._open_application() as application:
                    self._settle(application)
                    await asyncio.Event().wait()  # until cancelled
            except ExplibError as error:
                log.error("%s", error)
                self._fail(error)
            except Exception as error:  # the outermost loop: who waits is told
                log.exception("the application could not be opened")
                self._fail(error)
            finally:
                self._open = None
            if (keeping := asyncio.current_task()) is not None and keeping.cancelling():
                return  # only the closing failed, which took the place of the cancellation
            await self._wanted.wait()

    def _settle(self, application: Application) -> None:
        self._open = application
        if self._waiting is not None:
            self._waiting.set_result(application)

    def _fail(self, error: Exception) -> None:
        waiting, self._waiting = self._waiting, None
        self._wanted.clear()
        if waiting is not None and not waiting.done():
            waiting.set_exception(error)
