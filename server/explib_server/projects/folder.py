"""The folder that the current work is for: a connection's, or the command line's. A remote caller has none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING

from explib_server.projects.project import Project, project_of

if TYPE_CHECKING:
    from explib.settings.program import Settings

_folder: ContextVar[Path | None] = ContextVar("explib_folder", default=None)


@contextmanager
def working_in(folder: Path | None) -> Iterator[None]:
    """Let the code inside, and the tasks that it starts, work for this folder."""
    token = _folder.set(folder)
    try:
        yield
    finally:
        _folder.reset(token)


def here() -> Path | None:
    """The process's working folder; None where it was deleted."""
    try:
        return Path.cwd()
    except OSError:
        return None


def current_project(settings: Settings) -> Project:
    """The project of the folder that the current work is for."""
    return project_of(_folder.get(), settings)
