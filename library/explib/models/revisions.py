"""Changes of a library: operations as they are proposed, decided on, refused, and committed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from explib.models.experiences import Experience, ExperienceStatus
from explib.models.learning import Cost

OperationKind: TypeAlias = Literal["ADD", "MODIFY", "MERGE", "DELETE", "KEEP"]
Stance: TypeAlias = Literal["for", "against"]
ReviewState: TypeAlias = Literal["waiting", "approved", "rejected"]
LEARNER = "learner"
"""The author of what the learner commits."""


@dataclass(frozen=True, slots=True)
class Citation:
    """One attempt that an operation rests on: `for` did as the lesson says (or won by it), `against` did not."""

    trajectory_id: str
    stance: Stance
    followed: bool = False
    """It is known to have done as the lesson says: with the stance `for` it did so and won."""


@dataclass(frozen=True, slots=True)
class Operation:
    """A change proposed for a library, with its reason and its evidence.

    ADD has content and no target. MODIFY has a target and content. DELETE and KEEP have a target only.
    MERGE has a target (which survives with the new content) and the other ids in `merged`, which retire.
    """

    kind: OperationKind
    reason: str
    content: str | None = None
    target: str | None = None
    merged: tuple[str, ...] = ()
    citations: tuple[Citation, ...] = ()
    status: ExperienceStatus | None = None
    """Status from now on; None: a candidate where the text is new, else as it was."""
    note: str = ""
    pins: bool | None = None
    """Whether a person wrote or approved this, so that only people change or retire it; None: as it was."""
    decision_id: str | None = None
    """The decision that the text is about, where it has one."""
    option: str | None = None
    """Letter of that decision's option which the text recommends."""
    speaks_for_itself: bool = False
    """It rests on what happened inside the cited attempts, e.g. a failure and its cure, not on their rewards."""
    restores: int | None = None
    """For MODIFY: the revision after which the target stood as it is put back; its citations are then all of them."""
    waits: str = ""
    """Why a person must decide on it, also in a library without review; empty: nothing speaks for that."""
    said: str = ""
    """What a person said in the cited attempts that asks for this, word for word; not kept."""
    releases: tuple[str, ...] = ()
    """Ids of waiting proposals that said the same before enough attempts bore it out."""

    @property
    def named(self) -> tuple[str, ...]:
        """Ids of the experiences that it names: its target, then those merged into it."""
        return tuple(filter(None, (self.target, *self.merged)))

    @property
    def winners(self) -> tuple[str, ...]:
        """Ids of the cited attempts that did as the lesson says and won."""
        return tuple(cited.trajectory_id for cited in self.citations if cited.followed and cited.stance == "for")

    @property
    def others(self) -> tuple[str, ...]:
        """Ids of the cited attempts that show the same by having done otherwise."""
        return tuple(cited.trajectory_id for cited in self.citations if not cited.followed and cited.stance == "for")


@dataclass(frozen=True, slots=True)
class Refusal:
    """An operation that was not applied, and why."""

    operation: Operation
    reason: str


@dataclass(frozen=True, slots=True)
class Change:
    """One applied operation with the experiences before and after it."""

    operation: Operation
    before: tuple[Experience, ...]
    after: tuple[Experience, ...]


@dataclass(frozen=True, slots=True)
class Revision:
    """One committed change of a library."""

    number: int
    cause: str
    author: str
    changes: tuple[Change, ...]
    refusals: tuple[Refusal, ...]
    groups: tuple[str, ...]
    cost: Cost
    created_at: float
    settings: str = ""
    """What it changed of the library's settings, e.g. `max_words 32 → 40`; it changed no experience then."""


@dataclass(frozen=True, slots=True)
class ProposedOperation:
    """An operation that waits for a person's decision, or what became of it. The id is stable inside its library."""

    id: str
    operation: Operation
    before: tuple[Experience, ...]
    """The experiences that it names, as they were when it was proposed."""
    analyst: str
    model: str | None
    state: ReviewState
    created_at: float
    decided_by: str | None = None
    reason: str = ""
    """Why a person decided so."""
    revision: int | None = None
    """The revision of the decision."""
    decided_at: float | None = None
