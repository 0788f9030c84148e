"""What can be learned at once from sessions that were imported: the first lessons, or what is missing."""

from __future__ import annotations

from collections.abc import Iterable

from explib.text.words import number_of
from explib_learner.pipeline import Run
from explib_server.application import Application
from explib_server.cli.run import say
from explib_server.render.learning import run_text

BY_AGENT = "Lessons come when your agent learns: give it the prompt `learn` (its tools: explib serve --tools learn)."


async def learn_from_import(application: Application, libraries: Iterable[str]) -> None:
    """Learn once in each library that was imported into, and say what came of it."""
    if application.settings.chosen_analyst() == "agent":
        say(BY_AGENT)
        return
    worker = await application.learning.worker(_quietly)
    for name in libraries:
        runs = await worker.learn_ready(name)
        for run in runs:
            if run.changes or run.waiting or run.failures:
                say(run_text(run))
        if not any(run.changes or run.waiting for run in runs):
            say(await _missing(application, name))


async def _quietly(_run: Run) -> None:
    """Runs are told together."""


async def _missing(application: Application, name: str) -> str:
    overview = await application.store.libraries.overview(await application.store.libraries.get(name))
    known = f"{number_of(overview.trajectories, 'attempt')}, {overview.graded:,} graded"
    if overview.experiences.get("active") or overview.experiences.get("candidate"):
        return f"{name}: nothing new ({known})"
    why = "none of them is graded" if not overview.graded else "nothing in them explains yet why some went better"
    return (
        f"{name}: no lesson yet ({known}): {why}. Work on: tests that run, and what you say next, grade each turn; "
        "`explib reward last good|bad` says it outright."
    )
