"""`explib status --line` without what takes long to import: clients run it again and again. Standard library only."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from explib.settings.places import default_database_url, given
from explib.storage.sqlite.glimpse import glimpse
from explib_server.projects.folder import here
from explib_server.projects.project import project_at
from explib_server.render.heartbeat import status_line

DEFAULT_LIBRARY = "default"
SQLITE = ("sqlite", "sqlite+aiosqlite")


def print_line() -> bool:
    """Print the line of this environment's library; False where only the usual way can, or says what is wrong."""
    scheme, _, place = (given("database_url") or default_database_url()).partition(":///")
    if scheme not in SQLITE:
        return False
    named = given("library")
    project = project_at(here(), named or DEFAULT_LIBRARY, named=bool(named))
    file = Path(place.partition("?")[0])
    found = [glimpse(file, layer) for layer in project.layers]
    layers = [each for each in found if each is not None]
    if len(layers) < len(found):
        return False
    line = status_line(layers[0].over(layers[1:]), time.time(), captured=project.captured)
    sys.stdout.buffer.write(f"{line}\n".encode())
    return True
