"""A library's row at a glance: always the newest, and by the usual way where the short one is barred."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import AsyncEngine

from explib.errors import UnknownLibrary
from explib.models.libraries import Library, LibrarySettings
from explib.models.revisions import Operation
from explib.storage.database import Database
from explib.storage.libraries.store import Libraries
from explib.storage.revisions.proposal import Proposal
from explib.storage.sqlite.dialect import SqliteDialect
from explib.storage.sqlite.single_row import SqliteRowReader
from explib.storage.store import Store, open_store

both = pytest.mark.parametrize("engine", ["sqlite", "postgresql"])


@both
async def test_what_another_process_committed_is_seen_at_once(store: Store, library: Library, url: str) -> None:
    async with open_store(url) as other:
        for number in range(1, 4):
            now = await other.libraries.get("default")
            lesson = f"When you do the thing number {number}, look at the label first."
            await other.revisions.commit(
                Proposal(now, "test", "test", "contrast", (Operation("ADD", "because", content=lesson),))
            )
            assert (await store.libraries.get("default")).revision == number


@both
async def test_an_unchanged_library_is_the_same_object(store: Store, library: Library) -> None:
    assert await store.libraries.get("default") is await store.libraries.get("default")


@both
async def test_a_library_made_by_another_process_is_found(store: Store, url: str) -> None:
    with pytest.raises(UnknownLibrary):
        await store.libraries.get("new")
    async with open_store(url) as other:
        made = await other.libraries.ensure("new", LibrarySettings(max_words=20))
    assert await store.libraries.get("new") == made


class Barred(SqliteDialect):
    """Every glance meets a locked database."""

    def glance(self, _engine: AsyncEngine) -> SqliteRowReader:
        def locked() -> sqlite3.Connection:
            raise sqlite3.OperationalError("database is locked")

        return SqliteRowReader(locked, (sqlite3.Error,))


async def test_where_the_short_way_is_barred_the_usual_one_is_taken(store: Store, library: Library, url: str) -> None:
    barred = Database(Barred(make_url(url)))
    assert await Libraries(barred).get("default") == library
    await barred.close()


async def test_a_writer_stops_no_reader(store: Store, library: Library, tmp_path: Path) -> None:
    await store.libraries.get("default")
    locker = sqlite3.connect(tmp_path / "library.db", isolation_level=None)
    locker.execute("BEGIN IMMEDIATE")
    assert await store.libraries.get("default") == library
    locker.execute("ROLLBACK")
    locker.close()
