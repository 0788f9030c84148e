"""Going back: how a library stood after a revision, and the operations that put it back so. Pure functions.

History is never rewritten: going back is a new revision, ids stay, and a text that comes back gets a new version.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from explib.history.apply import Citations
from explib.models.experiences import Experience
from explib.models.revisions import Change, Citation, Operation


@dataclass(frozen=True, slots=True)
class LibraryState:
    """A library after some revision: every experience, retired ones too, and the attempts that each rests on."""

    experiences: dict[str, Experience] = field(default_factory=dict)
    citations: Citations = field(default_factory=dict)

    def follow(self, changes: Iterable[Change]) -> None:
        """Take in the changes of later revisions, oldest first."""
        for change in changes:
            self.experiences.update({known.id: known for known in change.after})
            if change.operation.kind != "DELETE":
                self._cite(change)

    def _cite(self, change: Change) -> None:
        """A text that is new, or is put back, starts with the evidence of its own operation."""
        operation, after = change.operation, change.after[0]
        cited = self.citations.setdefault(after.id, {})
        is_new_text = bool(change.before) and change.before[0].content != after.content
        if operation.restores is not None or is_new_text:
            cited.clear()
        cited.update({each.trajectory_id: each.stance for each in operation.citations})

    def served(self, identity: str) -> Experience | None:
        """The experience, if there is one that is not retired."""
        known = self.experiences.get(identity)
        return known if known is not None and known.status != "retired" else None


def revert_operations(then: LibraryState, now: LibraryState, number: int) -> tuple[Operation, ...]:
    """What makes a library that stands as `now` stand as `then`, after revision `number`; nothing where it does.

    Retirements come first: they make the room that the others need.
    """
    gone = [identity for identity in now.experiences if now.served(identity) and not then.served(identity)]
    back = [identity for identity in then.experiences if then.served(identity) and not _same(identity, then, now)]
    retired = [Operation("DELETE", f"was not there after revision {number}", target=identity) for identity in gone]
    return (*retired, *(restore_operations(then, identity, number) for identity in back))


def restore_operations(then: LibraryState, identity: str, number: int) -> Operation:
    """The operation that puts one experience back as it stood after revision `number`: text, status and evidence."""
    known = then.experiences[identity]
    return Operation(
        "MODIFY",
        f"as it stood after revision {number}",
        content=known.content,
        target=identity,
        citations=tuple(Citation(name, stance) for name, stance in then.citations.get(identity, {}).items()),
        status=known.status,
        note=known.support.note,
        decision_id=known.decision_id,
        option=known.option,
        restores=number,
    )


def continued_ids(changes: Iterable[Operation], then: LibraryState) -> dict[str, int]:
    """Experience id → the version whose text comes back, for what `restore_operations` puts back."""
    return {
        each.target: then.experiences[each.target].version
        for each in changes
        if each.target is not None and each.restores is not None
    }


def _same(identity: str, then: LibraryState, now: LibraryState) -> bool:
    past, present = then.experiences[identity], now.experiences[identity]
    parts = [(known.content, known.status, known.support) for known in (past, present)]
    return parts[0] == parts[1] and then.citations.get(identity, {}) == now.citations.get(identity, {})
