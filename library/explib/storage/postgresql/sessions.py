"""What a session on PostgreSQL must be: one backend from its start to its end, set up as we need it.

Settings are made by SET and not at the start: PgBouncer refuses start-up parameters that it doesn't know.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from sqlalchemy import event, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.pool import PoolProxiedConnection

from explib.errors import DatabaseUnavailable

if TYPE_CHECKING:
    import asyncpg

POOLER = (
    "PostgreSQL is reached through a pooler that gives each transaction another session (PgBouncer's "
    "pool_mode = transaction), which explib can't work with: set pool_mode = session for this database, or connect "
    "directly (docs/postgresql.md)."
)
POOLER_STATES = ("26000", "42P05")
"""No such prepared statement, or one of that name already: the session was changed under the driver."""
LOOKS = 4
"""Changes of turn between two connections, at each of which a pooler would show by another backend."""
BACKEND = text("SELECT pg_backend_pid()")


def set_up_sessions(engine: AsyncEngine, settings: Mapping[str, str]) -> None:
    """Set up each new session, and replace pooled connections that the server has closed meanwhile."""
    statements = "; ".join(f"SET {name} = '{value}'" for name, value in settings.items())

    def connected(connection: DBAPIConnection, _record: object) -> None:
        connection.run_async(lambda driver: driver.execute(statements))

    event.listen(engine.sync_engine, "connect", connected)
    event.listen(engine.sync_engine, "checkout", _refuse_closed)


async def check_sessions(engine: AsyncEngine) -> None:
    """Raises DatabaseUnavailable behind a pooler that gives each transaction another session.

    A pooler shows by the backend's number, which the server tells at the start and on demand. While a connection is
    open, a pooler that keeps sessions gives its backend to nobody else.
    """
    autocommit = engine.execution_options(isolation_level="AUTOCOMMIT")
    async with autocommit.connect() as one:
        driver: asyncpg.Connection = (await one.get_raw_connection()).driver_connection
        own = await _backend(one)
        if driver.get_server_pid() == own:
            return
        async with autocommit.connect() as other:
            for _ in range(LOOKS):
                if await _backend(other) == own or await _backend(one) != own:
                    raise DatabaseUnavailable(POOLER)


async def _backend(connection: AsyncConnection) -> int:
    return int((await connection.execute(BACKEND)).scalar_one())


def _refuse_closed(_connection: object, _record: object, proxy: PoolProxiedConnection) -> None:
    """Without a round trip to find out."""
    driver = proxy.driver_connection
    if driver is not None and driver.is_closed():
        raise DisconnectionError
