"""`explib off` and `explib on`: whether what is done in a folder is captured, and served by hooks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from explib.errors import InvalidInput
from explib_server.cli.run import say
from explib_server.program import load_settings
from explib_server.projects import Project, project_of
from explib_server.projects.folder import here
from explib_server.projects.state import allow, allowed, switch

FolderArgument: TypeAlias = Annotated[
    Path | None, typer.Argument(metavar="FOLDER", help="With all that is in it; default: the project you are in.")
]


def off(folder: FolderArgument = None) -> None:
    """Capture nothing from a folder, and let hooks serve nothing there. Only you are affected."""
    _switch(folder, off=True)


def on(
    folder: FolderArgument = None,
    libraries: Annotated[
        bool, typer.Option("--libraries", help="Let its .explib.toml name the libraries of others that it names now.")
    ] = False,
) -> None:
    """Capture again what is done in a folder that was switched off."""
    _switch(folder, off=False, libraries=libraries)


def _switch(folder: Path | None, *, off: bool, libraries: bool = False) -> None:
    settings = load_settings()
    named = folder or here()
    if named is None or not named.is_dir():
        raise InvalidInput(f"{'The working folder' if folder is None else folder} is no folder: name one that is.")
    place = named.resolve()
    if folder is None:
        place = project_of(place, settings).root or place
    switch(place, off=off)
    project = project_of(place, settings)
    if libraries and project.root is not None and project.withheld:
        allow(project.root, allowed(project.root) | {*project.withheld})
    say("\n".join([str(place), *capture_lines(project_of(place, settings))]))


def project_text(project: Project) -> str:
    """The project, its layers, and whether it is captured, for `explib status`."""
    place = f"project: {project.root}" if project.root else "project: none, so lessons are the person's"
    layers = f"layers: {', '.join(project.layers)} (nearest first; learning goes to {project.library})"
    return "\n".join([place, layers, *capture_lines(project)])


def project_fields(project: Project) -> dict[str, object]:
    """The same for a script."""
    root = None if project.root is None else str(project.root)
    return {"project": root, "layers": project.layers, "captured": project.captured, "problem": project.problem}


def capture_lines(project: Project) -> list[str]:
    """Whether what is done there is captured, and what is wrong with its `.explib.toml`."""
    captured = "captured: yes (switch it off: explib off)"
    if not project.captured:
        captured = "captured: no, nor served by hooks (explib on switches it on, unless .explib.toml says otherwise)"
    return [captured, *([f"note: {project.problem}"] if project.problem else [])]
