"""The lines between the loop and the process that runs Inspect: one JSON object each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from explib.models.json_value import Json
from explib_server.practice.tasks import Kind, PracticeTask


@dataclass(frozen=True, slots=True)
class EngineSpec:
    """How rollouts are made and graded: the first line to the engine."""

    kind: Kind
    what: str
    scorer: str | None = None
    """A scorer's name, with its file or command behind a space."""
    agent: str | None = None
    grade: str | None = None
    model: str | None = None
    temperature: float | None = None
    concurrency: int = 10
    timeout: float = 600.0
    """Seconds of one rollout."""
    lowest: float = 0.0
    highest: float = 1.0
    """Of the library's rewards."""
    held_out: str | None = None
    """Another Inspect task, whose samples are held out."""
    solver: str | None = None
    """One of ours, with its options behind a space."""
    judge: str | None = None
    """The model that judges by a rubric, where it is not the one that attempts."""

    def fields(self) -> dict[str, Json]:
        """As it is kept."""
        return asdict(self)

    def line(self) -> str:
        """As it is sent."""
        return json.dumps(self.fields())

    @classmethod
    def read(cls, line: str) -> EngineSpec:
        """As it was sent."""
        return cls(**json.loads(line))


@dataclass(frozen=True, slots=True)
class Rollout:
    """One attempt that is to be made: which, at what, and with which lessons."""

    key: str
    task: PracticeTask
    lessons: str = ""
    """As they stand in the prompt; empty: none."""
    retrieval_id: str | None = None
    revision: int = 0
    """Of the library, as the lessons stand in it."""


@dataclass(frozen=True, slots=True)
class Finished:
    """One finished rollout: what was said and done, and its reward, if there is one."""

    key: str
    task_id: str
    messages: list[Json]
    answer: str = ""
    reward: float | None = None
    note: str = ""
    """Why there is no reward, or what the scorer said."""
    model: str = ""
    tokens_in: int = 0
    tokens_out: int = 0
    usd: float | None = None
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Broken:
    """A rollout that came to no end: it is no attempt, has no reward, and may be made again."""

    key: str
    reason: str


def batch_line(folder: str, rollouts: list[Rollout]) -> str:
    """A batch as it is sent, with the folder of its run."""
    return json.dumps({"folder": folder, "rollouts": [asdict(rollout) for rollout in rollouts]})


def read_rollouts(values: list[Mapping[str, object]]) -> list[Rollout]:
    """A batch as it was sent."""
    return [Rollout(**{**value, "task": read_task(value["task"])}) for value in values]  # type: ignore[arg-type]


def read_task(value: object) -> PracticeTask:
    """A task as it was sent."""
    fields = dict(value) if isinstance(value, Mapping) else {}
    return PracticeTask(**{**fields, "tools": tuple(fields.get("tools", ()))})


STOP = json.dumps({"stop": True})
"""No further rollout of the batch is begun."""


@dataclass(frozen=True, slots=True)
class Event:
    """One line from the engine."""

    name: str
    tasks: list[PracticeTask] = field(default_factory=list)
    held_out: list[PracticeTask] = field(default_factory=list)
    finished: Finished | None = None
    broken: Broken | None = None
    reason: str = ""


def read_event(line: str) -> Event:
    """A line of the engine."""
    value = json.loads(line)
    name = value.pop("event")
    match name:
        case "ready":
            return Event(name, list(map(read_task, value["tasks"])), list(map(read_task, value["held_out"])))
        case "finished":
            return Event(name, finished=Finished(**value))
        case "broken":
            return Event(name, broken=Broken(**value))
        case _:
            return Event(name, reason=value.get("reason", ""))
