"""The project of a working folder: the library that learns there, and the layers that are served."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from explib.errors import StorageError
from explib_server.projects.file import ProjectFile, project_file
from explib_server.projects.repository import repository_of
from explib_server.projects.state import allowed, is_off, known_folders

if TYPE_CHECKING:  # a status line asks too, and does not wait for the import of the settings
    from explib.settings.program import Settings

NAME_CHARACTERS = 40
"""Of a library's name that come from the repository's; a short hash follows."""
HASH_CHARACTERS = 8
_OF_PROJECT = re.compile(rf".+-[0-9a-f]{{{HASH_CHARACTERS}}}")
"""A name as `named_after` makes it."""


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
    """A sentence on what is wrong with its `.explib.toml`, or not followed of it."""
    withheld: tuple[str, ...] = ()
    """Libraries that the file names and does not get: they are another project's, or the person's own to learn in."""


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
    own = library if repository is None else named_after(repository.identity)
    withheld = () if root is None else _withheld(file, own, library, root)
    nearest = own if file.library is None or file.library in withheld else file.library
    farther = (layer for layer in file.layers if layer not in withheld)
    layers = tuple(dict.fromkeys((nearest, library, *farther)))
    return Project(nearest, layers, captured, root, _problem(file, withheld), withheld)


def named_after(identity: str) -> str:
    """A library's name for what it belongs to, e.g. `shop-1f0c9a3e` for `github.com/acme/shop`."""
    last = re.split(r"[/\\]", identity)[-1].lower()
    readable = re.sub(r"[^a-z0-9._-]+", "-", last).strip("._-")[:NAME_CHARACTERS]
    mark = hashlib.sha256(os.fsencode(identity)).hexdigest()[:HASH_CHARACTERS]
    return f"{readable or 'project'}-{mark}"


def _withheld(file: ProjectFile, own: str, persons: str, root: Path) -> tuple[str, ...]:
    """The libraries that a file, which may be another's, names and the person has not allowed it."""
    named = dict.fromkeys(name for name in (file.library, *file.layers) if name not in (None, own))
    if not named:
        return ()
    try:
        granted, folders = allowed(root), known_folders()
    except StorageError:  # nobody can tell whose they are
        return tuple(named)
    return tuple(
        name
        for name in named
        if name not in granted
        and ((name == file.library == persons) or (name != persons and _is_anothers(name, folders.get(name), root)))
    )


def _is_anothers(library: str, folder: str | None, root: Path) -> bool:
    """Tell whether a library belongs to another project: the one that made it, or whose name it has."""
    if folder is None:
        return _OF_PROJECT.fullmatch(library) is not None
    known, here = repository_of(Path(folder)), repository_of(root)
    return Path(folder) != root and (known is None or here is None or known.identity != here.identity)


def _problem(file: ProjectFile, withheld: Sequence[str] = ()) -> str:
    wrong = [f"{'; '.join(file.problems)}: correct it."] if file.problems else []
    if withheld:
        wrong.append(
            f"names {', '.join(withheld)}, another project's or your own: it gets none of these before you say "
            "`explib on --libraries` in its folder."
        )
    return f"{file.path} {' It '.join(wrong)}" if wrong else ""


def _home() -> Path | None:
    """The person's home folder; None for who has none."""
    try:
        return Path.home().resolve()
    except RuntimeError:
        return None
