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
from explib_server.render.decisions import observations
from explib_server.render.pages import TO_DECIDE, lesson_fields, lesson_page, proposal_line

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
    observed: dict[str, str]
    """Experience id → what attempts say of it."""
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
    contents = run(lambda application: _found(application, library, retired or status is Status.retired), "read")
    listed = [item for item in contents.experiences if status is None or item.status == status.value]
    waiting = contents.waiting if status in {None, Status.waiting} else []
    if as_json:
        rows = [asdict(item) | _apart(item.id, contents) for item in listed]
        say(json.dumps([asdict(item) for item in waiting] if status is Status.waiting else rows, indent=2))
    else:
        lines = [_line(item, contents) for item in listed]
        lines += [f"waits for review {proposal_line(item)}" for item in waiting]
        lines += [TO_DECIDE] if waiting else []
        say("\n".join(lines) or "no experiences yet")


def _apart(experience_id: str, contents: Found) -> dict[str, object]:
    votes = contents.tallies.get(experience_id, Tally())
    return {"votes": asdict(votes), "observed": contents.observed.get(experience_id)}


async def _found(application: Application, library: str | None, retired: bool) -> Found:
    target = await application.library(library)
    store = application.store
    experiences = await store.revisions.experiences(target, retired=retired)
    return Found(
        experiences,
        await observations(store, target, experiences),
        await store.votes.tallies(target),
        await store.proposals.all(target, "waiting"),
    )


def _line(experience: Experience, contents: Found) -> str:
    votes = contents.tallies.get(experience.id)
    line = line_of(experience) if votes is None else f"{line_of(experience)} (votes: {votes})"
    numbers = contents.observed.get(experience.id)
    return f"{line}\n    {numbers}" if numbers else line


@app.command("show")
def show_experience(
    experience_id: Annotated[str, typer.Argument(metavar="ID", help="For example e3, or p3 for a proposal.")],
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one experience with its decision, the attempts that followed it or did not, and its history."""

    async def work(application: Application) -> str:
        target = await application.library(library)
        if as_json:
            return json.dumps(await lesson_fields(application, target, experience_id), indent=2)
        return await lesson_page(application, target, experience_id)

    say(run(work, "read"))


app.command("add")(curation.add)
app.command("edit")(curation.edit)
app.command("retire")(curation.retire)
app.command("review")(curation.review)
app.command("vote")(curation.vote)
