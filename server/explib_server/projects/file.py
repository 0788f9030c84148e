"""The file `.explib.toml`, which says for everybody who works in a folder whose lessons it gets and gives.

library = "shop"            # the library that learns here
layers = ["team", "python"] # libraries that are served too, after the person's own
capture = false             # nothing from here is captured, nor served by hooks
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG

from explib_server.projects.repository import mode_of

FILE = ".explib.toml"
LIBRARY_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
KEYS = ("library", "layers", "capture")


@dataclass(frozen=True, slots=True)
class ProjectFile:
    """What the file says. What is wrong with it is in `problems`; the rest of it holds."""

    library: str | None = None
    layers: tuple[str, ...] = ()
    capture: bool = True
    problems: tuple[str, ...] = ()
    path: Path | None = None


def project_file(folder: Path, last: Path) -> ProjectFile:
    """The nearest file from a folder up to `last`, one of its parents or itself."""
    for place in (folder, *folder.parents):
        if S_ISREG(mode_of(place / FILE)):
            return read(place / FILE)
        if place == last:
            break
    return ProjectFile()


def read(path: Path) -> ProjectFile:
    """The file's content. Where it may have forbidden capture and can't be understood, nothing is captured."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        return ProjectFile(capture=False, problems=(f"cannot be read as TOML ({error})",), path=path)
    library, layers, capture = content.get("library"), content.get("layers", []), content.get("capture", True)
    problems = [f"has the unknown key {key[:40]!r}: it takes {', '.join(KEYS)}" for key in content if key not in KEYS]
    if library is not None and not _names_library(library):
        problems.append(f"library = {str(library)[:80]!r} cannot name a library: a-z, 0-9, '.', '_' and '-'")
        library = None
    if not isinstance(layers, list) or not all(map(_names_library, layers)):
        problems.append('layers must be a list of library names, e.g. ["team"]')
        layers = []
    if not isinstance(capture, bool):
        problems.append("capture must be true or false: nothing is captured until then")
        capture = False
    return ProjectFile(library, tuple(layers), capture, tuple(problems), path)


def _names_library(value: object) -> bool:
    return isinstance(value, str) and LIBRARY_NAME.fullmatch(value) is not None
