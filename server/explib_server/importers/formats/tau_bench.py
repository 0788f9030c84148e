"""Results of τ-bench: a list of `{task_id, trial, reward, info: {task: {instruction, actions, outputs}}, traj}`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from explib.errors import InvalidInput
from explib_server.importers.drafts import digest
from explib_server.importers.paths import as_field, lookup, text_at
from explib_server.importers.per_document import Document, PerDocument
from explib_server.importers.records import Draft
from explib_server.importers.sources import Source

_RUN = re.compile(r"(?:tool-calling|act|react|few-shot)-(.+)-[\d.]+_range_")
_PUBLISHED = re.compile(r"(.+)-(?:airline|retail)\.jsonl?")


def _is_mine(document: Document, source: Source) -> bool:
    return "traj" in document and "task_id" in document


def _drafts(document: Document, position: str, source: Source) -> Iterator[Draft]:
    """One trial. The task is what the simulated user was told to ask for; only the file's name tells the model."""
    task, problem = text_at(document, "info.task.instruction"), text_at(document, "info.error")
    if not isinstance(document.get("traj"), list) or not document["traj"]:
        raise InvalidInput(f"There is no traj: this trial ended before its first message ({problem or 'no error'}).")
    if task is None:
        raise InvalidInput("There is no info.task.instruction: that is where τ-bench keeps the task.")
    goal = {name: lookup(document, f"info.task.{name}") for name in ("actions", "outputs")}
    yield Draft(
        trajectory=document["traj"],
        position=position,
        document=document,
        task=task,
        ground_truth=as_field(goal) if any(goal.values()) else None,
        model=_model(source.path.name),
        group=f"tau-bench:{document['task_id']}:{digest(task)}",
        names=(str(document["task_id"]),),
    )


def _model(name: str) -> str | None:
    """The model in the name of a file, as `run.py` and the published results give it."""
    named = _RUN.match(name) or _PUBLISHED.fullmatch(name)
    return named[1] if named else None


FORMAT = PerDocument("tau-bench", _is_mine, _drafts)
