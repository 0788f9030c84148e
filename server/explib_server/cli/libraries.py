"""`explib libraries list|show|create|set`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, TypeAlias

import typer

from explib.errors import InvalidSetting
from explib.models.libraries import Library
from explib.settings.library import LibraryChanges, read_changes
from explib.settings.wording import setting_text
from explib.text.words import number_of
from explib_server.application import Application
from explib_server.cli.curation import AuthorOption, ReasonOption, by_person
from explib_server.cli.run import JsonOption, run, say
from explib_server.curation.settings import set_up

app = typer.Typer(
    help="List libraries, create them, change their settings.", no_args_is_help=True, add_completion=False
)
NameArgument: TypeAlias = Annotated[str, typer.Argument(metavar="NAME", help="The library's name.")]
SettingsArgument: TypeAlias = Annotated[
    list[str] | None,
    typer.Argument(metavar="SETTING=VALUE…", help=f"One or more of: {', '.join(LibraryChanges.model_fields)}."),
]


@app.command("list")
def list_libraries(as_json: JsonOption = False) -> None:
    """List the libraries with their objectives and sizes."""

    async def work(application: Application) -> tuple[list[Library], dict[str, int]]:
        return await application.libraries(), await application.store.libraries.served()

    libraries, counts = run(work, "read")
    if as_json:
        say(
            json.dumps(
                [_as_json(library) | {"experiences": counts.get(library.name, 0)} for library in libraries], indent=2
            )
        )
    else:
        lines = [
            f"{library.name}  {number_of(counts.get(library.name, 0), 'experience')}  {library.settings.objective}"
            for library in libraries
        ]
        say("\n".join(line.rstrip() for line in lines) or "no libraries yet: explib libraries create NAME")


@app.command("show")
def show_library(name: NameArgument, as_json: JsonOption = False) -> None:
    """Show a library's settings, and those of the environment that are not in force in it."""

    async def work(application: Application) -> tuple[Library, list[str]]:
        library = await application.library(name)
        return library, application.settings.not_in_force(library)

    library, overridden = run(work, "read")
    _say(library, as_json)
    for note in () if as_json else overridden:
        say(f"note: {note}")


@app.command("create")
def create_library(name: NameArgument, settings: SettingsArgument = None, as_json: JsonOption = False) -> None:
    """Create a library, e.g. explib libraries create airline objective='rebook flights' review=on."""
    changes = _changes(settings or [])
    library, _ = run(lambda application: set_up(application, name, changes, by_person(None, ""), update=False))
    _say(library, as_json)


@app.command("set")
def set_library(
    name: NameArgument,
    settings: SettingsArgument,
    reason: ReasonOption = "",
    author: AuthorOption = None,
    as_json: JsonOption = False,
) -> None:
    """Change settings of a library, e.g. explib libraries set airline max_words=40."""
    changes = _changes(settings or [])
    library, _ = run(lambda application: set_up(application, name, changes, by_person(author, reason), update=True))
    _say(library, as_json)


def _changes(given: Sequence[str]) -> LibraryChanges:
    named = dict(pair.split("=", 1) for pair in given if "=" in pair)
    if wrong := [pair for pair in given if "=" not in pair]:
        raise InvalidSetting(f"Expected name=value (e.g. max_words=40), got {wrong[0][:60]!r}.")
    return read_changes(named)


def _say(library: Library, as_json: bool) -> None:
    if as_json:
        say(json.dumps(_as_json(library), indent=2))
    else:
        settings = [f"  {name} = {setting_text(value)}" for name, value in library.settings]
        say("\n".join([f"{library.name}, at revision {library.revision}", *settings]))


def _as_json(library: Library) -> dict[str, object]:
    return asdict(library) | {"settings": library.settings.model_dump()}
