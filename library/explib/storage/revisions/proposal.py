"""The input of one commit, its result, and the row of the revision that it makes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from explib.models.decisions import NO_NEWS, CodebookUpdate
from explib.models.groups import Group
from explib.models.learning import Cost, Lease
from explib.models.libraries import Library
from explib.models.retrievals import Trial
from explib.models.revisions import LEARNER, Change, Operation, ProposedOperation, Refusal, Revision
from explib.storage.database import Database
from explib.storage.tables.libraries import libraries
from explib.storage.tables.revisions import revisions

AUTOMATIC = frozenset({LEARNER, "evidence", "votes"})
"""Authors that are no persons: what a person pinned is not theirs to change."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """Everything that one commit brings: made against `library.revision`, which must still be the newest."""

    library: Library
    cause: str
    author: str
    analyst: str
    operations: tuple[Operation, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    learned: tuple[Group, ...] = ()
    codebook: CodebookUpdate = NO_NEWS
    """Decisions, codes and verdicts of the run."""
    cost: Cost = Cost()
    model: str | None = None
    lease: Lease | None = None
    read: Mapping[str, int] | None = None
    """Experience id → `updated_revision` as the proposer read it: what changed since then is not overwritten."""
    reviewed: bool = False
    """A person decided this, or it only moves what a person decided before: it doesn't wait where there is review."""
    waits: bool = False
    """Its operations wait for a person, also in a library without review."""
    strict: bool = False
    """All of it or nothing: an operation that the library cannot take raises OperationRefused."""
    continues: Mapping[str, int] = field(default_factory=dict)
    """Experience id → the version whose text comes back: its evidence goes on with it."""
    ends: Trial | None = None
    """The trial that this commit ends, as it ends."""
    decides: ProposedOperation | None = None
    """The waiting proposal that this commit approves (by its operations) or rejects (having none)."""


@dataclass(frozen=True, slots=True)
class Committed:
    """The result of a commit. `revision` is None where nothing changed (the groups are learned all the same)."""

    revision: int | None
    changes: tuple[Change, ...]
    refusals: tuple[Refusal, ...]
    waiting: tuple[ProposedOperation, ...] = ()
    """Proposals that wait for a person's decision from now on."""


async def insert_revision(
    connection: AsyncConnection, database: Database, library_id: int, revision: Revision, **values: object
) -> None:
    """Inside a writing transaction that holds the library's row, which is at this revision then and has `values`."""
    await connection.execute(
        revisions.insert().values(
            library_id=library_id,
            number=revision.number,
            cause=revision.cause,
            author=revision.author,
            groups=list(revision.groups),
            calls=revision.cost.calls,
            prompt_tokens=revision.cost.prompt_tokens,
            completion_tokens=revision.cost.completion_tokens,
            created_at=revision.created_at,
            settings=revision.settings,
        )
    )
    await connection.execute(
        update(libraries).where(libraries.c.id == library_id).values(revision=revision.number, **values)
    )
    await database.dialect.announce(connection)
