"""The folder and the project that an event of a hook belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from explib.settings.program import Settings
from explib_server.projects import Project, project_of


def folder_of(event: Mapping[str, object], folder: str | None = None) -> Path | None:
    """The folder in which the client works, unless another one is known better."""
    named = (place for place in (folder, event.get("cwd")) if isinstance(place, str))
    return next((Path(place) for place in named if Path(place).is_absolute()), None)


def project_of_event(event: Mapping[str, object], settings: Settings, folder: str | None = None) -> Project:
    """The project of that folder. The library that the client was attached with takes the place of its own."""
    library = event.get("library")
    if isinstance(library, str) and library:
        settings = settings.model_copy(update={"library": library})
    return project_of(folder_of(event, folder), settings)
