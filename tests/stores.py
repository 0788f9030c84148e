"""What tests do to a database as a whole."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from explib.storage.store import Store, open_store


async def opened(url: str) -> None:
    """Open it once, so that it has our tables."""
    async with open_store(url):
        pass


async def execute(store: Store, statement: str) -> None:
    """Run a statement that we have no method for."""

    async def work(connection: AsyncConnection) -> None:
        await connection.execute(text(statement))

    await store.database.write(work)
