"""Where coding agents keep their sessions."""

from __future__ import annotations

import hashlib
import os
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path

from explib.errors import InvalidInput
from explib_server.importers.records import Draft, Options

_PATTERNS: Mapping[str, tuple[tuple[str, str, str], ...]] = {
    "claude-code": (("CLAUDE_CONFIG_DIR", ".claude", "projects/**/*.jsonl"),),
    "codex": (("CODEX_HOME", ".codex", "sessions/**/rollout-*.jsonl*"),),
    "gemini": (("GEMINI_CLI_HOME", ".gemini", "tmp/*/chats/session-*.json*"),),
    "opencode": (
        ("", ".local/share/opencode", "opencode.db"),
        ("", ".local/share/opencode", "storage/session/**/*.json"),
    ),
    "copilot": (
        ("COPILOT_HOME", ".copilot", "session-state/*/events.jsonl"),
        ("", ".config/Code/User", "workspaceStorage/*/chatSessions/*.json"),
        ("", "Library/Application Support/Code/User", "workspaceStorage/*/chatSessions/*.json"),
        ("", "AppData/Roaming/Code/User", "workspaceStorage/*/chatSessions/*.json"),
    ),
}
"""For each client: the variable that moves its folder, the folder below the person's home, the files in it."""
CLIENTS = tuple(_PATTERNS)


def session_files(clients: list[str], since: float | None) -> list[str]:
    """The session files of these clients (of all where none is named), oldest first.

    Raises InvalidInput for an unknown client, and where there are no sessions.
    """
    for client in clients:
        if client not in _PATTERNS:
            raise InvalidInput(f"There is no client {client!r}: pass some of {', '.join(CLIENTS)}, or none for all.")
    kept = session_paths(clients or CLIENTS)
    if not kept:
        raise InvalidInput(f"No session of {', '.join(clients or CLIENTS)} is kept here: name its files instead.")
    return [str(path) for changed, path in kept if since is None or changed >= since]


def session_paths(clients: Iterable[str]) -> list[tuple[float, Path]]:
    """When each session file of these clients was last changed (Unix time), and where it is; oldest first."""
    return sorted((path.stat().st_mtime, path) for client in clients for path in _files(client))


def check_session(path: Path) -> None:
    """Raises InvalidInput for a file that nobody's client at this machine can have kept as a session of the person's.

    It lies where a client keeps them, or is the person's own below their home: a client's folder may be moved by a
    variable that this process doesn't have. Links are followed.
    """
    real = path.resolve()
    kept = (_root(variable, folder).resolve() for places in _PATTERNS.values() for variable, folder, _ in places)
    owned = sys.platform == "win32" or real.stat().st_uid == os.geteuid()
    own = owned and real.is_relative_to(Path.home().resolve())
    if not own and not any(map(real.is_relative_to, kept)):
        raise InvalidInput(
            f"{path} is neither where a client keeps its sessions nor a file of yours below your home. If it is a "
            f"session of yours, import it: explib import {path}."
        )


def moment(text: str) -> float:
    """A time as it is typed, in seconds since the epoch: `7d`, `12h`, or a date. Raises InvalidInput."""
    units = {"h": 3600.0, "d": 86_400.0, "w": 604_800.0}
    try:
        if text[-1:] in units:
            return time.time() - float(text[:-1]) * units[text[-1]]
        return datetime.fromisoformat(text).astimezone().timestamp()
    except (ValueError, OverflowError):
        raise InvalidInput(f"--since {text!r} is no time: write for example 7d, 12h or 2026-01-31.") from None


def _files(client: str) -> Iterator[Path]:
    for variable, folder, pattern in _PATTERNS[client]:
        yield from _root(variable, folder).glob(pattern)


def _root(variable: str, folder: str) -> Path:
    """The folder of a client, which a variable may have moved."""
    moved = os.environ.get(variable) if variable else None
    return Path(moved) if moved else Path.home() / folder


def is_of_project(draft: Draft, options: Options) -> bool:
    """Tell whether an attempt is of the project that was asked for, or below its folder; without one all are."""
    if options.project is None:
        return True
    folder = draft.document.get("cwd")
    if not isinstance(folder, str):
        return False
    project = options.project.resolve()
    hashed = hashlib.sha256(str(project).encode()).hexdigest()
    return folder == hashed or Path(folder) == project or project in Path(folder).parents
