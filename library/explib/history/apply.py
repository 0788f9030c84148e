"""From operations to changes: what a revision does to the experiences, as a pure function.

Nothing is turned into something else: an operation that no longer fits is refused, with the reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from explib.models.experiences import Experience, Support
from explib.models.revisions import Change, Operation, Refusal, Stance
from explib.text.words import number_of

Citations = dict[str, dict[str, Stance]]
"""Experience id → trajectory id → stance."""


@dataclass(slots=True)
class LibraryDraft:
    """A library in the middle of a revision."""

    revision: int
    next_number: int
    capacity: int
    analyst: str
    model: str | None
    experiences: dict[str, Experience]
    """At least those that an operation names, and those that say exactly what one adds."""
    citations: Citations
    """Of at least the experiences that an operation names."""
    groups_of: Mapping[str, str]
    """Trajectory id → group id, for every trajectory cited by those or now."""
    read: Mapping[str, int] | None = None
    """Experience id → its `updated_revision` when the proposer read it; None: as it is now."""
    protected: Mapping[str, str] = field(default_factory=dict)
    """Experience id → why only a person retires it or gives it another text."""
    proven: Mapping[str, str] = field(default_factory=dict)
    """Experience id → why it is not retired, though its text may be improved."""
    others: int = 0
    """Experiences that are served and not among `experiences`."""
    changes: list[Change] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    cited: Citations = field(default_factory=dict)
    """The citations of the experiences that this revision touches, in full."""
    restored: set[str] = field(default_factory=set)
    """Experiences that lost citations, because they were put back as they stood before those."""

    def apply(self, operations: tuple[Operation, ...]) -> None:
        """Apply each in turn; what cannot be applied is refused with its reason."""
        for operation in operations:
            problem = self._problem(operation)
            if problem is None:
                self._change(operation)
            else:
                self.refusals.append(Refusal(operation, problem))

    def _problem(self, operation: Operation) -> str | None:
        if operation.kind == "ADD":
            return self._problem_of_adding(operation)
        named = (operation.target, *operation.merged)
        for identity in named:
            if identity is None:
                return f"{operation.kind} names no experience"
            if identity not in self.experiences:
                return f"there is no experience {identity}"
            if self.experiences[identity].status == "retired" and not _revives(operation):
                return f"experience {identity} is retired"
            changed = self.experiences[identity].updated_revision
            if self.read is not None and changed not in (self.read.get(identity), self.revision):
                return f"experience {identity} was changed after it was read"
            if operation.kind != "KEEP" and identity in self.protected:
                return self.protected[identity]
            if operation.kind == "DELETE" and identity in self.proven:
                return self.proven[identity]
        if len(set(named)) < len(named):
            return "the same experience is named twice"
        revived = any(self.experiences[identity].status == "retired" for identity in named if identity is not None)
        return self._full() if revived else None

    def _problem_of_adding(self, operation: Operation) -> str | None:
        if not operation.content:
            return "ADD has no content"
        if any(known.content == operation.content for known in self._served()):
            return "the library already says exactly this"
        return self._full()

    def _served(self) -> list[Experience]:
        return [known for known in self.experiences.values() if known.status != "retired"]

    @property
    def count(self) -> int:
        """How many experiences the library has that are not retired."""
        return len(self._served()) + self.others

    def _full(self) -> str | None:
        count = self.count
        full = f"the library is full: {count} of at most {number_of(self.capacity, 'experience')}"
        return full if count >= self.capacity else None

    def _change(self, operation: Operation) -> None:
        if operation.kind == "ADD":
            after: tuple[Experience, ...] = (self._added(operation),)
            before: tuple[Experience, ...] = ()
        else:
            ids = operation.named
            before = tuple(self.experiences[identity] for identity in ids)
            rested_on = dict(self.citations.get(ids[0], {}))
            after = tuple(self._revised(operation, known) for known in before)
            if before == after and rested_on == self.citations.get(ids[0], {}):  # a KEEP without news
                return
        for experience in after:
            self.experiences[experience.id] = experience
        self.changes.append(Change(operation, before, after))

    def _added(self, operation: Operation) -> Experience:
        identity = f"e{self.next_number}"
        self.next_number += 1
        support = self._cite(identity, operation)
        return Experience(
            id=identity,
            content=operation.content or "",
            status=operation.status or "candidate",
            version=1,
            analyst=self.analyst,
            support=support,
            created_revision=self.revision,
            updated_revision=self.revision,
            model=self.model,
            pinned=bool(operation.pins),
            decision_id=operation.decision_id,
            option=operation.option,
        )

    def _revised(self, operation: Operation, known: Experience) -> Experience:
        if operation.kind == "DELETE" or known.id in operation.merged:
            return replace(known, status="retired", updated_revision=self.revision)
        content = operation.content or known.content
        is_new_text = content != known.content
        if operation.restores is not None or is_new_text:  # evidence belongs to what was said, not to an id
            self.citations[known.id] = {}
            self.restored.add(known.id)
        support = self._cite(known.id, operation, fresh=is_new_text)
        before = "candidate" if is_new_text and not operation.pins else known.status
        revised = replace(
            known,
            content=content,
            support=support,
            status=operation.status or before,
            version=known.version + int(is_new_text),
            pinned=known.pinned if operation.pins is None else operation.pins,
            decision_id=operation.decision_id if is_new_text else operation.decision_id or known.decision_id,
            option=operation.option if is_new_text else operation.option or known.option,
        )
        return revised if revised == known else replace(revised, updated_revision=self.revision)

    def _cite(self, identity: str, operation: Operation, *, fresh: bool = False) -> Support:
        cited = self.citations.setdefault(identity, {})
        cited.update({citation.trajectory_id: citation.stance for citation in operation.citations})
        self.cited[identity] = dict(cited)
        stances = list(cited.values())
        known = None if fresh or operation.restores is not None else self.experiences.get(identity)
        return Support(
            supporting=stances.count("for"),
            contradicting=stances.count("against"),
            groups=len({self.groups_of[trajectory] for trajectory, stance in cited.items() if stance == "for"}),
            note=operation.note or (known.support.note if known else ""),
        )


def _revives(operation: Operation) -> bool:
    """Whether an operation puts a retired experience back as it was, or as it stood earlier."""
    back = operation.kind == "KEEP" or operation.restores is not None
    return back and operation.status in ("candidate", "active")


def cited(operations: tuple[Operation, ...]) -> set[str]:
    """Every trajectory that the operations cite."""
    return {citation.trajectory_id for operation in operations for citation in operation.citations}
