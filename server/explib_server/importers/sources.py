"""Where logs are read from: files, folders, patterns and standard input, as one source after the other."""

from __future__ import annotations

import glob
import io
import itertools
import json
import os
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, TypeAlias

from explib.errors import InvalidInput
from explib_server.importers.compression import DAMAGED, decompressed, encoding_of
from explib_server.importers.documents import documents
from explib_server.importers.records import BadRecord, ForeignLesson, Options
from explib_server.importers.scores import Scores
from explib_server.importers.sessions.opencode_database import DATABASE, exported_sessions
from explib_server.importers.tables import PARQUET, SEPARATED, parquet_rows, separated_rows, separator_in

if TYPE_CHECKING:
    from typing_extensions import Buffer

Advance: TypeAlias = Callable[[int], object]
"""Is told how many bytes more were read."""
HEAD = 30
"""Documents that are looked at to tell a format."""
STDIN = "-"
_COMPRESSED = (".gz", ".zst", ".bz2", ".xz")
_LOGS = (".json", ".jsonl", ".ndjson", ".traj", ".eval", *SEPARATED, *PARQUET)
"""Endings of the files that are taken out of a folder."""


class _Watched(io.FileIO):
    """A file that tells how far it is read: what is read again is told once."""

    def __init__(self, source: Source) -> None:
        super().__init__(source.path)
        self._source = source

    def readinto(self, buffer: Buffer, /) -> int | None:
        number = super().readinto(buffer)
        self._source.reached(self.tell())
        return number


@dataclass(slots=True)
class ImportRun:
    """What the sources of one import share."""

    options: Options = field(default_factory=Options)
    scores: Scores = field(default_factory=Scores)
    claimed: set[Path] = field(default_factory=set)
    """Files and folders that belong to an attempt whose format has read them itself."""
    advance: Advance = int
    ignored: Counter[str] = field(default_factory=Counter)
    """Fields that no format reads, with the number of attempts that had them."""
    ungrouped: int = 0
    """Attempts without the field that --group-by names."""
    lessons: list[ForeignLesson] = field(default_factory=list)
    """Those that were read so far: they are no attempts, and are added together at the end."""

    def is_claimed(self, path: Path) -> bool:
        """Tell whether a file, or a folder above it, is claimed."""
        return path in self.claimed or any(folder in self.claimed for folder in path.parents)


@dataclass
class Source:
    """One file of an import."""

    path: Path
    name: str
    run: ImportRun
    is_named: bool = True
    """Named by the person, not met in a folder: then it must be of a known format."""
    _told: int = 0
    """Bytes of the file that the run was told of."""
    _companions: dict[str, object] = field(default_factory=dict)

    @property
    def place(self) -> str:
        """What tells this file from all others: its full path; `-` for standard input."""
        return STDIN if self.name == STDIN else str(self.path)

    @property
    def suffix(self) -> str:
        """The file's ending in lower case, without that of its compression."""
        path = self.path
        return Path(path.stem if path.suffix.lower() in _COMPRESSED else path.name).suffix.lower()

    @contextmanager
    def open(self) -> Iterator[IO[bytes]]:
        """The file's content, decompressed. Raises InvalidInput where it cannot be read."""
        try:
            with io.BufferedReader(_Watched(self)) as raw:
                yield decompressed(raw)
        except DAMAGED as error:
            raise InvalidInput(f"It is damaged ({error}): what was read before is taken.") from error
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise InvalidInput(f"It cannot be read ({reason}): check the path and its permissions.") from error

    def reached(self, position: int) -> None:
        """Tell the run of the bytes up to this position that it was not told of yet."""
        if position > self._told:
            self.run.advance(position - self._told)
            self._told = position

    @contextmanager
    def text(self) -> Iterator[IO[str]]:
        """The file's text; bytes that are no text come as lone surrogates."""
        with self.open() as file:
            begins = file.read(4)
            file.seek(0)
            encoding = encoding_of(begins)
            errors = "surrogateescape" if encoding.startswith("utf-8") else "replace"
            yield io.TextIOWrapper(file, encoding=encoding, errors=errors, newline="")

    def documents(self) -> Iterator[tuple[str, object]]:
        """Position and value of each document of the file; a BadRecord for what cannot be read."""
        if self._is_single:
            yield from self._begin
            return
        yield from self._documents()

    def _documents(self) -> Iterator[tuple[str, object]]:
        if self.suffix in PARQUET or (not self.suffix and self._begins_with(b"PAR1")):
            yield from parquet_rows(self.path, self.name)
            self.reached(self.path.stat().st_size)
            return
        if self.suffix in DATABASE:
            yield from exported_sessions(self.path, self.name)
            return
        with self.text() as text:
            separator = SEPARATED.get(self.suffix) or (None if self.suffix else separator_in(text))
            yield from separated_rows(text, self.name, separator) if separator else documents(text, self.name)

    def _begins_with(self, mark: bytes) -> bool:
        with self.open() as file:
            return file.read(len(mark)) == mark

    @cached_property
    def _begin(self) -> list[tuple[str, object]]:
        try:
            return list(itertools.islice(self._documents(), HEAD))
        except InvalidInput as error:
            return [(self.name, BadRecord(self.name, str(error)))]

    @property
    def _is_single(self) -> bool:
        return len(self._begin) == 1

    @property
    def head(self) -> list[object]:
        """The first documents."""
        return [value for _, value in self._begin]

    def companion(self, relative: str) -> object:
        """The JSON value of another file, read once, that says something of every attempt here; None without."""
        if relative not in self._companions:
            self._companions[relative] = read_json(self.path.parent / relative)
        return self._companions[relative]

    def beside(self, relative: str) -> object:
        """The JSON value of another file of the same attempts, which then isn't imported by itself; None without."""
        path = (self.path.parent / relative).resolve()
        self.run.claimed.add(path)
        return read_json(path)


def read_json(path: Path) -> object:
    """The JSON value of a file, None where there is none."""
    try:
        value: object = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return value


def sources(given: Iterable[str], run: ImportRun) -> Iterator[Source | BadRecord]:
    """The files that are named, that stand in named folders, and that match patterns; `-` is standard input."""
    for name in given:
        if name == STDIN:
            yield from _standard_input(run)
            continue
        if not name:
            yield BadRecord("''", "The name is empty: name a file, a folder or a pattern.")
            continue
        path = Path(name)
        is_there = os.path.exists(name)  # noqa: PTH110  no error for a text that can be no path
        paths = _matching(name) if glob.has_magic(name) and not is_there else [path]
        if not paths:
            yield BadRecord(name, "No file matches the pattern.")
        for each in paths:
            yield from _of_path(each, name, run)


def _of_path(path: Path, name: str, run: ImportRun) -> Iterator[Source | BadRecord]:
    if not os.path.exists(path):  # noqa: PTH110
        yield Source(path, name, run)
    elif path.is_dir():
        yield from _in_folder(path, run)
    else:
        yield Source(path.resolve(), path.name, run)


def _matching(pattern: str) -> list[Path]:
    return sorted(map(Path, glob.iglob(pattern, recursive=True)))  # noqa: PTH207  Path.glob takes no absolute one


def _in_folder(folder: Path, run: ImportRun) -> Iterator[Source | BadRecord]:
    """The files of a folder before those of the folders in it, each level by name."""
    levels = [folder.resolve()]
    while levels:
        level = levels.pop(0)
        try:
            inside = sorted(level.iterdir())
        except OSError as error:
            yield BadRecord(str(level), f"The folder cannot be read ({error.strerror}): check its permissions.")
            continue
        for path in inside:
            if path.is_file() and not run.is_claimed(path):
                source = Source(path, str(path.relative_to(folder.resolve())), run, is_named=False)
                if source.suffix in _LOGS:
                    yield source
        levels[:0] = [path for path in inside if path.is_dir() and not path.is_symlink() and not run.is_claimed(path)]


def _standard_input(run: ImportRun) -> Iterator[Source]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "standard-input"
        with path.open("wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file)
        yield Source(path, STDIN, run)
