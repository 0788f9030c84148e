"""Attempts at tasks: a trajectory, its steps, and the two together."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from explib.models.json_value import Json

Role: TypeAlias = Literal["system", "user", "assistant", "tool"]
RewardSource: TypeAlias = Literal["environment", "person", "test", "agent", "judge", "inferred"]
REWARD_WEIGHTS: Mapping[RewardSource, float] = {
    "environment": 1.0,
    "person": 1.0,
    "test": 0.8,
    "agent": 0.5,
    "judge": 0.5,
    "inferred": 0.3,
}
"""Trust in who says a reward, 0 to 1, where a library sets no other."""


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


TOKEN_SUBMITTER = "token "  # noqa: S105 no secret
"""The beginning of a submitter's name that is an access token's: its id follows."""


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
    reward_source: RewardSource | None = None
    """Who says the reward; None where there is none yet."""
    signed_by: str | None = None
    """Id of the key that signed the reward."""
    submitter: str | None = None
    """The access token that made it (see `TOKEN_SUBMITTER`); without one, this machine's user."""
    idempotency_key: str | None = None
    """The key under which it was submitted or imported, as it was given."""


COMPARISONS: Mapping[str, Callable[[Any, Any], Any]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
}
"""What a condition on rewards may ask, of numbers and of columns."""


@dataclass(frozen=True, slots=True)
class AttemptFilter:
    """Which attempts of a library: those that meet every condition that is set."""

    ids: tuple[str, ...] = ()
    group: str | None = None
    """A group's id, its key, or its task."""
    reward: tuple[str, float] | None = None
    """A sign of COMPARISONS and a number."""
    ungraded: bool = False
    agent: str | None = None
    model: str | None = None
    key: str | None = None
    """How the key begins under which it was submitted or imported."""
    since: float | None = None
    """When it was stored at the earliest."""


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
