"""Which schema the database has, and the way to ours. Alembic is imported only when there is something to do."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text
from sqlalchemy.ext.asyncio import AsyncConnection

from explib.errors import DatabaseTooNew, NotADatabase, StorageError
from explib.storage.database import Database

CURRENT = "0001"
"""The newest migration of this program."""
KNOWN = frozenset({CURRENT})


def _stored(connection: Connection) -> str | None:
    tables = inspect(connection).get_table_names()
    if "alembic_version" not in tables:
        if tables:
            raise NotADatabase(
                "The database belongs to another program (it has tables that explib did not make): "
                "point EXPLIB_DATABASE_URL at another file."
            )
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()


async def ensure_schema(database: Database) -> None:
    """Create or upgrade the tables where needed, once, whoever else is starting too.

    Raises DatabaseTooNew where a newer program has been here, NotADatabase where the file is something else.
    """
    async with database.read() as connection:
        stored = await connection.run_sync(_stored)
    if stored != CURRENT:
        await database.write(lambda connection: _upgrade(connection, database), idempotent=True, explicit_locks=True)


async def check_schema(database: Database) -> None:
    """Raises StorageError unless the database answers and has the newest schema."""
    async with database.read() as connection:
        stored = await connection.run_sync(_stored)
    if stored != CURRENT:
        raise StorageError(f"The database has schema {stored}, this explib {CURRENT}: restart it, or upgrade explib.")


async def _upgrade(connection: AsyncConnection, database: Database) -> None:
    await database.dialect.prepare_schema(connection)
    stored = await connection.run_sync(_stored)  # again, now that no other process can upgrade
    if stored == CURRENT:
        return
    if stored is not None and stored not in KNOWN:
        raise DatabaseTooNew(
            f"The database has schema {stored}, this explib knows up to {CURRENT}: upgrade explib, "
            "or point EXPLIB_DATABASE_URL at another file."
        )
    await connection.run_sync(_run_alembic)


def _run_alembic(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
