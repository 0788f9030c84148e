"""`explib experiences list|show` and `explib history`."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from explib.models import Experience, Revision
from explib.retrieval.entry import line_of
from explib.voting import Tally
from explib_server.cli.running import JsonOption, LibraryOption, run, say
from explib_server.cli.voting import vote_on_experience
from explib_server.pages import experience_page, revision_line
from explib_server.runtime import Runtime

app = typer.Typer(help="Read the experiences of a library.", no_args_is_help=True)
app.command("vote")(vote_on_experience)


@app.command("list")
def list_experiences(
    library: LibraryOption = None,
    retired: Annotated[bool, typer.Option("--retired", help="Retired ones too.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List the experiences."""

    async def work(runtime: Runtime) -> tuple[list[Experience], dict[str, Tally]]:
        chosen = await runtime.library(library)
        known = await runtime.store.revisions.experiences(chosen, retired=retired)
        return known, await runtime.store.votes.tallies(chosen)

    found, tallies = run(work)
    if as_json:
        listed = [asdict(each) | {"votes": asdict(tallies.get(each.id, Tally()))} for each in found]
        say(json.dumps(listed, indent=2))
    else:
        say("\n".join(_line(each, tallies.get(each.id)) for each in found) or "no experiences yet")


def _line(known: Experience, votes: Tally | None) -> str:
    return line_of(known) if votes is None else f"{line_of(known)} (votes: {votes})"


@app.command("show")
def show_experience(
    identity: Annotated[str, typer.Argument(metavar="ID", help="For example e3.")], library: LibraryOption = None
) -> None:
    """Show one experience with its history and the attempts it rests on."""

    async def work(runtime: Runtime) -> str:
        return await experience_page(runtime, await runtime.library(library), identity)

    say(run(work))


def history(
    library: LibraryOption = None,
    limit: Annotated[int, typer.Option(min=1, help="At most this many.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """List the revisions, newest first."""

    async def work(runtime: Runtime) -> list[Revision]:
        return await runtime.store.revisions.history(await runtime.library(library), limit)

    found = run(work)
    if as_json:
        say(json.dumps([asdict(each) for each in found], indent=2))
    else:
        say("\n".join(map(revision_line, found)) or "no revisions yet")
