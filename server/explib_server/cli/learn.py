"""`explib learn`: the learner by itself, without a server."""

from __future__ import annotations

from typing import Annotated

import typer

from explib.models import Change
from explib_learner.analyst import Analysis
from explib_learner.pipeline import Run
from explib_server.cli.running import LibraryOption, run, say
from explib_server.runtime import Runtime


def learn(
    library: LibraryOption = None,
    once: Annotated[bool, typer.Option("--once", help="Learn what is ready, then stop (the default).")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Go on until stopped.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be proposed; change nothing.")] = False,
    retry_dead: Annotated[bool, typer.Option("--retry-dead", help="First make dead groups ready again.")] = False,
) -> None:
    """Learn from the groups that are ready."""
    if once and watch:
        raise typer.BadParameter("--once and --watch exclude each other")

    async def work(runtime: Runtime) -> None:
        if retry_dead:
            revived = await runtime.store.groups.retry_dead(await runtime.library(library))
            say(f"{revived} dead groups are ready again")
        if dry_run:
            say(preview_text(await (await runtime.pipeline()).preview(await runtime.library(library))))
        elif watch:
            await (await runtime.worker(_print)).watch()
        else:
            await _learn_once(runtime, library)

    run(work)


async def _learn_once(runtime: Runtime, library: str | None) -> None:
    chosen = (await runtime.library(library)).name if library else None
    runs = await (await runtime.worker(_print)).learn_ready(chosen)
    learned, failed = sum(run.learned for run in runs), sum(len(run.failures) for run in runs)
    shown = await runtime.library(library)
    overview = await runtime.store.libraries.overview(shown)
    waiting = overview.groups.get("waiting", 0)
    say(
        f"{shown.name}: {learned} groups learned, {failed} not, {waiting} waiting, revision {overview.library.revision}"
    )
    for reason, count in sorted(overview.reasons.items(), key=lambda item: -item[1]):
        say(f"  {count} × {reason}")


async def _print(run: Run) -> None:
    say(run_text(run))


def run_text(run: Run) -> str:
    """What one run did, a line for each operation, refusal and failure."""
    head = f"{run.library}: {run.learned} groups, " + (
        f"revision {run.revision}" if run.revision is not None else "nothing to change"
    )
    cost = f" ({run.cost.calls} model calls, {run.cost.tokens:,} tokens)" if run.cost.calls else ""
    lines = [head + cost, *([f"  {run.note}"] if run.note else [])]
    lines += [_change_line(change) for change in run.changes]
    lines += [f"  refused {each.operation.kind}: {each.reason}" for each in run.refusals]
    lines += [f"  not learned {each.group_id}: {each.reason}" for each in run.failures]
    return "\n".join(lines)


def preview_text(analysis: Analysis) -> str:
    """What a run would propose."""
    lines = [f"would apply {len(analysis.operations)} operations. {analysis.note}".rstrip()]
    lines += [f"  {each.kind} {each.target or ''} {each.content or ''}".rstrip() for each in analysis.operations]
    lines += [f"  refused {each.operation.kind}: {each.reason}" for each in analysis.refusals]
    lines += [f"  not learned {each.group_id}: {each.reason}" for each in analysis.failures]
    return "\n".join(lines)


def _change_line(change: Change) -> str:
    shown = change.after[0]
    return f"  {change.operation.kind} [{shown.id}] ({shown.status}) {shown.content}"
