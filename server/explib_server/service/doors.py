"""The doors of the service: what a connection is for, by its hello."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from pydantic import JsonValue

from explib_server.auth.connections import ClientConnection

if TYPE_CHECKING:
    from explib_server.application import Application

Message: TypeAlias = dict[str, JsonValue]
Answering: TypeAlias = "Callable[[Application, Message], Awaitable[Message]]"
"""Answers one message of a client with one line."""
ANSWERING = {"hook": "explib_server.hooks.door"}
"""Doors that answer one message: the module whose `answer` does. Imported when one comes."""


def answering(door: str) -> Answering:
    """What answers at this door. Raises KeyError for one that doesn't exist."""
    answer: Answering = import_module(ANSWERING[door]).answer
    return answer


@dataclass(frozen=True, slots=True)
class Hello:
    """The first line of a connection."""

    version: str
    door: str
    process: int
    connection: ClientConnection
    folder: Path | None
    """The client's working folder."""
    tools: str
    settings: dict[str, str]
    """A mark of each setting of the client's environment: equal marks, equal values."""
    message: Message
    since: float = field(default_factory=time.time)

    @classmethod
    def of(cls, document: JsonValue) -> Hello:
        """The hello in a document; what is missing or of another kind is as if it weren't said. Raises ValueError."""
        if not isinstance(document, dict):
            raise ValueError("a connection opens with an object")
        library, folder, process = document.get("library"), document.get("cwd"), document.get("process")
        message, settings = document.get("message"), document.get("settings")
        return cls(
            version=str(document.get("explib", "")),
            door=str(document.get("door", "")),
            process=process if isinstance(process, int) else 0,
            connection=ClientConnection(
                session="",
                library=library if isinstance(library, str) and library else None,
            ),
            folder=Path(folder) if isinstance(folder, str) else None,
            tools=str(document.get("tools", "agent")),
            settings={key: str(value) for key, value in settings.items()} if isinstance(settings, dict) else {},
            message=message if isinstance(message, dict) else {},
        )
