"""A library created with its settings, or changed: the same for the tool and the command line."""

from __future__ import annotations

from explib.errors import Conflict, UnknownLibrary
from explib.library_settings import LibraryChanges, changed
from explib.models import Library
from explib_server.callers import current_caller
from explib_server.runtime import Runtime


async def set_up(runtime: Runtime, name: str, changes: LibraryChanges, *, update: bool) -> tuple[Library, bool]:
    """The library, and whether it is new.

    Raises InvalidLibraryName, InvalidSetting, Conflict where it is there already and not to be updated, UnknownLibrary
    where it is to be updated and is not there.
    """
    libraries = runtime.store.libraries
    if not current_caller().reaches(name):
        raise UnknownLibrary(f"Your access does not reach a library {name[:80]!r}: ask for a token that names it.")
    if update:
        return await libraries.change(await libraries.get(name), changes), False
    settings = changed(runtime.settings.library_defaults(), changes)
    library, created = await libraries.create(name, settings)
    if not created:
        raise Conflict(
            f"There is a library {name!r} already, at revision {library.revision}: pass update=true (explib libraries "
            "set) to change its settings, or choose another name."
        )
    return library, True
