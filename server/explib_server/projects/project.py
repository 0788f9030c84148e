"""The project of a working folder: the library that learns there, and the layers that are served."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from explib_server.projects.file import ProjectFile, project_file
from explib_server.projects.repository import repository_of
from explib_server.projects.state import is_off

if TYPE_CHECKING:  # a status line asks too, and does not wait for the import of the settings
    from explib.settings.program import Settings

NAME_CHARACTERS = 40
"""Of a library's name that come from the repository's; a short hash follows."""
HASH_CHARACTERS = 8


@dataclass(frozen=True, slots=True)
class Project:
    """Whose lessons a folder gets and gives."""

    library: str
    """The library that learns here."""
    layers: tuple[str, ...]
    """The libraries that are served, nearest first; the first is `library`."""
    captured: bool
    """False: nothing from here is captured, nor served by hooks."""
    root: Path | None
    """The project's folder; None where there is no project."""
    problem: str = ""
    """A sentence on what is wrong with its `.explib.toml`."""


def project_of(folder: Path | None, settings: Settings) -> Project:
    """The project of a working folder. Without one (home, a folder that is no repository, None): the person's library.

    A library that the settings name (EXPLIB_LIBRARY, --library, the settings' file) is served alone, from anywhere.
    """
    return project_at(folder, settings.library, named="library" in settings.model_fields_set)


def project_at(folder: Path | None, library: str, *, named: bool) -> Project:
    """The same, by the library of the settings, and whether that was named or is the person's."""
    if folder is None:
        return Project(library, (library,), True, None)
    place = folder.resolve()
    home = _home()
    repository = repository_of(place)
    if repository is not None and repository.root in {home, Path(repository.root.anchor)}:
        repository = None
    inside = home if home is not None and place.is_relative_to(home) else place
    file = project_file(place, repository.root if repository is not None else inside)
    root = repository.root if repository is not None else None if file.path is None else file.path.parent
    captured = file.capture and not is_off(place)
    if named:
        return Project(library, (library,), captured, root, _problem(file))
    nearest = file.library or (library if repository is None else named_after(repository.identity))
    layers = tuple(dict.fromkeys((nearest, library, *file.layers)))
    return Project(nearest, layers, captured, root, _problem(file))


def named_after(identity: str) -> str:
    """A library's name for what it belongs to, e.g. `shop-1f0c9a3e` for `github.com/acme/shop`."""
    last = re.split(r"[/\\]", identity)[-1].lower()
    readable = re.sub(r"[^a-z0-9._-]+", "-", last).strip("._-")[:NAME_CHARACTERS]
    mark = hashlib.sha256(os.fsencode(identity)).hexdigest()[:HASH_CHARACTERS]
    return f"{readable or 'project'}-{mark}"


def _problem(file: ProjectFile) -> str:
    return f"{file.path} {'; '.join(file.problems)}: correct it." if file.problems else ""


def _home() -> Path | None:
    """The person's home folder; None for who has none."""
    try:
        return Path.home().resolve()
    except RuntimeError:
        return None
