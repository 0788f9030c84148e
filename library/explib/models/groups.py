"""The trajectories of one task together, and where they stand in learning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from explib.models.trajectories import Attempt

GroupState: TypeAlias = Literal["waiting", "ready", "learned", "dead"]
RETRIED = "to be tried again: "
"""Begins the reason of a ready group whose last try failed."""


@dataclass(frozen=True, slots=True)
class Group:
    """The trajectories of one library for one task, and where they stand in learning."""

    id: str
    key: str
    task: str
    state: GroupState
    reason: str
    size: int
    graded: int
    graded_version: int
    """Grows with every reward given or corrected: the *state* of the group, learned at most once each."""
    tries: int = 0
    not_before: float = 0.0


@dataclass(frozen=True, slots=True)
class GroupAttempts:
    """A group with its attempts whose steps are kept, oldest first."""

    group: Group
    attempts: tuple[Attempt, ...]

    @property
    def graded(self) -> tuple[Attempt, ...]:
        """The attempts that have a reward."""
        return tuple(attempt for attempt in self.attempts if attempt.trajectory.reward is not None)


@dataclass(frozen=True, slots=True)
class Postponement:
    """Why a claimed group was not learned, and when it is tried again."""

    group: Group
    reason: str
    wait: float
    """Seconds until the next try."""
    counts: bool = True
    """False takes back the try that was counted at the claim."""
    dead: bool = False
    """True: it is not tried again by itself."""
