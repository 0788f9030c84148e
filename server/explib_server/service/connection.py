"""Reaching the service of this environment's database. Standard library only.

Each connection opens with the *hello*, one line of JSON: version, door, and what belongs to this client. The service
answers with one line; behind the door "mcp" both sides then speak MCP.
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
import time
from typing import TYPE_CHECKING

from explib.settings.places import given
from explib_server import VERSION
from explib_server.service.paths import NoService, Place
from explib_server.service.starting import Starting

if TYPE_CHECKING:
    from typing import BinaryIO

START_SECONDS = 30.0
"""A service that does not answer after this time has failed."""
LOOK_SECONDS = 0.01
LEAVING = "leaving"
"""In the answer of a service that goes out of the way of a newer one: connect again."""
MARK_CHARACTERS = 12
CLIENTS_OWN = ("EXPLIB_LIBRARY", "EXPLIB_DATABASE_URL", "EXPLIB_CONFIG", "EXPLIB_SERVICE")
"""By the first of them a client may differ; the others chose the service."""


class Reached:
    """An open connection, behind its hello: the service's first line, and what follows."""

    def __init__(self, connection: socket.socket, lines: BinaryIO, answer: dict[str, object]) -> None:
        self.connection = connection
        self.lines = lines
        self.answer = answer

    def close(self) -> None:
        """Close both ways."""
        self.lines.close()
        self.connection.close()


def ask(door: str, message: dict[str, object], timeout: float, *, start: bool) -> dict[str, object] | None:
    """The service's answer to a message at one of its doors; None where none can be had within `timeout` seconds.

    `start`: where no service runs, start one, without waiting any longer.
    """
    try:
        reached = reach(Place(), hello(door, message=message), timeout, start=start)
    except (OSError, ValueError):
        return None
    reached.close()
    return reached.answer


def hello(door: str, **more: object) -> dict[str, object]:
    """What a client says first."""
    return {
        "explib": VERSION,
        "door": door,
        "library": given("library"),
        "cwd": _folder(),
        "process": os.getpid(),
        "settings": setting_marks(),
        **more,
    }


def setting_marks() -> dict[str, str]:
    """A mark of each variable that sets us: equal marks, equal values. What belongs to one client is left out."""
    return {
        name: hashlib.sha256(value.encode(errors="replace")).hexdigest()[:MARK_CHARACTERS]
        for name, value in os.environ.items()
        if name.startswith(("EXPLIB_", "OPENAI_")) and name not in CLIENTS_OWN
    }


def reach(place: Place, opening: dict[str, object], timeout: float, *, start: bool) -> Reached:
    """A connection behind its hello. Raises NoService, with the reason, where there is none in time."""
    until = time.monotonic() + timeout
    starting = Starting(place)
    try:
        while (left := until - time.monotonic()) > 0:
            reached = _opened(place, opening, left)
            if reached is not None and not reached.answer.get(LEAVING):
                return reached
            if reached is not None:
                reached.close()
            elif not start:
                break
            else:
                starting.look(LOOK_SECONDS)
    finally:
        starting.close()
    raise NoService(f"the service does not answer: {place.log} may say why")


def _opened(place: Place, opening: dict[str, object], seconds: float) -> Reached | None:
    """None where no service listens, or it ends before it answers."""
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(seconds)
    lines = connection.makefile("rb")
    try:
        connection.connect(place.socket)
        connection.sendall(json.dumps(opening).encode() + b"\n")
        if line := lines.readline():
            connection.settimeout(None)
            return Reached(connection, lines, json.loads(line))
    except TimeoutError as error:
        raise NoService(f"the service does not answer: {place.log} may say why") from error
    except (ConnectionError, FileNotFoundError, BlockingIOError):  # the last: too many at once
        pass
    lines.close()
    connection.close()
    return None


def _folder() -> str | None:
    try:
        return os.getcwd()
    except OSError:  # it is gone
        return None
