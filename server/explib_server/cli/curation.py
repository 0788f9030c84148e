"""`explib experiences add|edit|retire|review|vote`: what people do to a library, under their names."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Annotated, TypeAlias

import typer

from explib.models.libraries import Library
from explib.storage.engine import Access
from explib_server.application import Application
from explib_server.auth.callers import user_name
from explib_server.cli.run import JsonOption, LibraryOption, run, say
from explib_server.curation.curator import By, Curator, curator_of
from explib_server.curation.votes import cast_vote, outcome_text
from explib_server.mcp.results.agent import Answer
from explib_server.render.changes import changed, reviewed

IdArgument: TypeAlias = Annotated[str, typer.Argument(metavar="ID", help="For example e3.")]
TextArgument: TypeAlias = Annotated[
    str, typer.Argument(metavar="TEXT", help="The lesson: 'When <condition>, <strategy>'.")
]
ReasonOption: TypeAlias = Annotated[str, typer.Option(help="Why; kept in the history.")]
AuthorOption: TypeAlias = Annotated[str | None, typer.Option(help="Who changes it; default: your user name.")]
VersionOption: TypeAlias = Annotated[
    int | None, typer.Option(help="The version you read: if it has moved on, nothing is changed.")
]
Outcome: TypeAlias = tuple[str, Answer]


class Verdict(StrEnum):
    """A decision of a review."""

    approve = "approve"
    reject = "reject"


class Opinion(StrEnum):
    """A vote."""

    up = "up"
    down = "down"


def by_person(author: str | None, reason: str) -> By:
    """The author of a change: the given name, else the user's."""
    return By(user_name() if author is None else author, reason)


def act(
    library: str | None,
    as_json: bool,
    change: Callable[[Application, Curator, Library], Awaitable[Outcome]],
    access: Access = "existing",
) -> None:
    """Make a change, of a library that is there unless it may be made, and say what came of it."""

    async def work(application: Application) -> Outcome:
        return await change(application, curator_of(application), await application.library(library))

    text, answer = run(work, access)
    say(answer.model_dump_json(indent=2) if as_json else text)


def add(
    text: TextArgument,
    reason: ReasonOption = "",
    author: AuthorOption = None,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add an experience by hand; it is served at once."""

    async def change(application: Application, curator: Curator, target: Library) -> Outcome:
        committed = await curator.add(target, text, by_person(author, reason))
        return await changed(application.store, target, committed)

    act(library, as_json, change, "create")


def edit(
    experience_id: IdArgument,
    text: Annotated[str | None, typer.Argument(metavar="[TEXT]", help="Leave it out to pin or unpin only.")] = None,
    pinned: Annotated[
        bool | None,
        typer.Option("--pin/--unpin", help="Whether only people change or retire it; a new text pins it by itself."),
    ] = None,
    reason: ReasonOption = "",
    expected_version: VersionOption = None,
    author: AuthorOption = None,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give an experience another text (the old one stays in the history), or pin or unpin it."""

    async def change(application: Application, curator: Curator, target: Library) -> Outcome:
        by = by_person(author, reason)
        committed = await curator.edit(target, experience_id, text, by, expected_version, pinned=pinned)
        return await changed(application.store, target, committed, experience_id)

    act(library, as_json, change)


def retire(
    experience_id: IdArgument,
    reason: ReasonOption = "",
    expected_version: VersionOption = None,
    author: AuthorOption = None,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Serve an experience no more; `explib revert` brings it back."""

    async def change(application: Application, curator: Curator, target: Library) -> Outcome:
        committed = await curator.retire(target, experience_id, by_person(author, reason), expected_version)
        return await changed(application.store, target, committed, experience_id)

    act(library, as_json, change)


def review(
    review_id: Annotated[str, typer.Argument(metavar="ID", help="A proposal that waits (p2), or an experience (e3).")],
    decision: Annotated[Verdict, typer.Argument(metavar="approve|reject", help="Serve it, or not.")],
    reason: ReasonOption = "",
    content: Annotated[str | None, typer.Option(help="With approve: another text than proposed.")] = None,
    author: AuthorOption = None,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Decide on what waits for review; `explib experiences list --status waiting` shows it."""

    async def change(_application: Application, curator: Curator, target: Library) -> Outcome:
        committed = await curator.review(target, review_id, decision.value, by_person(author, reason), content)
        return reviewed(target, committed, review_id, decision.value)

    act(library, as_json, change)


def vote(
    experience_id: IdArgument,
    opinion: Annotated[Opinion, typer.Argument(metavar="up|down", help="Keep it or drop it.")],
    reason: Annotated[str | None, typer.Option(help="Why, in a sentence.")] = None,
    library: LibraryOption = None,
) -> None:
    """Vote on an experience; voting again replaces your vote. Three voters down and none up retire it."""

    async def work(application: Application) -> str:
        target = await application.library(library)
        return outcome_text(
            await cast_vote(application, target, experience_id, user_name(), opinion is Opinion.up, reason)
        )

    say(run(work, "existing"))
