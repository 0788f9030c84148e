"""Practice as it is kept in the database: its runs, and the rollouts that several machines make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from explib.models.json_value import Json


@dataclass(frozen=True, slots=True)
class PracticeRun:
    """One practice of a set of tasks."""

    id: str
    library_id: int
    engine: Mapping[str, Json]
    """How its rollouts are made, for whoever takes some of them."""
    summary: Mapping[str, Json]
    """What came of it when it was last ended; empty before."""
    started_at: float
    ended_at: float | None
    """None: it goes on, or its process was killed."""


@dataclass(frozen=True, slots=True)
class SharedRollout:
    """A rollout that any machine may make."""

    key: str
    rollout: Mapping[str, Json]
    holder: str
    """Who makes it, or made it; empty: nobody."""
    outcome: Mapping[str, Json] | None
    """What came of it, as the maker says."""
