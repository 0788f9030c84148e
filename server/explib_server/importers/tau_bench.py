"""Results of tau-bench: a list of `{task_id, trial, reward, info: {task: {instruction, actions, outputs}}, traj}`."""

from __future__ import annotations

import json
from dataclasses import dataclass

from explib.errors import InvalidInput
from explib.text.words import storable
from explib_server.importers.records import FieldNames, Record, content_key, lookup, mapping, reward, text

_INSTRUCTION = "info.task.instruction"


@dataclass(frozen=True, slots=True)
class TauBench:
    """Reads tau-bench results. The task is what the simulated user was told to ask for; no model is recorded there."""

    name: str = "tau-bench"

    def recognises(self, document: object) -> bool:
        """Whether it has a `traj` and a `task_id`."""
        return isinstance(document, dict) and "traj" in document and "task_id" in document

    def record(self, document: object, position: str, fields: FieldNames) -> Record:
        """The attempt of one trial; trials of one task meet in one group, also across files."""
        body = mapping(document, "The document")
        task = text(body, _INSTRUCTION if fields.task_field == "task" else fields.task_field)
        if task is None:
            raise InvalidInput(f"There is no {_INSTRUCTION}: that is where tau-bench keeps the task.")
        if not isinstance(body.get("traj"), list) or not body["traj"]:
            raise InvalidInput("There is no traj: this trial ended before its first message.")
        goal = {name: lookup(body, f"info.task.{name}") for name in ("actions", "outputs")}
        group = text(body, fields.group_by)
        number, trial = body.get("task_id"), body.get("trial")
        return Record(
            task=task,
            trajectory=body["traj"],
            position=position,
            reward=reward(body, fields),
            ground_truth=storable(json.dumps(goal, ensure_ascii=False)) if any(goal.values()) else None,
            group=group or content_key("tau-bench", number, task),
            idempotency_key=content_key("tau-bench", number, trial, body["traj"]),
        )
