from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection
from stores import opened

from explib.errors import DatabaseTooNew, DatabaseUnavailable, NotADatabase, StorageFull
from explib.models.libraries import LibrarySettings
from explib.models.submissions import Receipt, Submission
from explib.models.trajectories import Step
from explib.storage.store import Store, open_store


async def test_opening_twice_at_once_makes_one_schema(url: str) -> None:
    await asyncio.gather(*(opened(url) for _ in range(4)))
    async with open_store(url) as store:
        assert await store.libraries.all() == []


async def test_a_newer_database_is_left_alone(url: str, tmp_path: Path) -> None:
    await opened(url)
    with sqlite3.connect(tmp_path / "library.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(DatabaseTooNew, match="upgrade explib"):
        await opened(url)


async def test_a_file_that_is_no_database_is_left_alone(url: str, tmp_path: Path) -> None:
    path = tmp_path / "library.db"
    path.write_text("these are my notes, not a database " * 100)
    with pytest.raises(NotADatabase, match="EXPLIB_DATABASE_URL"):
        await opened(url)
    assert path.read_text().startswith("these are my notes")


@pytest.mark.parametrize("wrong", ["mysql://host/db", "not a url", "sqlite+aiosqlite:///:memory:", "sqlite://"])
async def test_a_database_that_cannot_be_used_says_what_can(wrong: str) -> None:
    with pytest.raises(DatabaseUnavailable, match="sqlite\\+aiosqlite"):
        await opened(wrong)


async def test_a_folder_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DatabaseUnavailable, match="EXPLIB_DATABASE_URL"):
        await opened(f"sqlite+aiosqlite:///{tmp_path}/file/library.db")


READ_ONLY = """
import asyncio, os, sys
from explib.errors import DatabaseUnavailable
from explib.storage.store import Store, open_store
async def open_one(url):
    async with open_store(url):
        pass
asyncio.run(open_one(sys.argv[1]))  # everything is imported by now
os.setuid(65534)
try:
    asyncio.run(open_one(sys.argv[2]))
except DatabaseUnavailable as error:
    print(error)
"""


@pytest.mark.skipif(os.name != "posix" or os.getuid() != 0, reason="needs to give up root in a child")
def test_a_read_only_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0o555)
    urls = [f"sqlite+aiosqlite:///{tmp_path}/{name}" for name in ("good.db", "closed/library.db")]
    said = subprocess.run([sys.executable, "-c", READ_ONLY, *urls], capture_output=True, text=True, check=False)
    assert "EXPLIB_DATABASE_URL" in said.stdout, said.stderr


async def submitted(store: Store, task: str) -> Receipt:
    library = await store.libraries.get("default")
    return await store.trajectories.submit(library, Submission(task, (Step("assistant", "ok"),)))


async def test_nothing_is_acknowledged_into_a_file_that_was_deleted(url: str, tmp_path: Path) -> None:
    async with open_store(url) as store:
        await store.libraries.ensure("default", LibrarySettings())
        await submitted(store, "kept")
        (tmp_path / "library.db").unlink()
        for _ in range(2):
            with pytest.raises(DatabaseUnavailable, match="is gone while it was open: nothing was stored"):
                await submitted(store, "lost")
        with pytest.raises(DatabaseUnavailable, match="is gone"):
            await store.ready()
        assert not (tmp_path / "library.db").exists(), "no new file hides that the old one is gone"


async def test_a_file_that_goes_during_a_commit_is_told_too(url: str, tmp_path: Path) -> None:
    async with open_store(url) as store:

        async def work(connection: AsyncConnection) -> None:
            await connection.exec_driver_sql("CREATE TABLE mine (number INTEGER)")
            (tmp_path / "library.db").unlink()

        with pytest.raises(DatabaseUnavailable, match="is gone"):
            await store.database.write(work)


async def test_a_file_that_comes_back_is_gone_on_with(url: str, tmp_path: Path) -> None:
    path, aside = tmp_path / "library.db", tmp_path / "aside.db"
    async with open_store(url) as store:
        await store.libraries.ensure("default", LibrarySettings())
        path.rename(aside)
        with pytest.raises(DatabaseUnavailable):
            await submitted(store, "a task")
        aside.rename(path)
        stored = await submitted(store, "a task")
        again = await submitted(store, "a task")
    assert again == replace(stored, duplicate=True)


async def test_a_file_in_anothers_place_is_left_alone(url: str, tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    async with open_store(f"sqlite+aiosqlite:///{other}") as store:
        await store.libraries.ensure("another", LibrarySettings())
    async with open_store(url) as store:
        await store.libraries.ensure("default", LibrarySettings())
        other.replace(tmp_path / "library.db")
        with pytest.raises(DatabaseUnavailable, match="was replaced by another while it was open"):
            await submitted(store, "a task")
    for suffix in ("-wal", "-shm"):
        (tmp_path / f"library.db{suffix}").unlink(missing_ok=True)
    async with open_store(url) as store:
        assert [each.name for each in await store.libraries.all()] == ["another"]


async def test_a_full_disk_is_told_and_what_was_acknowledged_stays(url: str) -> None:
    async with open_store(url) as store:
        library = await store.libraries.ensure("default", LibrarySettings())
        kept = await store.trajectories.submit(library, Submission("small", (Step("assistant", "ok"),)))
        await store.database.write(lambda connection: connection.exec_driver_sql("PRAGMA max_page_count = 80"))
        noise = os.urandom(1_000_000).hex()
        with pytest.raises(StorageFull, match="free some space"):
            await store.trajectories.submit(library, Submission("large", (Step("assistant", noise),)))
    async with open_store(url) as store:
        assert (await store.trajectories.get(library, kept.trajectory_id)).trajectory.task == "small"
        assert (await store.libraries.overview(library)).trajectories == 1
