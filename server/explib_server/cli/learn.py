"""`explib learn`: the learner by itself, without a server."""

from __future__ import annotations

from typing import Annotated

import typer

from explib.models.libraries import Library
from explib.text.words import number_of
from explib_learner.pipeline import Run
from explib_learner.worker import lease_name
from explib_server.application import Application
from explib_server.cli.run import LibraryOption, run, say
from explib_server.projects.shared import propose_shared
from explib_server.render.learning import preview_text, run_text, summary_text


def learn(
    library: LibraryOption = None,
    once: Annotated[bool, typer.Option("--once", help="Learn what is ready, then stop (the default).")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Go on until stopped.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be proposed; change nothing.")] = False,
    release: Annotated[
        bool, typer.Option("--release", help="First end the leases of other learners, e.g. after a wrong clock.")
    ] = False,
    retry_dead: Annotated[bool, typer.Option("--retry-dead", help="First make dead groups ready again.")] = False,
) -> None:
    """Learn from the groups that are ready."""
    if once + watch + dry_run > 1:
        raise typer.BadParameter("--once, --watch and --dry-run exclude each other")
    if dry_run and (retry_dead or release):
        raise typer.BadParameter("--dry-run changes nothing, and --retry-dead or --release would")

    async def work(application: Application) -> int:
        targets = [await application.library(library)] if library else await application.store.libraries.all()
        if release:
            names = map(lease_name, targets)
            ended = [lease for name in names if (lease := await application.store.leases.take_away(name))]
            say("\n".join(f"released {lease.name}, held by {lease.holder}" for lease in ended) or "nothing was leased")
        if retry_dead:
            revived = [await application.store.groups.retry_dead(target) for target in targets]
            say(f"ready again: {number_of(sum(revived), 'dead group')}")
        if not targets and not watch:
            say("there are no libraries yet, so there is nothing to learn: the first submission makes one")
        if dry_run:
            for target in targets:
                say(f"{target.name}: {preview_text(await (await application.learning.pipeline()).preview(target))}")
            return 0
        worker = await application.learning.worker(_print)
        if watch:
            await worker.watch(library)
        runs = await worker.learn_ready(library)
        for target in targets:
            say(await _summary(application, target, [run for run in runs if run.library == target.name]))
        if shared := await propose_shared(application):
            say(f"proposed for {application.settings.library}, as they hold in several projects: {', '.join(shared)}")
        return sum(len(run.failures) for run in runs)

    if run(work, "existing" if dry_run else "create"):
        raise typer.Exit(1)


async def _summary(application: Application, library: Library, runs: list[Run]) -> str:
    overview = await application.store.libraries.overview(library)
    return summary_text(overview, runs, await application.store.leases.holder(lease_name(library)))


async def _print(run: Run) -> None:
    say(run_text(run))
