"""The files of an SQLite database: who may read them, which belong together, and who may make them."""

from __future__ import annotations

import asyncio
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from explib.errors import DatabaseUnavailable, SchemaMismatch
from explib.models.libraries import LibrarySettings
from explib.models.submissions import Submission
from explib.models.trajectories import Step
from explib.storage import schema
from explib.storage.engine import Access
from explib.storage.maintenance.backup import backup, restore
from explib.storage.store import Store, open_store


def quiet(_table: str, _done: int, _total: int) -> None:
    """Nobody watches."""


def address(path: Path) -> str:
    return f"sqlite+aiosqlite:///{path}"


async def submit(store: Store, task: str) -> None:
    library = await store.libraries.ensure("default", LibrarySettings())
    await store.trajectories.submit(library, Submission(task, (Step("assistant", "ok"),)))


async def tasks(store: Store) -> set[str]:
    library = await store.libraries.get("default")
    return {group.task for group in await store.groups.all(library)}


@pytest.fixture
def _open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def contents(path: Path) -> str:
    return path.read_bytes().decode("latin-1")


def modes(folder: Path) -> dict[str, str]:
    return {path.name: oct(stat.S_IMODE(path.stat().st_mode)) for path in [folder, *folder.iterdir()]}


@pytest.mark.usefixtures("_open_umask")
async def test_only_the_owner_reads_what_is_stored_whatever_the_umask(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    async with open_store(address(folder / "library.db")) as store:
        await submit(store, "a secret plan")
        await backup(store, folder / "saved.db", quiet)
        found = modes(folder)
    names = {"library.db", "library.db-wal", "library.db-shm", "library.db-identity", "saved.db"}
    assert found == {"data": "0o700"} | dict.fromkeys(names, "0o600")


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
async def test_a_backup_holds_no_key_that_signs_rewards(store: Store, tmp_path: Path) -> None:
    token, secret = await store.tokens.create("environment", "reward", None, None)
    access, _ = await store.tokens.create("ann", "submit", None, None)
    await backup(store, tmp_path / "saved.db", quiet)
    assert secret not in contents(tmp_path / "saved.db")
    assert [name for name in names(tmp_path) if name.startswith("saved.db")] == ["saved.db"]
    assert await store.tokens.reward_keys("default") == {token.id: secret}, "the live database keeps it"
    async with open_store(address(tmp_path / "restored.db")) as restored:
        await restore(tmp_path / "saved.db", restored, quiet)
        assert await restored.tokens.reward_keys("default") == {}
        revoked = {each.id for each in await restored.tokens.all() if each.revoked_at is not None}
    assert revoked == {token.id}
    assert access.id not in revoked


async def test_a_database_put_in_the_place_of_an_open_one_is_not_merged_with_its_changes(tmp_path: Path) -> None:
    path = tmp_path / "library.db"
    async with open_store(address(path)) as store:
        await submit(store, "kept")
        await backup(store, tmp_path / "saved.db", quiet)
        for number in range(20):
            await submit(store, f"later {number}")
        (tmp_path / "saved.db").replace(path)
        with pytest.raises(DatabaseUnavailable, match="replaced by another while it was open"):
            await submit(store, "lost")
        before = contents(path)
        for _ in range(2):
            with pytest.raises(DatabaseUnavailable, match=r"delete library.db-wal and library.db-shm.*db restore"):
                async with open_store(address(path)):
                    pass
        assert contents(path) == before
        for suffix in ("-wal", "-shm"):
            (tmp_path / f"library.db{suffix}").unlink()
        async with open_store(address(path)) as back:
            assert await tasks(back) == {"kept"}


async def test_files_that_are_moved_or_copied_together_are_read_together(tmp_path: Path) -> None:
    folder = tmp_path / "one"
    async with open_store(address(folder / "library.db")) as store:
        await submit(store, "not yet in the file itself")
        shutil.copytree(folder, tmp_path / "copied")  # as a killed process leaves it
    (tmp_path / "copied").rename(tmp_path / "moved")
    async with open_store(address(tmp_path / "moved" / "library.db")) as store:
        assert await tasks(store) == {"not yet in the file itself"}


async def test_a_new_file_may_take_the_place_of_one_that_nobody_has_open(tmp_path: Path) -> None:
    for task in ("first", "second"):
        async with open_store(address(tmp_path / f"{task}.db")) as store:
            await submit(store, task)
    (tmp_path / "second.db").replace(tmp_path / "first.db")
    for _ in range(2):
        async with open_store(address(tmp_path / "first.db")) as store:
            assert await tasks(store) == {"second"}


@pytest.mark.parametrize("access", ["read", "existing"])
async def test_who_only_reads_or_goes_on_makes_no_database(tmp_path: Path, access: Access) -> None:
    with pytest.raises(DatabaseUnavailable, match=r"no database yet.*library\.db"):
        async with open_store(address(tmp_path / "new" / "library.db"), access=access):
            pass
    assert names(tmp_path) == []


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
async def test_who_only_reads_does_not_upgrade(url: str, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    await submit(store, "kept")
    async with open_store(url, access="read") as reading:
        assert await tasks(reading) == {"kept"}
    monkeypatch.setattr(schema, "VERSIONS", [*schema.VERSIONS, "9998"])
    monkeypatch.setattr(schema, "CURRENT", "9998")
    with pytest.raises(SchemaMismatch, match="db upgrade"):
        async with open_store(url, access="read"):
            pass


async def test_a_file_that_vanishes_is_not_made_again_by_who_has_it_open(tmp_path: Path) -> None:
    path = tmp_path / "data" / "library.db"
    async with open_store(address(path)) as store:
        await submit(store, "lost")
        shutil.rmtree(path.parent)
        with pytest.raises(DatabaseUnavailable, match="gone"):
            await store.libraries.all()
        with pytest.raises(DatabaseUnavailable, match="gone"):
            await submit(store, "no more")
    assert names(tmp_path) == []


READ = """
import asyncio, os, sys
from explib.storage.store import open_store
async def read(url):
    async with open_store(url, access="read") as store:
        library = await store.libraries.get("default")
        return [group.task for group in await store.groups.all(library)]
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
print(asyncio.run(read(sys.argv[1])))
"""


def in_a_child(program: str, argument: str) -> str:
    command = [sys.executable, "-c", program, argument]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


@pytest.mark.skipif(os.name != "posix" or os.getuid() != 0, reason="needs to give up root in a child")
async def test_a_read_only_medium_can_be_read(public_folder: Path) -> None:
    folder = public_folder / "medium"
    async with open_store(address(folder / "library.db")) as store:
        await submit(store, "kept")
    (folder / "library.db").chmod(0o444)
    folder.chmod(0o555)
    said = await asyncio.to_thread(in_a_child, READ, address(folder / "library.db"))
    assert said == "['kept']\n"
    assert names(folder) == ["library.db", "library.db-identity"]
