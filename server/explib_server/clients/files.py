"""Replacing a file whole or not at all, with a copy of what it was."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from explib.errors import Conflict, InvalidInput

PRIVATE = 0o600
BACKUP_SUFFIX = ".explib-backup"


def read(path: Path) -> bytes | None:
    """The file's bytes; None where there is no file."""
    with _sentences(path, "read"):
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None


def backup_of(path: Path) -> Path:
    """Where the copy of a file is put."""
    return path.with_name(path.name + BACKUP_SUFFIX)


def replace(path: Path, before: bytes | None, content: bytes, private: bool, backup: bool = True) -> None:
    """Put `content` in place of `before`, which is copied first unless `backup` is off.

    Raises Conflict if the file is no longer that.
    """
    with _sentences(path, "written"):
        path.parent.mkdir(parents=True, exist_ok=True)
        old = None if before is None else path.stat()
        mode = None if old is None else stat.S_IMODE(old.st_mode)
        with _new_file(path, content, PRIVATE if private else mode, old) as new:
            _unchanged(path, before)
            if before is not None and backup:
                with _new_file(backup_of(path), before, mode, old) as copy:
                    copy.replace(backup_of(path))
            new.replace(path)


def give_back(path: Path, before: bytes, copy: bool) -> None:
    """Put the copy in place of `before`, or no file, and no copy. Raises Conflict if the file is no longer that."""
    with _sentences(path, "given back"):
        _unchanged(path, before)
        if copy:
            backup_of(path).replace(path)
        else:
            path.unlink()
            backup_of(path).unlink(missing_ok=True)


def make_private(path: Path) -> bool:
    """Close a file to others; whether it was open to them."""
    with _sentences(path, "closed to other users"):
        if os.name != "posix" or not stat.S_IMODE(path.stat().st_mode) & 0o077:
            return False
        path.chmod(PRIVATE)
        return True


def _unchanged(path: Path, before: bytes | None) -> None:
    if read(path) != before:
        raise Conflict(f"{path} was changed by another program just now: nothing was written; run this again.")


@contextmanager
def _new_file(path: Path, content: bytes, mode: int | None, old: os.stat_result | None) -> Iterator[Path]:
    """A synced file beside `path`, its owner's as the old one; it is gone afterwards unless it was moved away."""
    new = path.with_name(f".{path.name}.{secrets.token_hex(4)}.new")
    number = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666 if mode is None else PRIVATE)
    try:
        with os.fdopen(number, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(number)
        if old is not None and os.name == "posix" and (old.st_uid, old.st_gid) != (os.geteuid(), os.getegid()):
            os.chown(new, old.st_uid, old.st_gid)
        if mode is not None:
            new.chmod(mode)
        yield new
    finally:
        new.unlink(missing_ok=True)


@contextmanager
def _sentences(path: Path, done: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InvalidInput(
            f"{path} cannot be {done} ({error.strerror or error}): it is as it was. "
            "Check the permissions of it and its folder, or use --print and paste it yourself."
        ) from error
