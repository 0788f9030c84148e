"""`explib learn`: the learner by itself, without a server."""

from __future__ import annotations

from typing import Annotated

import typer

from explib.models import Change, Library
from explib_learner.analyst import Analysis
from explib_learner.pipeline import Run
from explib_learner.worker import lease_name
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
    if once + watch + dry_run > 1:
        raise typer.BadParameter("--once, --watch and --dry-run exclude each other")
    if dry_run and retry_dead:
        raise typer.BadParameter("--dry-run changes nothing, and --retry-dead would")

    async def work(runtime: Runtime) -> int:
        chosen = [await runtime.library(library)] if library else await runtime.store.libraries.all()
        if retry_dead:
            revived = [await runtime.store.groups.retry_dead(each) for each in chosen]
            say(f"{sum(revived)} dead groups are ready again")
        if dry_run:
            for each in chosen:
                say(f"{each.name}: {preview_text(await (await runtime.pipeline()).preview(each))}")
            return 0
        worker = await runtime.worker(_print)
        if watch:
            await worker.watch(library)
        runs = await worker.learn_ready(library)
        for each in chosen:
            say(await _summary(runtime, each, [run for run in runs if run.library == each.name]))
        return sum(len(run.failures) for run in runs)

    if run(work):
        raise typer.Exit(1)


async def _summary(runtime: Runtime, library: Library, runs: list[Run]) -> str:
    overview = await runtime.store.libraries.overview(library)
    counts = f"{sum(run.learned for run in runs)} groups learned, {overview.groups.get('waiting', 0)} waiting"
    lines = [f"{library.name}: {counts}, revision {overview.library.revision}"]
    lines += [f"  {count} × {reason}" for reason, count in sorted(overview.reasons.items(), key=lambda item: -item[1])]
    holder = await runtime.store.leases.holder(lease_name(library))
    if holder is not None:
        lines.append(f"  being learned by another process now: {holder.holder}")
    return "\n".join(lines)


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
