"""Backups: one SQLite file with everything, made while everything runs, whatever the engine; and the way back."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import URL

from explib.errors import DatabaseUnavailable, NotADatabase
from explib.storage.maintenance.check import check
from explib.storage.maintenance.copy import Progress, copy
from explib.storage.sqlite.file import RECORD_SUFFIX, make_private
from explib.storage.sqlite.glimpse import sqlite_module
from explib.storage.store import Store, open_store

PART_SUFFIX = ".part"


async def backup(store: Store, path: Path, progress: Progress) -> None:
    """Everything as of one moment, in a new file. Raises DatabaseUnavailable where it cannot be written."""
    with _new_file(path) as part:
        if not await store.database.dialect.snapshot(part):
            async with open_store(_url(part)) as saved:
                await copy(store.database, saved.database, progress)


async def restore(path: Path, store: Store, progress: Progress) -> dict[str, int]:
    """Everything in a backup into an empty database; rows by table.

    Raises NotADatabase where there is no backup or a broken one, and NotEmpty.
    """
    if not await asyncio.to_thread(path.is_file):
        raise NotADatabase(f"There is no file {path}: name one that `explib db backup` made.")
    with TemporaryDirectory(prefix="explib-") as folder:
        opened = Path(folder) / "backup.db"  # a copy: one of an older schema is upgraded, and the backup stays as it is
        await asyncio.to_thread(shutil.copyfile, path, opened)
        return await _restore(opened, path, store, progress)


async def _restore(opened: Path, path: Path, store: Store, progress: Progress) -> dict[str, int]:
    async with open_store(_url(opened)) as saved:
        if broken := await check(saved.database):
            what = "; ".join(f"{each.count} × {each.what}" for each in broken)
            raise NotADatabase(f"The backup {path} is damaged ({what}): take another one.")
        return await copy(saved.database, store.database, progress)


def _url(path: Path) -> str:
    return URL.create("sqlite+aiosqlite", database=str(path.absolute())).render_as_string()


def _leave_out_keys(path: Path) -> None:
    """Reward keys sign rewards for whoever reads them: in a backup they are revoked, and the keys themselves gone."""
    with closing(sqlite_module().connect(path)) as connection, connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute(
            "UPDATE tokens SET key = NULL, revoked_at = coalesce(revoked_at, ?) WHERE key IS NOT NULL", (time.time(),)
        )


@contextmanager
def _new_file(path: Path) -> Iterator[Path]:
    """A file that appears under its name when it is whole and on the disk, or not at all."""
    if path.exists():
        raise DatabaseUnavailable(f"{path} exists already: name a new file.")
    if not path.absolute().parent.is_dir():
        raise DatabaseUnavailable(f"The folder of {path} does not exist: make it, or name a file elsewhere.")
    part = path.with_name(path.name + PART_SUFFIX)
    try:
        part.unlink(missing_ok=True)
        make_private(part)
        try:
            yield part
            _leave_out_keys(part)
            with part.open("rb+") as written:
                os.fsync(written.fileno())
            part.rename(path)
        finally:
            part.unlink(missing_ok=True)
            part.with_name(part.name + RECORD_SUFFIX).unlink(missing_ok=True)
    except OSError as error:
        why = error.strerror or str(error)
        raise DatabaseUnavailable(f"{path} cannot be written ({why}): name a file in another folder.") from error
