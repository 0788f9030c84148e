"""What one commit brings to a library, and what it did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from explib.models.decisions import NO_NEWS, CodebookUpdate
from explib.models.groups import Group
from explib.models.learning import Cost, Lease
from explib.models.libraries import Library
from explib.models.retrievals import Trial
from explib.models.revisions import Change, Operation, ProposedOperation, Refusal


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
    """What a commit did. `revision` is None where nothing changed (the groups are learned all the same)."""

    revision: int | None
    changes: tuple[Change, ...]
    refusals: tuple[Refusal, ...]
    waiting: tuple[ProposedOperation, ...] = ()
    """What waits for a person's decision from now on."""
