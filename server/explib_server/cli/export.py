"""`explib export`: the lessons of a library as other programs read them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from explib.errors import InvalidInput
from explib.text.words import number_of
from explib_server.cli.run import LibraryOption, run, say
from explib_server.exporters.contents import LibraryExport, Only, contents
from explib_server.exporters.exporter import Exporter, made_by
from explib_server.exporters.files import project_root, put_file, put_section
from explib_server.exporters.registry import EXPORTERS, exporter_of

if TYPE_CHECKING:
    from explib_server.application import Application


def export(
    format_name: Annotated[str, typer.Option("--format", help=f"One of {', '.join(EXPORTERS)}.")] = "markdown",
    only: Annotated[
        Only | None,
        typer.Option(help="proven: borne out by attempts or rewards. Files for agents: active, unless said."),
    ] = None,
    project: Annotated[
        bool, typer.Option("--project", help="Write it where the clients of this project read it.")
    ] = False,
    output: Annotated[Path | None, typer.Option(help="A file; for skill the folder of its folder.")] = None,
    library: LibraryOption = None,
) -> None:
    """Write the lessons of a library for other programs; without --project and --output to standard output."""
    exporter = exporter_of(format_name)
    _check_places(exporter, project=project, output=output)
    chosen = Only.active if only is None and exporter.for_agents else only

    async def work(application: Application) -> LibraryExport:
        return await contents(application.store, await application.library(library), chosen)

    exported = run(work, "read")
    if project:
        paths = [project_root(Path.cwd()) / place.format(name=exported.name) for place in exporter.places]
    elif output is not None:
        paths = [output / exporter.folder.format(name=exported.name)]
    else:
        typer.echo(exporter.write(exported), nl=False)
        return
    for path in paths:
        say(write_export(exporter, exported, path))


def write_export(exporter: Exporter, exported: LibraryExport, path: Path) -> str:
    """Write the export into a file; the sentence that says so. Raises InvalidInput."""
    text = exporter.write(exported)
    if exporter.is_section:
        changed = put_section(path, exported.library, text)
    else:
        changed = put_file(path, text, made_by(exported) if exporter.for_agents else "")
    return f"{path}: {number_of(len(exported.lessons), 'lesson')}{'' if changed else ', as it was'}"


def _check_places(exporter: Exporter, *, project: bool, output: Path | None) -> None:
    if project and output is not None:
        raise InvalidInput("Pass --project or --output: each says where to write.")
    if project and not exporter.places:
        read = ", ".join(each.name for each in EXPORTERS.values() if each.places)
        raise InvalidInput(
            f"No client of a project reads {exporter.name}: pass --output, or one of the formats {read}."
        )
