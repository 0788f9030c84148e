"""Hearing of other processes' revisions on PostgreSQL: LISTEN on a connection of its own, NOTIFY inside the commit."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from explib.storage.postgresql.retries import Connector

if TYPE_CHECKING:
    import asyncpg

log = logging.getLogger(__name__)
CHANNEL = "explib_revisions"
QUIET_SECONDS = 30.0
"""After so long without news the connection is tried, and the listener looks by itself."""


class Listener:
    """Waits for notifications. A lost connection is made again, and what happened meanwhile is not missed."""

    def __init__(self, engine: AsyncEngine, connector: Connector) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._connector = connector
        self._connection: AsyncConnection | None = None
        self._heard = asyncio.Event()

    async def changed(self) -> None:
        """Returns when there may be something new since the last call. Raises DatabaseUnavailable."""
        if self._connection is None:
            await self._listen()  # what came before nobody heard: it is looked for now
            return
        try:
            async with asyncio.timeout(QUIET_SECONDS):
                await self._heard.wait()
        except TimeoutError:
            self._heard.set()
        self._heard.clear()
        with suppress(DBAPIError):
            await self._connection.execute(text("SELECT 1"))
            return
        await self.close()

    async def _listen(self) -> None:
        connection = await self._connector.connect(self._engine)
        driver: asyncpg.Connection = (await connection.get_raw_connection()).driver_connection
        await connection.run_sync(lambda sync: sync.detach())  # it is no longer one of the pool's
        driver.add_termination_listener(lambda *_: self._heard.set())
        await driver.add_listener(CHANNEL, lambda *_: self._heard.set())
        self._heard.clear()
        self._connection = connection

    async def close(self) -> None:
        """Listen no longer."""
        if self._connection is not None:
            connection, self._connection = self._connection, None
            with suppress(DBAPIError):
                await connection.close()
