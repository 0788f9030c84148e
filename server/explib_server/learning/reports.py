"""What learning did, in lines for a terminal, a log and a tool's answer."""

from __future__ import annotations

from collections.abc import Iterable

from explib.models.learning import Lease
from explib.models.libraries import LibraryOverview
from explib.models.revisions import Change
from explib_learner.analyst import Analysis
from explib_learner.pipeline import Run
from explib_server.bounding import commonest
from explib_server.pages import proposal_line

MOST_LINES = 60
"""Of one answer."""


def run_text(run: Run) -> str:
    """What one run did, a line for each operation, refusal and failure."""
    head = f"{run.library}: {run.learned} groups, " + (
        f"revision {run.revision}" if run.revision is not None else _unchanged(run)
    )
    cost = f" ({run.cost.calls} model calls, {run.cost.tokens:,} tokens)" if run.cost.calls else ""
    lines = [head + cost, *([f"  {run.note}"] if run.note else [])]
    lines += [_change_line(change) for change in run.changes]
    lines += [f"  waits for review {proposal_line(each)}" for each in run.waiting]
    lines += [f"  refused {each.operation.kind}: {each.reason}" for each in run.refusals]
    lines += [f"  not learned {each.group_id}: {each.reason}" for each in run.failures]
    return "\n".join(lines)


def _unchanged(run: Run) -> str:
    return "nothing to change before review" if run.waiting else "nothing to change"


def run_lines(runs: Iterable[Run]) -> list[str]:
    """What several runs did, at most MOST_LINES."""
    lines = [line for run in runs for line in run_text(run).splitlines()]
    more = len(lines) - MOST_LINES
    return lines if more <= 0 else [*lines[:MOST_LINES], f"and {more} lines more: see the library's history"]


def summary_text(overview: LibraryOverview, runs: Iterable[Run], holder: Lease | None) -> str:
    """Where the library stands after the runs, and who is at it."""
    counts = f"{sum(run.learned for run in runs)} groups learned, {overview.groups.get('waiting', 0)} waiting"
    lines = [f"{overview.library.name}: {counts}, revision {overview.library.revision}"]
    lines += [f"  {count} × {reason}" for reason, count in commonest(overview.reasons).items()]
    if holder is not None:
        lines.append(f"  being learned by another process now: {holder.holder}")
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
