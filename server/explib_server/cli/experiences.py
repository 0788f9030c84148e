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
from explib_server.cli.run import JsonOption, LibraryOption, read, say
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
    """The experiences, votes and proposals of one library."""

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
    contents = read(lambda application: _found(application, library, retired or status is Status.retired))
    listed = [item for item in contents.experiences if status is None or item.status == status.value]
    waiting = contents.waiting if status in {None, Status.waiting} else []
    if as_json:
        rows = [asdict(item) | {"votes": asdict(contents.tallies.get(item.id, Tally()))} for item in listed]
        say(json.dumps([asdict(item) for item in waiting] if status is Status.waiting else rows, indent=2))
    else:
        lines = [_line(item, contents.tallies.get(item.id)) for item in listed]
        lines += [f"waits for review {proposal_line(item)}" for item in waiting]
        say("\n".join(lines) or "no experiences yet")


async def _found(application: Application, library: str | None, retired: bool) -> Found:
    target = await application.library(library)
    store = application.store
    return Found(
        await store.revisions.experiences(target, retired=retired),
        await store.votes.tallies(target),
        await store.proposals.all(target, "waiting"),
    )


def _line(experience: Experience, votes: Tally | None) -> str:
    return line_of(experience) if votes is None else f"{line_of(experience)} (votes: {votes})"


@app.command("show")
def show_experience(
    experience_id: Annotated[str, typer.Argument(metavar="ID", help="For example e3.")], library: LibraryOption = None
) -> None:
    """Show one experience with its history and the attempts it rests on."""

    async def work(application: Application) -> str:
        return await experience_page(application, await application.library(library), experience_id)

    say(read(work))


app.command("add")(curation.add)
app.command("edit")(curation.edit)
app.command("retire")(curation.retire)
app.command("review")(curation.review)
app.command("vote")(curation.vote)
