"""Answers of the curator tools: their output schemas."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, JsonValue

from explib.models.experiences import Experience
from explib.models.libraries import Library
from explib.models.revisions import OperationKind, ProposedOperation, Revision
from explib.storage.revisions.proposal import Committed
from explib_server.mcp.results.agent import Answer, Noted
from explib_server.render.bounds import clipped
from explib_server.render.times import when

SHOWN_CHANGES = 5
"""Of one revision, in a history."""


class ListedExperience(Answer):
    """One experience of a list."""

    id: str
    content: str
    status: str
    version: int
    pinned: bool
    """A person wrote or approved it: only a person retires it."""
    analyst: str
    attempts_for: int
    attempts_against: int
    groups: int
    updated_revision: int

    @classmethod
    def of(cls, experience: Experience) -> ListedExperience:
        """From an experience."""
        return cls(
            id=experience.id,
            content=experience.content,
            status=experience.status,
            version=experience.version,
            pinned=experience.pinned,
            analyst=experience.analyst,
            attempts_for=experience.support.supporting,
            attempts_against=experience.support.contradicting,
            groups=experience.support.groups,
            updated_revision=experience.updated_revision,
        )


class ListedProposal(Answer):
    """One proposal that waits for review."""

    id: str
    operation: OperationKind
    experiences: list[str]
    content: str | None
    reason: str
    attempts_for: int
    attempts_against: int

    @classmethod
    def of(cls, proposed: ProposedOperation) -> ListedProposal:
        """From a proposal."""
        stances = [cited.stance for cited in proposed.operation.citations]
        return cls(
            id=proposed.id,
            operation=proposed.operation.kind,
            experiences=[cited.id for cited in proposed.before],
            content=proposed.operation.content,
            reason=clipped(" ".join(filter(None, (proposed.operation.reason, proposed.operation.waits)))),
            attempts_for=stances.count("for"),
            attempts_against=stances.count("against"),
        )


class Listing(Answer):
    """A page of a library: what waits for review first, then its experiences."""

    library: str
    revision: int
    total: int
    proposals: list[ListedProposal]
    experiences: list[ListedExperience]
    next: Annotated[str | None, Field(description="Pass it as after for the next page; null: this is the last.")]


class Changed(Noted):
    """The result of a person's change; `revision` is null where there was nothing to change."""

    library: str
    revision: int | None
    id: str
    status: str
    pinned: bool
    version: int
    content: str

    @classmethod
    def of(cls, library: Library, committed: Committed, experience: Experience) -> Changed:
        """From the commit and the experience as it is then."""
        return cls(
            library=library.name,
            revision=committed.revision,
            id=experience.id,
            status=experience.status,
            pinned=experience.pinned,
            version=experience.version,
            content=experience.content,
            note="" if committed.revision is not None else "There was nothing to change.",
        )


class Reviewed(Answer):
    """The decision and the experiences that it changed."""

    library: str
    revision: int | None
    id: str
    decision: str
    changed: list[str]


class HistoryChange(Answer):
    """One operation of a revision, in short."""

    operation: OperationKind
    experiences: list[str]
    before: str | None
    after: str | None
    status: str
    reason: str


class HistoryEntry(Answer):
    """One revision."""

    revision: int
    at: str
    author: str
    cause: str
    settings: Annotated[str, Field(description="What of the library's settings was changed.")]
    changes: list[HistoryChange]
    left_out: Annotated[int, Field(description="Changes not shown: read experience://{library}/revisions/{n}.")]
    refused: int

    @classmethod
    def of(cls, revision: Revision) -> HistoryEntry:
        """From a revision, its first changes only."""
        shown = revision.changes[:SHOWN_CHANGES]
        return cls(
            revision=revision.number,
            at=when(revision.created_at),
            author=revision.author,
            cause=clipped(revision.cause),
            settings=clipped(revision.settings),
            changes=[
                HistoryChange(
                    operation=change.operation.kind,
                    experiences=[experience.id for experience in change.after],
                    before=change.before[0].content if change.before else None,
                    after=change.after[0].content,
                    status=change.after[0].status,
                    reason=clipped(change.operation.reason),
                )
                for change in shown
            ],
            left_out=len(revision.changes) - len(shown),
            refused=len(revision.refusals),
        )


class History(Answer):
    """A page of a library's revisions, newest first."""

    library: str
    revision: int
    revisions: list[HistoryEntry]
    next: Annotated[int | None, Field(description="Pass it as before for older ones; null: this is the first.")]


class Reverted(Answer):
    """The result of going back; `revision` is null where the library stood so already."""

    library: str
    revision: int | None
    reverted_to: int
    changed: list[str]
    experiences: int


class LibrarySummary(Answer):
    """One library."""

    name: str
    objective: str
    revision: int
    experiences: int
    review: bool


class LibraryList(Noted):
    """A page of the libraries."""

    libraries: list[LibrarySummary]
    next: Annotated[str | None, Field(description="Pass it as after for the next page; null: this is the last.")]


class LibrarySetUp(Answer):
    """A library and its settings."""

    name: str
    created: bool
    revision: int
    settings: dict[str, JsonValue]
