"""`explib attach --instructions`: what a person wrote for agents in a project, taken over as lessons of that person."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import typer

from explib.errors import OperationRefused
from explib.text.words import number_of
from explib_server.application import Application
from explib_server.cli.curation import by_person
from explib_server.cli.run import run, say
from explib_server.clients.instructions import Instruction, instructions
from explib_server.clients.places import this_machine
from explib_server.curation.curator import curator_of


def adopt() -> None:
    """Show each bullet, then add those that the library takes; of each that it refuses, say why."""
    found = instructions(this_machine().project)
    if not found:
        say("No bullets were found in CLAUDE.md, AGENTS.md or files of rules here.")
        return
    say(f"{number_of(len(found), 'bullet')} of what you wrote for agents here:")
    for number, each in enumerate(found, 1):
        say(f"{number:>4}. {each.text}  ({each.file})")
    if sys.stdin.isatty() and not typer.confirm("Add them as lessons of yours?", default=True):
        return
    say(run(lambda application: _added(application, found)))


async def _added(application: Application, found: Sequence[Instruction]) -> str:
    library = await application.library(None)
    curator = curator_of(application)
    refused = []
    for number, each in enumerate(found, 1):
        try:
            await curator.add(library, each.text, by_person(None, f"written in {each.file}"))
        except OperationRefused as error:
            refused.append(f"{number:>4}. not added: {error}")
    added = number_of(len(found) - len(refused), "lesson")
    return "\n".join((f"{added} added to library {library.name}.", *refused))
