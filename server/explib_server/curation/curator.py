"""Changes by people and proposals by agents: checked like a model's, made against what is there now, then committed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from explib.errors import InvalidInput, OperationRefused, RevisionConflict
from explib.models.experiences import Experience
from explib.models.libraries import Library
from explib.models.revisions import Operation, ProposedOperation, Refusal
from explib.retrieval.retriever import Retriever
from explib.settings.library import LibraryChanges
from explib.storage.revisions.proposal import AUTOMATIC, Committed, Proposal
from explib.storage.store import Store
from explib.text.redaction import redacted
from explib.text.words import storable
from explib_learner.checks.operations import DUPLICATE_SIMILARITY
from explib_server.curation.reading import Reading, check_unchanged, cleaned_reason, on_one_line

if TYPE_CHECKING:
    from explib_server.application import Application

COMMIT_TRIES = 5
MOST_WAITING = 200
"""Proposals that may wait in a library before agents can propose no more."""
PERSON = "person"
"""The analyst of an experience that a person wrote."""
AGENT = "agent"
"""The analyst of a change that an agent proposes; a person decides on it."""

Decision: TypeAlias = Literal["approve", "reject"]


@dataclass(frozen=True, slots=True)
class By:
    """The author of a change and the reason for it."""

    author: str
    reason: str = ""
    is_person: bool = True
    """Others than persons may only propose."""

    @property
    def signed(self) -> str:
        """The name under which the change is kept: no person's may be that of a part of the program."""
        author = redacted(storable(self.author))
        return f"{author} (a person)" if author in AUTOMATIC else author


Make: TypeAlias = Callable[[Reading], Proposal]


class Curator:
    """Makes the changes of people to the libraries of one store."""

    def __init__(self, store: Store, retriever: Retriever | None = None, *, redact_personal: bool = False) -> None:
        """`retriever` knows which lessons are alike; without one it is read from the store first."""
        self._store = store
        self._retriever = retriever or Retriever(store, None)
        self._redact_personal = redact_personal

    async def add(self, library: Library, content: str, by: By) -> Committed:
        """Add an experience, active at once; an agent's waits for a person. Raises OperationRefused."""
        if not by.is_person:
            await self._check_room(library, on_one_line(content))
        reason = self._reason(by, "added by hand")
        operation = Operation("ADD", reason, content=on_one_line(content), status="active", pins=True)

        def make(reading: Reading) -> Proposal:
            return self._proposal(reading, by, reason, reading.checked(operation))

        return await self._change(library, make, (), operation.content)

    async def edit(
        self,
        library: Library,
        experience_id: str,
        content: str | None,
        by: By,
        expected_version: int | None = None,
        *,
        pinned: bool | None = None,
    ) -> Committed:
        """Give an experience another text, which pins it unless `pinned` says otherwise; or only pin or unpin it.

        Raises InvalidInput, NotFound, OperationRefused, RevisionConflict.
        """
        if content is None and pinned is None:
            raise InvalidInput("Pass another text, or whether it is pinned, or both.")
        otherwise = "edited by hand" if content is not None else "pinned by hand" if pinned else "unpinned by hand"
        reason = self._reason(by, otherwise)
        seen = await self._store.revisions.experience(library, experience_id)

        def make(reading: Reading) -> Proposal:
            experience = reading.named(experience_id, expected_version)
            check_unchanged(seen, experience)
            if content is None:
                return self._proposal(reading, by, reason, _pinning(experience, reason, pinned))
            operation = _rewriting(experience, reason, on_one_line(content), pinned)
            return self._proposal(reading, by, reason, operation and reading.checked(operation))

        return await self._change(library, make, [experience_id], None if content is None else on_one_line(content))

    async def retire(
        self, library: Library, experience_id: str, by: By, expected_version: int | None = None
    ) -> Committed:
        """Serve an experience no more. Raises NotFound, OperationRefused, RevisionConflict."""
        reason = self._reason(by, "retired by hand")
        seen = await self._store.revisions.experience(library, experience_id)

        def make(reading: Reading) -> Proposal:
            experience = reading.named(experience_id, expected_version)
            check_unchanged(seen, experience)
            return self._proposal(reading, by, reason, Operation("DELETE", reason, target=experience_id))

        return await self._change(library, make, [experience_id])

    async def review(
        self, library: Library, review_id: str, decision: Decision, by: By, content: str | None = None
    ) -> Committed:
        """Decide on a waiting proposal (p3) or on an experience (e3); an approved one may get another text.

        Raises NotFound, OperationRefused, Conflict.
        """
        if not review_id.startswith("p"):
            return await self._review_experience(library, review_id, decision, by, content)
        proposed = await self._store.proposals.get(library, review_id)
        if proposed.state != "waiting":
            reason = f" ({proposed.reason})" if proposed.reason else ""
            raise OperationRefused(
                f"{review_id} was {proposed.state} by {proposed.decided_by}{reason}: nothing is left to decide. "
                "list_experiences shows what waits."
            )
        if decision == "reject":
            return await self._change(library, lambda reading: self._rejection(reading, proposed, by), ())
        named = [before.id for before in proposed.before]
        text = proposed.operation.content if content is None else on_one_line(content)
        return await self._change(library, lambda reading: self._approval(reading, proposed, by, content), named, text)

    async def revert(self, library: Library, number: int, by: By, expected_revision: int | None = None) -> Committed:
        """Put the library back as it stood after a revision. Raises UnknownRevision, Conflict, OperationRefused."""
        reason = self._reason(by, f"back to revision {number}")

        async def go_back(current: Library) -> Committed:
            if expected_revision not in {None, current.revision}:
                raise RevisionConflict(
                    f"The library is at revision {current.revision} now, not {expected_revision}: nothing was changed. "
                    "See history, then call again."
                )
            return await self._store.revisions.revert(current, number, by.signed, reason)

        return await self._retried(library, go_back)

    async def configure(self, library: Library, changes: LibraryChanges, by: By) -> Library:
        """Change settings of a library; a revision too. Raises InvalidSetting."""
        return await self._store.libraries.change(library, changes, by.signed, self._reason(by, ""))

    async def _review_experience(
        self, library: Library, experience_id: str, decision: Decision, by: By, content: str | None
    ) -> Committed:
        experience = await self._store.revisions.experience(library, experience_id)
        if decision == "reject":
            return await self.retire(library, experience_id, replace(by, reason=by.reason or "rejected in review"))
        if content is not None and on_one_line(content) != experience.content:
            return await self.edit(
                library, experience_id, content, replace(by, reason=by.reason or "approved, reworded")
            )
        reason = self._reason(by, "approved in review")

        def make(reading: Reading) -> Proposal:
            now = reading.named(experience_id)
            check_unchanged(experience, now)
            return self._proposal(
                reading, by, reason, Operation("MODIFY", reason, target=experience_id, status="active", pins=True)
            )

        return await self._change(library, make, [experience_id])

    def _rejection(self, reading: Reading, proposed: ProposedOperation, by: By) -> Proposal:
        reason = self._reason(by, "")
        refusal = Refusal(proposed.operation, f"rejected by {by.signed}" + (f": {reason}" if reason else ""))
        rejected = self._proposal(reading, by, reason or f"rejected {proposed.id}")
        return replace(rejected, refusals=(refusal,), decides=proposed)

    def _approval(self, reading: Reading, proposed: ProposedOperation, by: By, content: str | None) -> Proposal:
        for before in proposed.before:
            check_unchanged(before, reading.experiences[before.id], f"Reject {proposed.id}.")
        operation = proposed.operation
        if operation.content is not None:
            operation = replace(
                operation, content=on_one_line(content or operation.content), status="active", pins=True
            )
            reading.checked(operation)
        elif content is not None:
            raise OperationRefused(f"{proposed.id} is a {operation.kind}, which has no text: leave content out.")
        reason = self._reason(by, f"approved {proposed.id}: {operation.reason}")
        approved = self._proposal(reading, by, reason, operation)
        return replace(approved, analyst=proposed.analyst, model=proposed.model, decides=proposed)

    def _proposal(self, reading: Reading, by: By, reason: str, operation: Operation | None = None) -> Proposal:
        operations = () if operation is None else (operation,)
        analyst = PERSON if by.is_person else AGENT
        return Proposal(
            reading.library,
            reason,
            by.signed,
            analyst,
            operations,
            reviewed=by.is_person,
            waits=not by.is_person,
            strict=True,
        )

    def _reason(self, by: By, otherwise: str) -> str:
        return cleaned_reason(by.reason, personal=self._redact_personal) or otherwise

    async def _change(
        self, library: Library, make: Make, named: Iterable[str], content: str | None = None
    ) -> Committed:
        """Make a change from the experiences `named` and those that are like the new `content`, and commit it."""

        async def attempt(current: Library) -> Committed:
            alike = [] if content is None else await self._retriever.alike(current, content, DUPLICATE_SIMILARITY)
            ids = {*named, *alike}
            experiences = await self._store.revisions.experiences(current, retired=True, ids=ids) if ids else []
            reading = Reading(current, {experience.id: experience for experience in experiences})
            return await self._store.revisions.commit(await asyncio.to_thread(make, reading))

        return await self._retried(library, attempt)

    async def _check_room(self, library: Library, content: str) -> None:
        """Raises OperationRefused for a text that waits already, and where too many proposals do."""
        waiting = await self._store.proposals.all(library, "waiting")
        same = next((proposed.id for proposed in waiting if proposed.operation.content == content), None)
        if same is not None:
            raise OperationRefused(f"{same} says exactly this and waits for a person: nothing was added.")
        if len(waiting) >= MOST_WAITING:
            raise OperationRefused(f"{MOST_WAITING} proposals wait for a person already: ask one to review them first.")

    async def _retried(self, library: Library, attempt: Callable[[Library], Awaitable[Committed]]) -> Committed:
        """Compare-and-set against the newest revision, again where another came first."""
        for tries_left in reversed(range(COMMIT_TRIES)):
            current = await self._store.libraries.get(library.name)
            try:
                return await attempt(current)
            except RevisionConflict:
                moved = (await self._store.libraries.get(library.name)).revision != current.revision
                if not tries_left or not moved:
                    raise
        raise RevisionConflict


def _pinning(experience: Experience, reason: str, pinned: bool | None) -> Operation | None:
    return None if experience.pinned is pinned else Operation("KEEP", reason, target=experience.id, pins=pinned)


def _rewriting(experience: Experience, reason: str, content: str, pinned: bool | None) -> Operation | None:
    pins = True if pinned is None else pinned
    if (
        content == experience.content
        and experience.status == "active"
        and (pinned is None or experience.pinned is pins)
    ):
        return None
    return Operation("MODIFY", reason, content=content, target=experience.id, status="active", pins=pins)


def curator_of(application: Application) -> Curator:
    """The curator of an application's libraries."""
    return Curator(application.store, application.experiences, redact_personal=application.settings.redact_personal)
