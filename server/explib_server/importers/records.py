"""What an importer yields, and the questions that every format asks of a document.

A *document* is one JSON value of a file: a line of JSONL, an element of a JSON list, or a whole JSON object.
"""

from __future__ import annotations

import hashlib
import json
import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from explib.errors import InvalidInput
from explib.text.words import storable
from explib.trajectories.parser import parse_trajectory


@dataclass(frozen=True, slots=True)
class FieldNames:
    """Where a document keeps its reward, group and task; `a.b` reaches into objects."""

    reward_field: str = "reward"
    group_by: str = "group"
    task_field: str = "task"


@dataclass(frozen=True, slots=True)
class Record:
    """One attempt out of a log: the fields of `submit_trajectory`, with the trajectory still as it was found."""

    task: str
    trajectory: object
    position: str
    """`file:line` of JSONL, `file/index` of a JSON list, else the file's name."""
    reward: float | None = None
    answer: str | None = None
    ground_truth: str | None = None
    feedback: str | None = None
    retrieval_id: str | None = None
    group: str | None = None
    library: str | None = None
    agent: str | None = None
    model: str | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class BadRecord:
    """A document that could not be read; it does not stop the others."""

    position: str
    reason: str


class Format(Protocol):
    """One kind of log."""

    @property
    def name(self) -> str:
        """The name that `--format` takes."""

    def recognises(self, document: object) -> bool:
        """Whether a document is surely of this format; cheap."""

    def record(self, document: object, position: str, fields: FieldNames) -> Record:
        """The attempt that a document holds. Raises InvalidInput saying what is wrong with it."""


def lookup(document: Mapping[str, object], path: str) -> object:
    """The value of a field, or of a path `a.b` through objects; None where there is none."""
    if path in document:
        return document[path]
    value: object = document
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def mapping(value: object, name: str) -> Mapping[str, object]:
    """The value as an object; raises InvalidInput naming it."""
    if not isinstance(value, Mapping):
        raise InvalidInput(f"{name} is {type(value).__name__} where an object is needed.")
    return value


def text(document: Mapping[str, object], path: str) -> str | None:
    """A field as text: text as it is, a number or nested value as JSON, None where it is missing or empty."""
    value = lookup(document, path)
    if value is None or value == "":
        return None
    return storable(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True))


def reward(document: Mapping[str, object], fields: FieldNames) -> float | None:
    """The reward, a boolean being 1 or 0; raises InvalidInput for what is no finite number."""
    value = lookup(document, fields.reward_field)
    if value is None:
        return None
    if isinstance(value, int | float):
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if math.isfinite(number):
            return number
    raise InvalidInput(f"{fields.reward_field} is {str(value)[:40]!r}: a reward is a finite number, or is left out.")


def content_key(*parts: object) -> str:
    """A key that the same content always has: named parts as they are, the last one as the hash of its JSON."""
    content = json.dumps(parts[-1], ensure_ascii=True, sort_keys=True).encode()
    return ":".join([*(str(part)[:80] for part in parts[:-1]), hashlib.sha256(content).hexdigest()[:32]])


def attempt_key(name: str, document: Mapping[str, object], fields: FieldNames) -> str:
    """The key of an attempt by its content without its grade: a log that was graded again is no new attempt."""
    grade = {fields.reward_field.split(".")[0], "feedback"}
    return content_key(name, {field: value for field, value in document.items() if field not in grade})


def is_conversation(messages: object) -> bool:
    """Whether a value is a list of messages with roles."""
    return (
        isinstance(messages, list) and bool(messages) and all(isinstance(m, Mapping) and "role" in m for m in messages)
    )


def chat_record(name: str, document: object, position: str, fields: FieldNames) -> Record:
    """The attempt in `{messages, system?, task?, reward?, …}` or in a bare list of messages.

    The task is the task field, else the first thing that the user says.
    """
    body = {"messages": document} if isinstance(document, list) else mapping(document, "The document")
    messages = body.get("messages")
    if not is_conversation(messages):
        raise InvalidInput("`messages` is not a list of messages: pass objects with role and content.")
    trajectory = {"system": body["system"], "messages": messages} if body.get("system") else messages
    task = text(body, fields.task_field)
    if task is None:
        steps = parse_trajectory(messages, sys.maxsize)
        task = next((step.text for step in steps if step.role == "user" and step.text.strip()), None)
    if task is None:
        raise InvalidInput(f"There is no {fields.task_field} and no user message: name the field with --task-field.")
    return Record(
        task=task,
        trajectory=trajectory,
        position=position,
        reward=reward(body, fields),
        answer=text(body, "answer"),
        ground_truth=text(body, "ground_truth"),
        feedback=text(body, "feedback"),
        group=text(body, fields.group_by),
        agent=text(body, "agent"),
        model=text(body, "model"),
        idempotency_key=text(body, "idempotency_key") or attempt_key(name, body, fields),
    )
