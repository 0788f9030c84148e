"""The spool: a folder in which every event that has something to store stays until the service has stored it.

Standard library only, since hooks write it. One file an event, written at once or not at all. What a hook has put here
is safe from then on: the service takes it up when it is told, when it starts, and now and then. Beside the events
`clients/` holds when each client first called a hook, and how far its session folders have been looked through.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from explib.settings.places import folder
from explib_server.service.paths import NoService, database_url

MOST_FILES = 1_000
MOST_BYTES = 512 * 1024 * 1024
"""Of all events together: sessions of clients that keep no transcript are whole."""
_PRIVATE_FILE, _PRIVATE_FOLDER = 0o600, 0o700


class SpoolFull(OSError):
    """The spool is full."""


class Spool:
    """The spool of this environment's database."""

    def __init__(self) -> None:
        place = Path(folder("data")) / "hooks" / hashlib.sha256(_database().encode()).hexdigest()[:12]
        self.events, self.clients = place / "events", place / "clients"

    def keep(self, event: Mapping[str, object]) -> Path:
        """Put an event in, durably, in place of what its session has said before. Raises OSError."""
        _make_private(self.events)
        self._check_room()
        is_whole = bool(event.get("transcript") or event.get("messages"))
        key = hashlib.sha256(f"{event.get('client')} {event.get('session')}".encode()).hexdigest()[:16]
        path = self.events / f"{time.time_ns():020d}-{os.getpid()}-{key}{'' if is_whole else '-end'}.json"
        _write(path, event)
        for earlier in self.events.glob(f"*-{key}.json") if is_whole else ():
            if earlier.name < path.name:
                earlier.unlink(missing_ok=True)
        return path

    def waiting(self) -> list[Path]:
        """The events, oldest first."""
        return sorted(path for path in self.events.glob("*.json") if not path.name.startswith("."))

    def attach(self, client: str) -> None:
        """Note when a client called a hook, and when first: older sessions are not taken up. Raises OSError."""
        path = self.clients / f"{client}.json"
        if not path.exists():
            _make_private(self.clients)
            _write(path, {"since": time.time()})
        (self.clients / f"{client}.called").touch(_PRIVATE_FILE)

    def last_called(self, client: str) -> float | None:
        """When a client last called a hook at the beginning of a session or at the end of a turn (Unix time)."""
        try:
            return (self.clients / f"{client}.called").stat().st_mtime
        except OSError:
            return None

    def detach(self, client: str) -> None:
        """Forget a client whose hooks were taken out. Raises OSError."""
        for kept in ("json", "called"):
            (self.clients / f"{client}.{kept}").unlink(missing_ok=True)

    def attached(self) -> Iterator[tuple[str, float]]:
        """The clients that call hooks, and since when (Unix time) their session folders have not been looked at."""
        for path in sorted(self.clients.glob("*.json")):
            since = (read_event(path) or {}).get("since")
            if isinstance(since, int | float):
                yield path.stem, float(since)

    def swept(self, client: str, until: float) -> None:
        """Note up to when a client's sessions have been taken up. Raises OSError."""
        path = self.clients / f"{client}.json"
        if path.exists():
            _write(path, {"since": until})

    def _check_room(self) -> None:
        sizes = [entry.stat().st_size for entry in os.scandir(self.events)]
        if len(sizes) >= MOST_FILES or sum(sizes) >= MOST_BYTES:
            raise SpoolFull(
                f"{self.events} holds {len(sizes):,} events that no service has taken up: run explib doctor"
            )


def read_event(path: Path) -> dict[str, object] | None:
    """An event of the spool; None where it is gone, or is no event."""
    try:
        event = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return event if isinstance(event, dict) else None


def _database() -> str:
    try:
        return database_url()
    except NoService:  # one in memory, whose process takes up what it finds
        return ""


def _make_private(place: Path) -> None:
    """Make a folder that only its owner reads, and those above it alike; existing ones stay."""
    if not place.is_dir():
        if not place.parent.is_dir():
            place.parent.parent.mkdir(parents=True, exist_ok=True)
            place.parent.mkdir(_PRIVATE_FOLDER, exist_ok=True)
        place.mkdir(_PRIVATE_FOLDER, exist_ok=True)


def _write(path: Path, value: Mapping[str, object]) -> None:
    """Write a file whole and onto the disk, or not at all."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(part, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, _PRIVATE_FILE), "w") as file:
            json.dump(value, file)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
