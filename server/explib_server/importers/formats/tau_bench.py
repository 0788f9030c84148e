"""Results of τ-bench: a list of `{task_id, trial, reward, info: {task: {instruction, actions, outputs}}, traj}`."""

from __future__ import annotations

from collections.abc import Iterator

from explib.errors import InvalidInput
from explib_server.importers.drafts import digest
from explib_server.importers.paths import as_field, lookup, text_at
from explib_server.importers.per_document import Document, PerDocument
from explib_server.importers.records import Draft
from explib_server.importers.sources import Source


def _is_mine(document: Document, source: Source) -> bool:
    return "traj" in document and "task_id" in document


def _drafts(document: Document, position: str, source: Source) -> Iterator[Draft]:
    """One trial. The task is what the simulated user was told to ask for; no model is recorded there."""
    task = text_at(document, "info.task.instruction")
    if task is None:
        raise InvalidInput("There is no info.task.instruction: that is where τ-bench keeps the task.")
    if not isinstance(document.get("traj"), list) or not document["traj"]:
        raise InvalidInput("There is no traj: this trial ended before its first message.")
    goal = {name: lookup(document, f"info.task.{name}") for name in ("actions", "outputs")}
    yield Draft(
        trajectory=document["traj"],
        position=position,
        document=document,
        task=task,
        ground_truth=as_field(goal) if any(goal.values()) else None,
        group=f"tau-bench:{document['task_id']}:{digest(task)}",
        names=(str(document["task_id"]),),
    )


FORMAT = PerDocument("tau-bench", _is_mine, _drafts)
