"""Our own form, one object a line with exactly the fields of `submit_trajectory`."""

from __future__ import annotations

from dataclasses import dataclass

from explib.errors import InvalidInput
from explib_server.importers.records import FieldNames, Record, attempt_key, mapping, reward, text

_TEXTS = (
    "answer", "ground_truth", "feedback", "retrieval_id", "group", "library", "agent", "model", "idempotency_key"
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ExplibLines:
    """Reads `{task, trajectory, reward?, …}`; a field that submit_trajectory does not have is refused."""

    name: str = "explib"

    def recognises(self, document: object) -> bool:
        """Whether it has a trajectory."""
        return isinstance(document, dict) and "trajectory" in document

    def record(self, document: object, position: str, fields: FieldNames) -> Record:
        """The attempt, field by field."""
        body = mapping(document, "The document")
        paths = {"group": fields.group_by}
        own = {fields.task_field, fields.reward_field, fields.group_by}
        known = {"task", "trajectory", "reward", *_TEXTS, *(path.split(".")[0] for path in own), *own}
        if unknown := sorted(body.keys() - known):
            raise InvalidInput(f"Unknown fields {', '.join(unknown)}: only those of submit_trajectory are read.")
        task, trajectory = text(body, fields.task_field), body.get("trajectory")
        if task is None or trajectory is None:
            missing = fields.task_field if task is None else "trajectory"
            raise InvalidInput(f"There is no {missing}: each line needs a task and a trajectory.")
        values = {name: text(body, paths.get(name, name)) for name in _TEXTS}
        values["idempotency_key"] = values["idempotency_key"] or attempt_key(self.name, body, fields)
        return Record(task=task, trajectory=trajectory, position=position, reward=reward(body, fields), **values)
