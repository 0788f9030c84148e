"""Answers of the agent tools: the output schemas of MCP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from pydantic import BaseModel, ConfigDict, JsonValue, WithJsonSchema

from explib.models.groups import GroupState
from explib.models.submissions import Receipt

if TYPE_CHECKING:
    from explib.evidence.interval import Interval
    from explib.retrieval.entry import Entry
    from explib.retrieval.retriever import Served


def _undescribed(schema: dict[str, JsonValue]) -> None:
    schema.pop("description", None)


class Answer(BaseModel):
    """A tool's answer. Its docstring is for us: agents pay for every word of a schema."""

    model_config = ConfigDict(json_schema_extra=_undescribed)


EXPERIENCES_SCHEMA: dict[str, JsonValue] = {
    "type": "array",
    "items": {"type": "object"},
    "description": "id, content, status, relevance of each; lift (mean, low, high) where measured",
}
"""Said in words: clients check every item against the schema, which for 30 of them takes longer than finding them."""


class Experiences(Answer):
    """The structured side of `get_experiences`; its text content is the prompt text."""

    retrieval_id: str
    library: str
    revision: int
    experiences: Annotated[list[dict[str, Any]], WithJsonSchema(EXPERIENCES_SCHEMA)]


def structured(library: str, served: Served) -> dict[str, Any]:
    """The served experiences as the fields of `Experiences`, ready to be sent."""
    return {
        "retrieval_id": served.retrieval.id,
        "library": library,
        "revision": served.retrieval.revision,
        "experiences": [_told(entry, relevance, served.lifts) for entry, relevance in served.experiences],
    }


def _told(entry: Entry, relevance: float, lifts: Mapping[str, Interval]) -> dict[str, Any]:
    """One experience; where it was measured, by how much it changes the expected reward, with the interval."""
    fields: dict[str, Any] = {
        "id": entry.id,
        "content": entry.content,
        "status": entry.status,
        "relevance": relevance,
    }
    if lift := lifts.get(entry.id):
        fields["lift"] = {"mean": round(lift.mean, 3), "low": round(lift.low, 3), "high": round(lift.high, 3)}
    return fields


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
