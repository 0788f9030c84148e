"""`explib status` and `explib evidence`: how a library stands, and what rewards say about it."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from explib.models.libraries import Library
from explib_server.application import Application
from explib_server.cli.off import project_fields, project_text
from explib_server.cli.run import JsonOption, LibraryOption, run, say
from explib_server.cli.service import service_line
from explib_server.program import load_settings
from explib_server.projects import project_of
from explib_server.projects.folder import here
from explib_server.render.evidence import LibraryEvidence, library_evidence, uplift_track
from explib_server.render.heartbeat import status_line
from explib_server.render.status import Standing, standing
from explib_server.service.connection import ask

SERVICE_SECONDS = 2.0
"""How long the service is waited for."""


def status(
    library: LibraryOption = None,
    as_json: JsonOption = False,
    line: Annotated[bool, typer.Option("--line", help="One line of at most 80 characters, for a status line.")] = False,
) -> None:
    """Show when attempts were last captured, graded and learned from, lessons served, and how the library stands."""
    if line:
        say(run(lambda application: _line(application, library), "read"))
        return
    project = project_of(here(), load_settings())
    found = run(lambda application: _standing(application, library), "read")
    if as_json:
        say(json.dumps(found.fields() | project_fields(project), indent=2))
    else:
        service = service_line(ask("control", {}, SERVICE_SECONDS, start=False))
        say(f"{found.text()}\n{project_text(project)}\n{service}")


async def _standing(application: Application, library: str | None) -> Standing:
    return await standing(application, library, await _farther(application, library))


async def _farther(application: Application, library: str | None) -> list[Library]:
    """The layers beneath the folder's own library, those that there are; none beneath a library that is named."""
    names = () if library else application.project.layers[1:]
    found = [await application.store.libraries.find(name) for name in names]
    return [each for each in found if each is not None]


async def _line(application: Application, library: str | None) -> str:
    store = application.store
    beneath = [await store.measures.activity(each) for each in await _farther(application, library)]
    activity = (await store.measures.activity(await application.library(library))).over(beneath)
    return status_line(activity, store.clock(), captured=library is not None or application.project.captured)


def evidence(
    library: LibraryOption = None,
    as_json: JsonOption = False,
    plot: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw it: FILE ends in .png or .svg.")] = None,
) -> None:
    """Show which experiences help, by how much and how sure, and what the library does as a whole."""
    if plot is not None:
        from explib_server.render.picture import check_picture

        check_picture(plot)

    async def work(application: Application) -> LibraryEvidence:
        target = await application.library(library)
        report = await library_evidence(application.store, target)
        if plot is not None:
            from explib_server.render.evidence_plot import draw

            draw(report, await uplift_track(application.store, target), plot)
        return report

    report = run(work, "read")
    if as_json:
        say(json.dumps(asdict(report), indent=2))
    elif plot is not None:
        say(f"drawn to {plot}")
    else:
        _show(report)


def _show(report: LibraryEvidence) -> None:
    from rich.console import Console

    from explib_server.render.evidence_table import evidence_view

    Console(highlight=False).print(evidence_view(report))
