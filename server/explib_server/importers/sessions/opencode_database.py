"""opencode's database, whose sessions are read as `opencode export` prints them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from explib.errors import InvalidInput
from explib_server.importers.records import BadRecord

DATABASE = (".db",)
_SESSIONS = "SELECT id, directory, parent_id FROM session WHERE parent_id IS NULL ORDER BY time_created"
_MESSAGES = "SELECT id, data FROM message WHERE session_id = ? ORDER BY time_created, id"
_PARTS = "SELECT data FROM part WHERE message_id = ? ORDER BY time_created, id"


def exported_sessions(path: Path, name: str) -> Iterator[tuple[str, object]]:
    """Position and export of each session, one at a time, while opencode may write. Raises InvalidInput."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
            for identity, directory, parent in database.execute(_SESSIONS).fetchall():
                position = f"{name} {identity}"
                try:
                    messages = list(_messages(database, identity))
                except ValueError as error:
                    yield position, BadRecord(position, f"The session is damaged: {error}.")
                    continue
                yield (
                    position,
                    {"info": {"id": identity, "directory": directory, "parentID": parent}, "messages": messages},
                )
    except sqlite3.Error as error:
        raise InvalidInput(f"It is no database of opencode that can be read ({error}): export its sessions.") from error


def _messages(database: sqlite3.Connection, session: str) -> Iterator[dict[str, object]]:
    for identity, data in database.execute(_MESSAGES, (session,)).fetchall():
        parts = [json.loads(part) for (part,) in database.execute(_PARTS, (identity,))]
        yield {"info": {**json.loads(data), "id": identity}, "parts": parts}
