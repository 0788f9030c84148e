"""Runs of practice in a library's history: what each was, and what came of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from explib.models.json_value import Json
from explib.models.practice import PracticeRun
from explib_server.render.times import when


def practice_line(run: PracticeRun) -> str:
    """One run in a line: the revisions since it began, Mean@k before and after, the proof, and what it cost."""
    head = f"run {run.id}  {when(run.started_at)}  practice"
    return "  ".join((head, *_found(dict(run.summary)))) if run.summary else f"{head}  not ended"


def _found(summary: dict[str, Json]) -> Iterator[str]:
    revisions = _items(summary, "revisions")
    if revisions:
        yield f"revisions {revisions[0]} to {revisions[-1]}" if len(revisions) > 1 else f"revision {revisions[0]}"
    means = [_at(batch, "mean") for batch in _items(summary, "batches")]
    seen = [f"{mean:.3f}" for mean in means if isinstance(mean, float)]
    if seen:
        yield f"Mean@{summary.get('rollouts')} {' → '.join(dict.fromkeys((seen[0], seen[-1])))}"
    without, served = _at(summary, "proof", "without", "mean"), _at(summary, "proof", "with", "mean")
    if isinstance(without, float) and isinstance(served, float):
        yield f"held out {without:.3f} → {served:.3f} ({_at(summary, 'proof', 'verdict')})"
    tokens, usd = _at(summary, "cost", "tokens"), _at(summary, "cost", "usd")
    if isinstance(tokens, int):
        yield f"{tokens:,} tokens" + (f", ${usd:.2f}" if isinstance(usd, float) and usd else "")
    if summary.get("finished") is False:
        yield "not finished"


def _at(value: Json, *path: str) -> Json:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _items(summary: dict[str, Json], name: str) -> Sequence[Json]:
    found = summary.get(name)
    return found if isinstance(found, list) else []
