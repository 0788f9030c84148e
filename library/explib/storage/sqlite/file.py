"""The identity of an open database file.

A file that is deleted or replaced while it is open takes every write, and is gone with the last process that has it
open: a commit into it is no promise. Looking takes a microsecond.
"""

from __future__ import annotations

from pathlib import Path

from explib.errors import DatabaseUnavailable

GONE = (
    "The database file {path} is gone while it was open: nothing was stored. Put it back where it was, or restart the "
    "server, which begins a new one; and call again."
)
REPLACED = (
    "The database file {path} was replaced by another while it was open: nothing was stored. Put the old one back; or "
    "stop every explib that has it open, delete {name}-wal and {name}-shm beside it, which are the old one's and would "
    "be read into the new one, and start again."
)


class DatabaseFile:
    """The file of one open database."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._opened: tuple[int, int] | None = None

    def opened(self) -> None:
        """Remember the file that is open now; it must stay the same from then on."""
        if self._opened is None:
            self._opened = self._there()

    def check(self) -> None:
        """Raises DatabaseUnavailable where its place is empty, or another file's."""
        if self._opened is None:
            return
        there = self._there()
        if there is None:
            raise DatabaseUnavailable(GONE.format(path=self._path))
        if there != self._opened:
            raise DatabaseUnavailable(REPLACED.format(path=self._path, name=self._path.name))

    def _there(self) -> tuple[int, int] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino
