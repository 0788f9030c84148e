"""The tables are what the migrations make, and a database that has others is told before anything is written."""

from __future__ import annotations

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql.base import ischema_names
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.schema import SchemaItem
from stores import execute

from explib.errors import DatabaseTooNew, NotADatabase, SchemaMismatch
from explib.models.libraries import LibrarySettings
from explib.storage import schema
from explib.storage.store import Store, open_store
from explib.storage.tables import metadata
from explib.storage.tables.halfvec import HalfVector

pytestmark = pytest.mark.parametrize("engine", ["sqlite", "postgresql"])


async def test_the_migrations_make_the_tables_as_the_program_has_them(
    store: Store, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where this fails, write a new migration: migrations/versions/NNNN_name.py."""
    monkeypatch.setitem(ischema_names, "halfvec", HalfVector)

    def ours(item: SchemaItem, _name: object, _kind: object, _reflected: object, _other: object) -> bool:
        return bool(item.info.get("engine", engine) == engine)

    def differences(connection: Connection) -> list[object]:
        options = {"compare_type": True, "include_object": ours}
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))

    async with store.database.read() as connection:
        assert await connection.run_sync(differences) == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("ALTER TABLE libraries DROP COLUMN turn_at", "lacks libraries.turn_at"),
        ("ALTER TABLE libraries ADD COLUMN colour TEXT", "also has libraries.colour"),
        ("DROP TABLE votes", "lacks votes.content.* and 3 more"),
    ],
)
async def test_tables_that_are_not_what_their_stamp_says_are_told_at_opening(
    url: str, store: Store, change: str, told: str
) -> None:
    await execute(store, change)
    with pytest.raises(SchemaMismatch, match=f"{told}.*development version"):
        async with open_store(url):
            pass
    with pytest.raises(SchemaMismatch, match=told):
        await store.ready()


async def test_an_upgrade_by_another_process_is_told_by_one_that_runs_before_it_writes(store: Store) -> None:
    await store.libraries.ensure("before", LibrarySettings())
    await execute(store, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(DatabaseTooNew, match=r"from schema \d+ to 9999 meanwhile: nothing was stored. Restart"):
        await store.libraries.create("after", LibrarySettings())
    with pytest.raises(DatabaseTooNew, match="upgrade explib"):
        await store.ready()
    assert [library.name for library in await store.libraries.all()] == ["before"]


async def test_an_older_schema_is_upgraded_at_opening_and_told_by_a_server_that_runs(
    url: str, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    upgraded: list[str] = []

    async def upgrade(_connection: AsyncConnection, _database: object) -> None:
        upgraded.append(schema.CURRENT)

    monkeypatch.setattr(schema, "VERSIONS", [*schema.VERSIONS, "9998"])
    monkeypatch.setattr(schema, "CURRENT", "9998")
    monkeypatch.setattr(schema, "_upgrade", upgrade)
    with pytest.raises(SchemaMismatch, match="run `explib db upgrade`"):
        await store.ready()
    async with open_store(url):
        assert upgraded == ["9998"]


async def test_another_programs_migrations_are_left_alone(url: str, store: Store) -> None:
    await execute(store, "ALTER TABLE libraries RENAME TO shelves")
    with pytest.raises(NotADatabase, match="another program"):
        async with open_store(url):
            pass
