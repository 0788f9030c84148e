"""`explib experiences vote`."""

from __future__ import annotations

import getpass
from enum import StrEnum
from typing import Annotated

import typer

from explib_server.application import Application
from explib_server.cli.run import LibraryOption, run, say
from explib_server.curation.votes import cast_vote, outcome_text


class Opinion(StrEnum):
    """A vote."""

    up = "up"
    down = "down"


def vote_on_experience(
    identity: Annotated[str, typer.Argument(metavar="ID", help="For example e3.")],
    opinion: Annotated[Opinion, typer.Argument(metavar="up|down", help="Keep it or drop it.")],
    reason: Annotated[str | None, typer.Option(help="Why, in a sentence.")] = None,
    voter: Annotated[str | None, typer.Option(help="Who votes; default: your user name.")] = None,
    library: LibraryOption = None,
) -> None:
    """Vote on an experience; voting again replaces your vote. Three voters down and none up retire it."""

    async def work(application: Application) -> str:
        name = voter or getpass.getuser()
        chosen = await application.library(library)
        return outcome_text(await cast_vote(application, chosen, identity, name, opinion is Opinion.up, reason))

    say(run(work))
