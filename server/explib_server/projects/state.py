"""What a person keeps about folders, in files of their own: which are off, which libraries are theirs or allowed."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from explib.errors import StorageError
from explib.settings.places import folder as own_folder


def is_off(folder: Path, span: tuple[float, float] | None = None) -> bool:
    """True where a folder or one above it is switched off, was at some moment of a span (Unix times), or where nobody
    can tell, because the list is broken.
    """
    try:
        periods = _periods()
    except StorageError:
        return True
    began, ended = span or (time.time(), time.time())
    met = {each for each, since, until in periods if until is None or (since <= ended and began < until)}
    return not met.isdisjoint((folder, *folder.parents))


def switch(folder: Path, *, off: bool) -> bool:
    """Switch a resolved folder off or on; False where it was so already. Raises StorageError."""
    periods, now = _periods(), time.time()
    if off is any(each == folder and until is None for each, _, until in periods):
        return False
    ended = [(each, since, now if each == folder and until is None else until) for each, since, until in periods]
    after = [*periods, (folder, now, None)] if off else ended
    _write(_off_file(), [[str(each), since, until] for each, since, until in after])
    return True


def _periods() -> list[tuple[Path, float, float | None]]:
    """Which folder was switched off from when until when, None where it is still. Raises StorageError."""
    listed = _read(_off_file(), [])
    try:
        if isinstance(listed, list):
            return [(Path(folder), float(since), until and float(until)) for folder, since, until in listed]
    except (TypeError, ValueError) as error:
        raise _broken(_off_file(), error) from error
    raise _broken(_off_file(), "it holds no list")


def remember_folder(library: str, root: Path) -> None:
    """Note that a library belongs to a folder. A note that can't be kept is none."""
    with suppress(StorageError):
        folders = known_folders()
        if folders.get(library) != str(root):
            _write(_folders_file(), folders | {library: str(root)})


def known_folders() -> dict[str, str]:
    """Library → the folder that it was made in. Raises StorageError."""
    return {library: str(folder) for library, folder in _table(_folders_file()).items()}


def allow(root: Path, libraries: Iterable[str]) -> None:
    """Let a folder's `.explib.toml` name these libraries, and no others that aren't its own. Raises StorageError."""
    _write(_allowed_file(), _table(_allowed_file()) | {str(root): sorted(libraries)})


def allowed(root: Path) -> frozenset[str]:
    """The libraries of others that a folder may name. Raises StorageError."""
    named = _table(_allowed_file()).get(str(root))
    return frozenset(map(str, named)) if isinstance(named, list) else frozenset()


def _off_file() -> Path:
    return Path(own_folder("data")) / "off.json"


def _folders_file() -> Path:
    return Path(own_folder("data")) / "folders.json"


def _allowed_file() -> Path:
    return Path(own_folder("data")) / "allowed.json"


def _table(path: Path) -> dict[str, object]:
    table = _read(path, {})
    if not isinstance(table, dict):
        raise _broken(path, "it holds no table")
    return table


def _read(path: Path, without: object) -> object:
    try:
        return json.loads(path.read_text(encoding="utf-8", errors="surrogateescape"))
    except FileNotFoundError:
        return without
    except (OSError, ValueError) as error:
        raise _broken(path, error) from error


def _write(path: Path, content: list[list[object]] | Mapping[str, object]) -> None:
    """Replace the file as a whole; only its owner may read it."""
    fresh = path.with_suffix(f".{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:
            json.dump(content, file, indent=1)
        fresh.replace(path)
    except OSError as error:
        raise StorageError(f"{path} cannot be written ({error}): check the folder and its permissions.") from error


def _broken(path: Path, why: object) -> StorageError:
    return StorageError(f"{path} cannot be read ({why}): mend it, or delete it.")
