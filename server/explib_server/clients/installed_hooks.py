"""Whether a client's hooks are in its file, whether their command is there, and when a hook was last called."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from explib_server.clients import files
from explib_server.clients.catalogue import CLIENTS
from explib_server.clients.pieces import OUR_HOOK
from explib_server.clients.places import ClientName, Machine, Scope
from explib_server.hooks.spool import Spool

_PLUGIN_COMMAND = re.compile(r"^const COMMAND = (\[.*\])$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class InstalledHooks:
    """The hooks of a client in one file."""

    path: Path
    program: str
    """What their command starts; empty where there are none."""
    last_called: float | None
    """Unix time; None: never with this database."""

    @property
    def is_gone(self) -> bool:
        """The client calls a program that isn't there (any more)."""
        return bool(self.program) and shutil.which(self.program) is None


def installed_hooks(name: ClientName, machine: Machine, scope: Scope) -> InstalledHooks | None:
    """The hooks of a client; None for one that knows none."""
    path = CLIENTS[name].hooks_file(machine, scope)
    if path is None:
        return None
    text = (files.read(path) or b"").decode("utf-8", errors="replace")
    return InstalledHooks(path, next(_programs(text), ""), Spool().last_called(name.value))


def _programs(text: str) -> Iterator[str]:
    if plugin := _PLUGIN_COMMAND.search(text):
        yield str(json.loads(plugin[1])[0])
    for line in text.splitlines():
        if OUR_HOOK.search(line):
            written = line.partition(":")[2].strip().rstrip(",")
            command = str(json.loads(written)) if written.startswith('"') else written
            yield shlex.split(command.removeprefix("& "))[0]
