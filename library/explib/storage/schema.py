"""Which schema a database has, and the way to this program's. Alembic is imported only to create or upgrade tables.

A migration is a file `migrations/versions/NNNN_name.py`; the database is stamped with the number of the newest one.
"""

from __future__ import annotations

from pathlib import Path
from typing import TypeAlias

from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncConnection

from explib.errors import DatabaseTooNew, NoDatabase, NotADatabase, SchemaMismatch
from explib.storage.database import STAMP, Database
from explib.storage.engine import NO_DATABASE
from explib.storage.tables import metadata

MIGRATIONS = Path(__file__).parent / "migrations"
VERSIONS = sorted(path.name[:4] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))
CURRENT = VERSIONS[-1]
"""The newest migration of this program."""
OLDER = "The database has schema {stamp}, this explib {current}: run `explib db upgrade`."
SHOWN = 5
"""Columns named in an error."""

Columns: TypeAlias = "set[tuple[str, str]]"
"""The table and the name of each."""


async def ensure_schema(database: Database) -> None:
    """Create or upgrade the tables where needed and allowed, once, whoever else is starting too.

    Raises DatabaseTooNew where a newer program has been here, NotADatabase where the tables are another program's,
    SchemaMismatch where they aren't what their stamp says, and NoDatabase where there are none to use.
    """
    await database.prepare()
    async with database.read() as connection:
        stamp = await _checked_stamp(connection, database)
    if stamp is None and database.access != "create":
        raise NoDatabase(NO_DATABASE.format(place=database.dialect.describe()))
    if stamp != CURRENT and database.access == "read":
        raise SchemaMismatch(OLDER.format(stamp=stamp, current=CURRENT))
    if stamp != CURRENT:
        await database.write(lambda connection: _upgrade(connection, database), idempotent=True, explicit_locks=True)
    database.stamp = CURRENT


async def check_schema(database: Database) -> None:
    """Raises StorageError unless the database answers and has this program's schema."""
    async with database.read() as connection:
        stamp = await _checked_stamp(connection, database)
    if stamp != CURRENT:
        raise SchemaMismatch(OLDER.format(stamp=stamp, current=CURRENT))


async def _checked_stamp(connection: AsyncConnection, database: Database) -> str | None:
    """The number of the database's schema; None where it has no tables yet."""
    rows = await connection.execute(text(database.dialect.columns_query))
    columns = {(str(table), str(name)) for table, name in rows}
    tables = {table for table, _ in columns}
    if not tables:
        return None
    if not {"alembic_version", "libraries"} <= tables:
        raise NotADatabase(
            "The database belongs to another program (it has tables that explib did not make): "
            "point EXPLIB_DATABASE_URL at another file or database."
        )
    stamp: str | None = (await connection.execute(text(STAMP))).scalar_one_or_none()
    if stamp not in VERSIONS:
        raise DatabaseTooNew(
            f"The database has schema {stamp}, this explib knows up to {CURRENT}: upgrade explib, "
            "or point EXPLIB_DATABASE_URL at another file or database."
        )
    if stamp == CURRENT:
        _check_columns(columns, connection.dialect.name)
    return stamp


def _check_columns(columns: Columns, engine: str) -> None:
    """Raises SchemaMismatch unless our tables have exactly our columns."""
    ours = [table for table in metadata.sorted_tables if table.info.get("engine", engine) == engine]
    expected = {(table.name, column.name) for table in ours for column in table.columns}
    names = {table.name for table in ours}
    missing, unknown = expected - columns, {each for each in columns - expected if each[0] in names}
    if not missing and not unknown:
        return
    told = [f"{what} {_listed(which)}" for what, which in (("lacks", missing), ("also has", unknown)) if which]
    raise SchemaMismatch(
        f"The database is stamped with schema {CURRENT} but {' and '.join(told)}: it was made by a development version "
        "of explib. Nothing was changed. Export it with the explib that made it, or point EXPLIB_DATABASE_URL at a new "
        "file or database."
    )


def _listed(columns: Columns) -> str:
    names = sorted(f"{table}.{name}" for table, name in columns)
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


async def _upgrade(connection: AsyncConnection, database: Database) -> None:
    await database.dialect.prepare_schema(connection)
    if await _checked_stamp(connection, database) != CURRENT:  # again, now that no other process can upgrade
        await connection.run_sync(_run_alembic)


def _run_alembic(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
