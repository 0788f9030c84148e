"""Results of learning, in lines for a terminal, a log and a tool's answer."""

from __future__ import annotations

from collections.abc import Iterable

from explib.models.learning import Lease
from explib.models.libraries import LibraryOverview
from explib.models.revisions import Change
from explib.text.words import number_of
from explib_learner.analysis import Analysis
from explib_learner.pipeline import Run
from explib_server.render.bounds import commonest
from explib_server.render.pages import TO_DECIDE, proposal_line

MOST_LINES = 60
"""Of one answer."""


def run_text(run: Run) -> str:
    """The result of one run, a line for each operation, refusal and failure."""
    head = f"{run.library}: {number_of(run.learned, 'group')}, " + (
        f"revision {run.revision}" if run.revision is not None else _unchanged(run)
    )
    spent = f" ({number_of(run.cost.calls, 'model call')}, {number_of(run.cost.tokens, 'token')})"
    lines = [head + (spent if run.cost.calls else ""), *([f"  {run.note}"] if run.note else [])]
    lines += [_change_line(change) for change in run.changes]
    lines += [f"  waits for review {proposal_line(item)}" for item in run.waiting]
    lines += [f"  {TO_DECIDE}"] if run.waiting else []
    lines += [f"  refused {item.operation.kind}: {item.reason}" for item in run.refusals]
    lines += [f"  not learned {item.group_id}: {item.reason}" for item in run.failures]
    return "\n".join(lines)


def _unchanged(run: Run) -> str:
    return "nothing to change before review" if run.waiting else "nothing to change"


def run_lines(runs: Iterable[Run]) -> list[str]:
    """The results of several runs, at most MOST_LINES."""
    lines = [line for run in runs for line in run_text(run).splitlines()]
    if (more := len(lines) - MOST_LINES) <= 0:
        return lines
    return [*lines[:MOST_LINES], f"and {number_of(more, 'more line')}: see the library's history"]


def summary_text(overview: LibraryOverview, runs: Iterable[Run], holder: Lease | None) -> str:
    """Where the library stands after the runs, and who is at it."""
    counts = (
        f"{number_of(sum(run.learned for run in runs), 'group')} learned, {overview.groups.get('waiting', 0)} waiting"
    )
    lines = [f"{overview.library.name}: {counts}, revision {overview.library.revision}"]
    lines += [f"  {count} × {reason}" for reason, count in commonest(overview.reasons).items()]
    if holder is not None:
        lines.append(f"  being learned by another process now: {holder.holder}")
    return "\n".join(lines)


def preview_text(analysis: Analysis) -> str:
    """The operations that a run would propose."""
    lines = [f"would apply {number_of(len(analysis.operations), 'operation')}. {analysis.note}".rstrip()]
    lines += [f"  {item.kind} {item.target or ''} {item.content or ''}".rstrip() for item in analysis.operations]
    lines += [f"  refused {item.operation.kind}: {item.reason}" for item in analysis.refusals]
    lines += [f"  not learned {item.group_id}: {item.reason}" for item in analysis.failures]
    return "\n".join(lines)


def _change_line(change: Change) -> str:
    shown = change.after[0]
    return f"  {change.operation.kind} [{shown.id}] ({shown.status}) {shown.content}"
