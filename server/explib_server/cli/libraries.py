"""`explib libraries list|show|create|set|delete`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from explib.errors import InvalidInput, InvalidSetting
from explib.models.libraries import Library, LibraryOverview
from explib.settings.library import LibraryChanges, read_changes
from explib.settings.wording import setting_text
from explib.text.words import number_of
from explib_server.application import Application
from explib_server.cli.curation import AuthorOption, ReasonOption, by_person
from explib_server.cli.export import write_export
from explib_server.cli.run import JsonOption, run, say
from explib_server.curation.settings import set_up
from explib_server.exporters import lossless
from explib_server.exporters.contents import contents
from explib_server.projects.state import known_folders

app = typer.Typer(
    help="List libraries, create them, change their settings, delete them.", no_args_is_help=True, add_completion=False
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
    folder = known_folders().get(name)
    _say(library, as_json, folder)
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
    by = by_person(author, reason)
    library, _ = run(lambda application: set_up(application, name, changes, by, update=True), "existing")
    _say(library, as_json)


@app.command("delete")
def delete_library(
    name: NameArgument,
    keep: Annotated[
        Path | None, typer.Option("--export", help="Write its lessons into this file first, as JSON.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Delete it; without it, only what would go is counted.")] = False,
) -> None:
    """Delete a library for good, with its attempts, lessons, history and evidence; then rewrite the free pages."""

    async def count(application: Application) -> LibraryOverview:
        return await application.store.libraries.overview(await application.store.libraries.get(name))

    async def delete(application: Application) -> str:
        target = await application.store.libraries.get(name)
        if keep is not None:
            say(write_export(lossless.EXPORTER, await contents(application.store, target, None), keep))
        await application.store.deletions.library(target)
        return await application.store.deletions.purge()

    if not yes:
        held = run(count, "read")
        lessons = number_of(sum(held.experiences.values()), "experience")
        raise InvalidInput(
            f"{number_of(held.trajectories, 'attempt')} and {lessons} of {name} would be deleted for good: pass --yes "
            "to delete them. --export FILE keeps the lessons, `explib db backup FILE` everything."
        )
    rest = run(delete, "existing")
    say("\n".join(filter(None, (f"{name} is deleted", rest))))


def _changes(given: Sequence[str]) -> LibraryChanges:
    named = dict(pair.split("=", 1) for pair in given if "=" in pair)
    if wrong := [pair for pair in given if "=" not in pair]:
        raise InvalidSetting(f"Expected name=value (e.g. max_words=40), got {wrong[0][:60]!r}.")
    return read_changes(named)


def _say(library: Library, as_json: bool, folder: str | None = None) -> None:
    if as_json:
        say(json.dumps(_as_json(library) | {"folder": folder}, indent=2))
    else:
        place = [f"  of the project {folder}"] if folder else []
        settings = [f"  {name} = {setting_text(value)}" for name, value in library.settings]
        say("\n".join([f"{library.name}, at revision {library.revision}", *place, *settings]))


def _as_json(library: Library) -> dict[str, object]:
    return asdict(library) | {"settings": library.settings.model_dump()}
