"""`explib reward`: a person's word on how an attempt went."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from explib.errors import InvalidInput, UnknownLibrary, UnknownTrajectory
from explib.models.libraries import Library, LibrarySettings
from explib.models.submissions import Attempt
from explib_server.application import Application
from explib_server.cli.run import LibraryOption, run, say
from explib_server.projects import project_of

LAST = "last"


def reward(
    words: Annotated[
        list[str],
        typer.Argument(metavar="[last|ID] good|bad|0…1", help="Which attempt (default: last), and how it went."),
    ],
    because: Annotated[str | None, typer.Option(help="Why, in your words.")] = None,
    library: LibraryOption = None,
) -> None:
    """Say how an attempt went. Your word counts for more than tests and guesses, and stays."""
    if len(words) > 2:
        raise InvalidInput("Say one attempt and one reward, as in `explib reward last good --because 'it runs'`.")
    named, said = words if len(words) == 2 else (LAST, words[0])

    async def work(application: Application) -> str:
        target = await _library(application, library)
        attempt_id = await _last(application, target) if named == LAST else named
        attempt = Attempt(retrieval_id=attempt_id) if attempt_id.startswith("r_") else Attempt(attempt_id)
        found, attempt_id = await application.store.trajectories.locate(
            trajectory_id=attempt.trajectory_id, retrieval_id=attempt.retrieval_id
        )
        value = reward_said(said, found.settings)
        await application.report_reward(Attempt(attempt_id), value, because, source="person")
        [graded] = await application.store.trajectories.heads(found, [attempt_id])
        return f"{attempt_id} in {found.name} has reward {value:g}, by you: {' '.join(graded.task.split())[:100]}"

    say(run(work, "existing"))


def reward_said(text: str, settings: LibrarySettings) -> float:
    """A reward as a person says it: good, bad, or a number of the library's range. Raises InvalidInput."""
    words = {"good": settings.reward_max, "bad": settings.reward_min}
    try:
        return words[text.lower()] if text.lower() in words else float(text)
    except ValueError:
        raise InvalidInput(f"{text!r} is no reward: say good, bad, or a number such as 0.5.") from None


async def _library(application: Application, name: str | None) -> Library:
    """The named library, else that of this folder's project, else the person's."""
    if name is None:
        try:
            return await application.library(project_of(Path.cwd(), application.settings).library)
        except UnknownLibrary:
            pass
    return await application.library(name)


async def _last(application: Application, library: Library) -> str:
    newest = await application.store.trajectories.newest(library)
    if newest is None:
        raise UnknownTrajectory(f"Nothing is stored yet in {library.name}: name another library with --library.")
    return newest.id
