"""`explib history`, `explib diff` and `explib revert`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Annotated

import typer

from explib.history.diff import Difference
from explib.models.experiences import Experience
from explib.models.libraries import Library
from explib.models.practice import PracticeRun
from explib.models.revisions import Revision
from explib_server.application import Application
from explib_server.cli.curation import AuthorOption, Outcome, ReasonOption, act, by_person
from explib_server.cli.run import JsonOption, LibraryOption, run, say
from explib_server.curation.curator import Curator
from explib_server.render.changes import reverted
from explib_server.render.pages import revision_line
from explib_server.render.practice import practice_line

MOST_LISTED = 1_000_000


def history(
    library: LibraryOption = None,
    limit: Annotated[int, typer.Option(min=1, max=MOST_LISTED, help="At most this many.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """List the revisions and the runs of practice, newest first."""

    async def work(application: Application) -> list[Revision | PracticeRun]:
        target = await application.library(library)
        revisions = await application.store.revisions.history(target, limit)
        runs = await application.store.practice.all(target)
        entries: list[Revision | PracticeRun] = [*revisions, *runs]
        return sorted(entries, key=_time, reverse=True)[:limit]

    found = run(work, "read")
    if as_json:
        say(json.dumps([asdict(each) for each in found], indent=2))
    else:
        say("\n".join(map(_line, found)) or "no revisions yet")


def _time(entry: Revision | PracticeRun) -> float:
    return entry.created_at if isinstance(entry, Revision) else entry.started_at


def _line(entry: Revision | PracticeRun) -> str:
    return revision_line(entry) if isinstance(entry, Revision) else practice_line(entry)


def diff(
    before: Annotated[int, typer.Argument(metavar="A", min=0, help="A revision; 0: the empty library.")],
    after: Annotated[int | None, typer.Argument(metavar="B", min=0, help="Another one; default: the newest.")] = None,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what differs between the library after revision A and after revision B."""

    async def work(application: Application) -> tuple[int, Difference]:
        target = await application.library(library)
        until = target.revision if after is None else after
        return until, await application.store.revisions.difference(target, before, until)

    until, difference = run(work, "read")
    if as_json:
        say(json.dumps({"before": before, "after": until, **asdict(difference)}, indent=2))
    else:
        say("\n".join(_lines(difference)) or f"revisions {before} and {until} serve the same")


def _lines(difference: Difference) -> Iterator[str]:
    for experience in difference.removed:
        yield _sign("-", experience)
    for old, new in difference.changed:
        yield _sign("-", old)
        yield _sign("+", new)
    for experience in difference.added:
        yield _sign("+", experience)
    for change in difference.settings:
        yield typer.style(f"~ settings in revision {change.revision}: {change.changed}", fg=typer.colors.YELLOW)


def _sign(sign: str, experience: Experience) -> str:
    colour = typer.colors.GREEN if sign == "+" else typer.colors.RED
    return typer.style(f"{sign} [{experience.id}] ({experience.status}) {experience.content}", fg=colour)


def revert(
    number: Annotated[int, typer.Argument(metavar="N", min=0, help="The revision to go back to; 0: empty.")],
    reason: ReasonOption = "",
    expected_revision: Annotated[
        int | None, typer.Option(help="The newest revision you saw: if there is a newer one, nothing is changed.")
    ] = None,
    author: AuthorOption = None,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put the library back as it stood after revision N, as a new revision: nothing is lost."""

    async def change(application: Application, curator: Curator, target: Library) -> Outcome:
        committed = await curator.revert(target, number, by_person(author, reason), expected_revision)
        return await reverted(application.store, target, committed, number)

    act(library, as_json, change)
