"""A library created with its settings, or changed: the same for the tool and the command line."""

from __future__ import annotations

from explib.errors import Conflict
from explib.models.libraries import Library
from explib.settings.library import LibraryChanges, changed
from explib_server.application import Application
from explib_server.auth.callers import current_caller
from explib_server.curation.curator import By, curator_of


async def set_up(
    application: Application, name: str, changes: LibraryChanges, by: By, *, update: bool
) -> tuple[Library, bool]:
    """The library, and whether it is new. An update is a revision by who asks for it.

    Raises InvalidLibraryName, InvalidSetting, Conflict where it is there already and not to be updated, UnknownLibrary
    where it is to be updated and is not there, or is out of the caller's reach.
    """
    current_caller().library(name, application.settings.library)  # raises where it is out of reach
    if update:
        current_caller().check_person("Changing a library's settings")
        return await curator_of(application).configure(await application.library(name), changes, by), False
    settings = changed(application.settings.library_defaults(), changes)
    library, created = await application.store.libraries.create(name, settings)
    if not created:
        raise Conflict(
            f"There is a library {name!r} already, at revision {library.revision}: pass update=true (explib libraries "
            "set) to change its settings, or choose another name."
        )
    return library, True
