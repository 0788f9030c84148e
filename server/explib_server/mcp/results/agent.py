"""Answers of the agent tools: the output schemas of MCP."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import BaseModel, ConfigDict, JsonValue, WithJsonSchema

from explib.models.groups import GroupState
from explib.models.submissions import Receipt


def _undescribed(schema: dict[str, JsonValue]) -> None:
    schema.pop("description", None)


class Answer(BaseModel):
    """A tool's answer. Its docstring is for us: agents pay for every word of a schema."""

    model_config = ConfigDict(json_schema_extra=_undescribed)


class Noted(Answer):
    """An answer that may say more than its fields, e.g. what to do next."""

    note: str = ""
    """Left out where there is nothing to say."""


class Stored(Answer):
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
            reason="; ".join(filter(None, (receipt.group.reason, receipt.note))),
            redactions=receipt.redactions,
        )


Counts: TypeAlias = Annotated[dict[str, int], WithJsonSchema({"type": "object"})]
"""Numbers by name: said without the type of each number, which agents would read seven times."""


class LibraryStatus(Answer):
    """Where a library stands."""

    library: str
    revision: int
    experiences: Counts
    trajectories: int
    graded: int
    groups: Counts
    decisions: Counts
    waits_for: str
    reasons: Counts
    refused_operations: int
    votes: Counts
    """Up and down votes on the current versions, and how many of those voters rejected or back."""
    learner: str
    """The analyst, the model where there is one, and who is learning now."""
    tokens_today: int | None
    """By all libraries together: null for who doesn't reach them all."""
    tokens_per_day: int | None
    uplift: str
    evidence: Counts
    """The evidence label of served experiences → the number that have it."""
    revisions_tried: Counts
