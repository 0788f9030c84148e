"""`explib experiences`: list, show, and what people do with them."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Annotated

import typer

from explib.evidence.votes import Tally
from explib.models.experiences import Experience
from explib.models.revisions import ProposedOperation
from explib.retrieval.entry import line_of
from explib_server.application import Application
from explib_server.cli import curation
from explib_server.cli.run import JsonOption, LibraryOption, run, say
from explib_server.render.pages import experience_page, proposal_line

app = typer.Typer(help="Read and change the experiences of a library.", no_args_is_help=True, add_completion=False)


class Status(StrEnum):
    """Which experiences."""

    waiting = "waiting"
    candidate = "candidate"
    active = "active"
    retired = "retired"


@dataclass(frozen=True, slots=True)
class Found:
    """What there is to list."""

    experiences: list[Experience]
    tallies: dict[str, Tally]
    waiting: list[ProposedOperation]


@app.command("list")
def list_experiences(
    library: LibraryOption = None,
    retired: Annotated[bool, typer.Option("--retired", help="Retired ones too.")] = False,
    status: Annotated[Status | None, typer.Option(help="Only these; waiting: proposals for review.")] = None,
    as_json: JsonOption = False,
) -> None:
    """List the experiences, and what waits for review."""
    found = run(lambda application: _found(application, library, retired or status is Status.retired))
    listed = [each for each in found.experiences if status is None or each.status == status.value]
    waiting = found.waiting if status in {None, Status.waiting} else []
    if as_json:
        known = [asdict(each) | {"votes": asdict(found.tallies.get(each.id, Tally()))} for each in listed]
        say(json.dumps([asdict(each) for each in waiting] if status is Status.waiting else known, indent=2))
    else:
        lines = [_line(each, found.tallies.get(each.id)) for each in listed]
        lines += [f"waits for review {proposal_line(each)}" for each in waiting]
        say("\n".join(lines) or "no experiences yet")


async def _found(application: Application, library: str | None, retired: bool) -> Found:
    chosen = await application.library(library)
    store = application.store
    return Found(
        await store.revisions.experiences(chosen, retired=retired),
        await store.votes.tallies(chosen),
        await store.proposals.all(chosen, "waiting"),
    )


def _line(known: Experience, votes: Tally | None) -> str:
    return line_of(known) if votes is None else f"{line_of(known)} (votes: {votes})"


@app.command("show")
def show_experience(
    identity: Annotated[str, typer.Argument(metavar="ID", help="For example e3.")], library: LibraryOption = None
) -> None:
    """Show one experience with its history and the attempts it rests on."""

    async def work(application: Application) -> str:
        return await experience_page(application, await application.library(library), identity)

    say(run(work))


app.command("add")(curation.add)
app.command("edit")(curation.edit)
app.command("retire")(curation.retire)
app.command("review")(curation.review)
app.command("vote")(curation.vote)
