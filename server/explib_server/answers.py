"""What the tools answer: the output schemas of MCP."""

from __future__ import annotations

from pydantic import BaseModel

from explib.models import GroupState, Receipt
from explib.retrieval.serving import Served


class ServedExperience(BaseModel):
    """One served experience."""

    id: str
    content: str
    status: str
    relevance: float


class Experiences(BaseModel):
    """The structured side of `get_experiences`; its text content is the prompt text."""

    retrieval_id: str
    library: str
    revision: int
    experiences: list[ServedExperience]

    @classmethod
    def of(cls, library: str, served: Served) -> Experiences:
        """From what was served."""
        return cls(
            retrieval_id=served.retrieval.id,
            library=library,
            revision=served.retrieval.revision,
            experiences=[
                ServedExperience(id=known.id, content=known.content, status=known.status, relevance=round(relevance, 4))
                for known, relevance in served.experiences
            ],
        )


class Stored(BaseModel):
    """A durable trajectory and where its group stands."""

    trajectory_id: str
    duplicate: bool
    group_id: str
    group_size: int
    group_state: GroupState
    reason: str
    redactions: int

    @classmethod
    def of(cls, receipt: Receipt) -> Stored:
        """From the store's receipt."""
        return cls(
            trajectory_id=receipt.trajectory_id,
            duplicate=receipt.duplicate,
            group_id=receipt.group.id,
            group_size=receipt.group.size,
            group_state=receipt.group.state,
            reason=receipt.group.reason,
            redactions=receipt.redactions,
        )


class LearnerStatus(BaseModel):
    """Who learns, and with what."""

    analyst: str
    model: str | None
    learning_now: str | None
    """The worker that holds the library's lease."""


class BudgetStatus(BaseModel):
    """Tokens of model calls since midnight UTC."""

    spent_today: int
    per_day: int | None


class LibraryStatus(BaseModel):
    """Where a library stands."""

    library: str
    revision: int
    objective: str
    experiences: dict[str, int]
    trajectories: int
    graded: int
    groups: dict[str, int]
    reasons: dict[str, int]
    refused_operations: int
    learner: LearnerStatus
    budget: BudgetStatus
    uplift: str
