"""How the service stands: what the door `control` tells of it."""

from __future__ import annotations

import os
import time
from collections.abc import Collection
from dataclasses import dataclass

from explib_server import VERSION
from explib_server.mcp.stdio import Outgoing
from explib_server.service.connection import setting_marks
from explib_server.service.doors import Hello, Message
from explib_server.service.serving import Serving

STARTED = time.time()


@dataclass(frozen=True, slots=True, eq=False)
class Client:
    """One client that is attached now."""

    hello: Hello
    outgoing: Outgoing


def status(asking: Hello, clients: Collection[Client], serving: Serving) -> Message:
    """The service in a document: its process, its clients, and which settings of each are not the service's."""
    learner = serving.learner
    return {
        "explib": VERSION,
        "process": os.getpid(),
        "started": STARTED,
        "learning": learner is not None and learner.working,
        "idle_seconds": serving.settings.service_idle_seconds,
        "differing": [*differing(asking.settings)],
        "clients": [_client(each) for each in clients],
    }


def _client(client: Client) -> Message:
    hello = client.hello
    return {
        "client": hello.connection.client,
        "process": hello.process,
        "tools": hello.tools,
        "library": hello.connection.library,
        "folder": None if hello.folder is None else str(hello.folder),
        "since": hello.since,
        "differing": [*differing(hello.settings)],
    }


def differing(settings: dict[str, str]) -> list[str]:
    """The names of the variables whose values are not those of the service."""
    own = setting_marks()
    return sorted(name for name in own.keys() | settings.keys() if own.get(name) != settings.get(name))
