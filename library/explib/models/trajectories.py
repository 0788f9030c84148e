"""Attempts at tasks: a trajectory, its steps, and the two together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from explib.models.json_value import Json

Role: TypeAlias = Literal["system", "user", "assistant", "tool"]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call of a tool by the agent."""

    id: str
    name: str
    arguments: dict[str, Json]


@dataclass(frozen=True, slots=True)
class Step:
    """One message of a trajectory in the common form that every input shape is turned into."""

    role: Role
    text: str
    calls: tuple[ToolCall, ...] = ()
    answers_call: str | None = None
    """For a tool's result: the id of the call it answers, or its tool's name where no id was given."""
    is_error: bool = False


@dataclass(frozen=True, slots=True)
class Trajectory:
    """One finished attempt at a task, without its steps (those are stored apart: see Attempt)."""

    id: str
    group_id: str
    task: str
    reward: float | None
    answer: str | None = None
    ground_truth: str | None = None
    feedback: str | None = None
    retrieval_id: str | None = None
    agent: str | None = None
    model: str | None = None
    redactions: int = 0
    created_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Attempt:
    """A trajectory with its steps: what an analyst reads."""

    trajectory: Trajectory
    steps: tuple[Step, ...]

    @property
    def reward(self) -> float:
        """The reward of a graded attempt; raises ValueError for an ungraded one."""
        if self.trajectory.reward is None:
            raise ValueError(f"{self.trajectory.id} has no reward yet")
        return self.trajectory.reward
