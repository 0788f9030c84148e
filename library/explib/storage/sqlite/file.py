"""The file of an embedded database: its identity, and who may read it.

A file that is deleted or replaced while it is open takes every write, and is gone with the last process that has it
open: a commit into it is no promise. And SQLite reads a `-wal` into whatever file lies beside it, which destroys a
database that was put in the place of another. A record beside the file says which two belong together.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TypeAlias

from explib.errors import DatabaseUnavailable

GONE = (
    "The database file {path} is gone while it was open: nothing was stored. Put it back where it was, or restart the "
    "server, which begins a new one; and call again."
)
REPLACED = (
    "The database file {path} was replaced by another while it was open: nothing was stored. Put the old one back; or "
    "stop every explib that has it open, delete {name}-wal and {name}-shm beside it, which are the old one's and would "
    "be read into the new one, and start again. `explib db restore` puts a backup back safely."
)
FOREIGN = (
    "The database file {path} was put in the place of another, whose changes are still in {name}-wal: reading them "
    "into this file would destroy it, so it was not opened. Stop every explib that uses it, then delete {name}-wal and "
    "{name}-shm to go on with this file. `explib db restore` puts a backup back safely."
)
PRIVATE_FILE, PRIVATE_FOLDER = 0o600, 0o700
WAL_SUFFIX, RECORD_SUFFIX = "-wal", "-identity"

Identity: TypeAlias = "list[int] | None"
"""Device and number of a file; None where there is none."""


def make_private(path: Path) -> None:
    """Make an empty file that only its owner reads, whatever the umask, and its folder alike; existing ones stay.

    SQLite gives the files that it makes beside a database the same permissions. Raises OSError.
    """
    if not path.parent.exists():
        path.parent.parent.mkdir(parents=True, exist_ok=True)
        path.parent.mkdir(PRIVATE_FOLDER, exist_ok=True)
    if not path.exists():
        descriptor = os.open(path, os.O_CREAT | os.O_WRONLY, PRIVATE_FILE)
        os.fchmod(descriptor, PRIVATE_FILE)
        os.close(descriptor)


class DatabaseFile:
    """The file of one open database."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._wal = path.with_name(path.name + WAL_SUFFIX)
        self._record = path.with_name(path.name + RECORD_SUFFIX)
        self._opened: Identity = None

    @property
    def has_wal(self) -> bool:
        """True where somebody has it open, or left changes beside it."""
        return self._wal.exists()

    def opened(self) -> None:
        """Remember the file that is open now, and that its WAL is; it must stay the same from then on."""
        if self._opened is None:
            self._opened = _identity(self._path)
            wal = _identity(self._wal)
            if wal is not None and self._recorded() != [self._opened, wal] and os.access(self._path, os.W_OK):
                self._write_record([self._opened, wal])

    def check(self) -> None:
        """Raises DatabaseUnavailable where its place is empty or another file's, or another file's WAL is beside it."""
        now = _identity(self._path)
        if self._opened is None:
            self._check_wal(now)
        elif now is None:
            raise self._unavailable(GONE)
        elif now != self._opened:
            raise self._unavailable(REPLACED)

    def _check_wal(self, now: Identity) -> None:
        recorded, wal = self._recorded(), _identity(self._wal)
        if recorded is None or wal is None or self._wal.stat().st_size == 0:
            return
        if recorded[1] == wal and recorded[0] != now:  # where both are others, they were copied together
            raise self._unavailable(FOREIGN)

    def _recorded(self) -> list[Identity] | None:
        try:
            database, wal = json.loads(self._record.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None  # never written, or not whole: as without one
        return [database, wal]

    def _write_record(self, record: list[Identity]) -> None:
        part = self._record.with_name(f"{self._record.name}.{os.getpid()}")
        make_private(part)
        part.write_text(json.dumps(record), encoding="utf-8")
        part.replace(self._record)

    def _unavailable(self, message: str) -> DatabaseUnavailable:
        return DatabaseUnavailable(message.format(path=self._path, name=self._path.name))


def _identity(path: Path) -> Identity:
    try:
        status = path.stat()
    except OSError:
        return None
    return [status.st_dev, status.st_ino]
