"""A run's record beside the database: each finished rollout, written down before anything else is done with it.

The library is what is learned from; this is what has been bought. A rollout that was finished when the program ended
is submitted by the next start, and never made again.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import IO

from explib.errors import Conflict, StorageError
from explib.models.libraries import LibrarySettings
from explib.settings.places import folder as program_folder
from explib_server.practice.prices import Spent
from explib_server.practice.protocol import Finished

LOGS, WORK = "logs", "work"
"""Folders in that of a run: what `inspect view` opens, and where agents work."""


def runs_folder(database_url: str) -> Path:
    """Where the folders of all runs are, if there are any: beside an SQLite database, else among the program's data."""
    path = database_url.partition(":///")[2] if database_url.startswith("sqlite") else ""
    return (Path(path).parent if path else Path(program_folder("data"))) / "practice"


def practice_folder(database_url: str) -> Path:
    """The folder of all runs, made where it is missing. Raises StorageError."""
    folder = runs_folder(database_url)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"{folder} cannot be made ({error}): runs keep their records there.") from error
    return folder


def _lock(file: IO[bytes], run: str) -> None:
    """Keep other processes out until this one ends, however it ends. Raises Conflict."""
    if sys.platform == "win32":
        return
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.close()
        raise Conflict(f"Run {run} is going on in another process: wait for it, or name another by --run.") from error


class Journal:
    """The lines of one run, oldest first; a last line that was cut off by a crash is dropped."""

    def __init__(self, folder: Path) -> None:
        """Raises StorageError where the folder cannot be written, Conflict where another process has it."""
        self.folder = folder
        self.finished: dict[str, Finished] = {}
        self.retrievals: dict[str, tuple[str | None, int]] = {}
        """Key of a rollout → its retrieval and the revision that it saw."""
        self.stored: set[str] = set()
        self.proof: dict[str, object] = {}
        """What both sides of the proof are told, fixed when it began."""
        self.halves: dict[str, object] = {}
        """The lessons that halves are made of, fixed when they began."""
        self.spent = Spent()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = self._open(folder / "journal.jsonl")
        except OSError as error:
            raise StorageError(f"{folder} cannot be written ({error}): a run keeps its record there.") from error

    def _open(self, path: Path) -> IO[bytes]:
        file = path.open("a+b")
        _lock(file, self.folder.name)
        file.seek(0)
        whole = 0
        for line in file:
            if not line.endswith(b"\n"):
                break
            self._take(json.loads(line))
            whole += len(line)
        file.truncate(whole)
        return file

    def _take(self, line: Mapping[str, object]) -> None:
        match line:
            case {"finished": dict(values), "retrieval_id": retrieval_id, "revision": int(revision)}:
                rollout = Finished(**values)
                self.finished[rollout.key] = rollout
                self.retrievals[rollout.key] = (retrieval_id if isinstance(retrieval_id, str) else None, revision)
                self.spent += Spent(rollout.tokens_in + rollout.tokens_out, rollout.usd)
            case {"stored": str(key)}:
                self.stored.add(key)
            case {"proof": dict(proof)}:
                self.proof = proof
            case {"halves": dict(halves)}:
                self.halves = halves
            case {"learned": int(tokens), "usd": usd}:
                self.spent += Spent(tokens, usd if isinstance(usd, (int, float)) else None)
            case _:
                raise StorageError(f"{self.folder}/journal.jsonl holds a line of another program: {line}.")

    def _write(self, line: Mapping[str, object]) -> None:
        self._file.write(json.dumps(line).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        self._take(line)

    @property
    def mean_cost(self) -> Spent | None:
        """What a rollout has cost so far, learning included; None before the first."""
        made = len(self.finished)
        if not made:
            return None
        return Spent(self.spent.tokens // made, None if self.spent.usd is None else self.spent.usd / made)

    def finish(self, rollout: Finished, retrieval_id: str | None, revision: int) -> None:
        """A rollout is finished: durable when it returns."""
        self._write({"finished": asdict(rollout), "retrieval_id": retrieval_id, "revision": revision})

    def store(self, key: str) -> None:
        """The library has acknowledged it."""
        self._write({"stored": key})

    def begin_proof(self, proof: dict[str, object]) -> None:
        """What is being proved."""
        self._write({"proof": proof})

    def begin_halves(self, halves: dict[str, object]) -> None:
        """What is being divided."""
        self._write({"halves": halves})

    def rewards(self, keys: tuple[str, str], settings: LibrarySettings) -> tuple[float, float] | None:
        """The rewards of a pair, as shares of the range; None where one of them has none."""
        made = [self.finished.get(key) for key in keys]
        shares = [settings.share(each.reward) for each in made if each is not None and each.reward is not None]
        return (shares[0], shares[1]) if len(shares) == len(keys) else None

    def learn(self, tokens: int, usd: float | None) -> None:
        """What learning between two batches cost."""
        self._write({"learned": tokens, "usd": usd})

    def close(self) -> None:
        """Let the file go."""
        self._file.close()
