"""Changes by people: checked like a model's, made against what is there now, and committed under their names."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from explib.errors import InvalidInput, OperationRefused, RevisionConflict, TooLarge
from explib.models.experiences import Experience
from explib.models.libraries import Library
from explib.models.revisions import Operation, ProposedOperation, Refusal
from explib.retrieval.retriever import Retriever
from explib.settings.library import LibraryChanges
from explib.storage.revisions.proposal import Committed, Proposal
from explib.storage.revisions.proposal import AUTOMATIC
from explib.storage.store import Store
from explib.text.redaction import redact
from explib.text.words import storable
from explib_learner.checks.operations import DUPLICATE_SIMILARITY, OperationCheck

if TYPE_CHECKING:
    from explib_server.application import Application

COMMIT_TRIES = 5
REASON_CHARACTERS = 500
ANALYST = "person"
"""The analyst of an experience that a person wrote."""

Decision: TypeAlias = Literal["approve", "reject"]


@dataclass(frozen=True, slots=True)
class By:
    """Who makes a change, and why."""

    author: str
    reason: str = ""

    @property
    def signed(self) -> str:
        """The name under which the change is kept: no person's may be that of a part of the program."""
        author = storable(self.author)
        return f"{author} (a person)" if author in AUTOMATIC else author


@dataclass(frozen=True, slots=True)
class Reading:
    """What one try of a change read of a library."""

    library: Library
    experiences: dict[str, Experience]
    """Those that the change names and those that are like its new text, retired ones too."""

    def named(self, identity: str, expected_version: int | None = None) -> Experience:
        """The experience, not retired and at the expected version. Raises OperationRefused and RevisionConflict."""
        known = self.experiences[identity]
        if expected_version is not None and known.version != expected_version:
            raise RevisionConflict(
                f"{identity} is at version {known.version} now, not {expected_version}, and says: {known.content!r}. "
                f"Nothing was changed: read it, then call again with expected_version {known.version}."
            )
        if known.status == "retired":
            raise OperationRefused(
                f"{identity} was retired in revision {known.updated_revision}: add its text anew, or revert to a "
                "revision before that one."
            )
        return known

    def checked(self, operation: Operation) -> Operation:
        """The operation, if its text may be in this library. Raises OperationRefused."""
        served = [known for known in self.experiences.values() if known.status != "retired"]
        uncited = replace(operation, citations=())  # what it rests on was checked when it was proposed
        problem = OperationCheck(served, {}, self.library.settings).reason_against_edit(uncited)
        if problem is not None:
            raise OperationRefused(f"Nothing was changed: {problem.rstrip('.')}. Change the text and try again.")
        return operation


Make: TypeAlias = Callable[[Reading], Proposal]


class Curator:
    """Makes the changes of people to the libraries of one store."""

    def __init__(self, store: Store, retriever: Retriever | None = None, *, redact_emails: bool = False) -> None:
        """`retriever` knows which lessons are alike; without one it is read from the store first."""
        self._store = store
        self._retriever = retriever or Retriever(store, None)
        self._redact_emails = redact_emails

    async def add(self, library: Library, content: str, by: By) -> Committed:
        """Add an experience; it is active at once. Raises OperationRefused."""
        reason = self._reason(by, "added by hand")
        operation = Operation("ADD", reason, content=_line(content), status="active", pins=True)

        def make(reading: Reading) -> Proposal:
            return self._proposal(reading, by, reason, reading.checked(operation))

        return await self._change(library, make, (), operation.content)

    async def edit(
        self,
        library: Library,
        identity: str,
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
        seen = await self._store.revisions.experience(library, identity)

        def make(reading: Reading) -> Proposal:
            known = reading.named(identity, expected_version)
            _check_unchanged(seen, known, f"{identity} was edited by somebody else just now")
            if content is None:
                return self._proposal(reading, by, reason, _pinning(known, reason, pinned))
            operation = _rewriting(known, reason, _line(content), pinned)
            return self._proposal(reading, by, reason, reading.checked(operation))

        return await self._change(library, make, [identity], None if content is None else _line(content))

    async def retire(self, library: Library, identity: str, by: By, expected_version: int | None = None) -> Committed:
        """Serve an experience no more. Raises NotFound, OperationRefused, RevisionConflict."""
        reason = self._reason(by, "retired by hand")
        seen = await self._store.revisions.experience(library, identity)

        def make(reading: Reading) -> Proposal:
            known = reading.named(identity, expected_version)
            _check_unchanged(seen, known, f"{identity} was edited by somebody else just now")
            return self._proposal(reading, by, reason, Operation("DELETE", reason, target=identity))

        return await self._change(library, make, [identity])

    async def review(
        self, library: Library, identity: str, decision: Decision, by: By, content: str | None = None
    ) -> Committed:
        """Decide on a waiting proposal (p3) or on an experience (e3); an approved one may get another text.

        Raises NotFound, OperationRefused, Conflict.
        """
        if not identity.startswith("p"):
            return await self._review_experience(library, identity, decision, by, content)
        proposed = await self._store.proposals.get(library, identity)
        if proposed.state != "waiting":
            said = f" ({proposed.reason})" if proposed.reason else ""
            raise OperationRefused(
                f"{identity} was {proposed.state} by {proposed.decided_by}{said}: nothing is left to decide. "
                "list_experiences shows what waits."
            )
        if decision == "reject":
            return await self._change(library, lambda reading: self._rejection(reading, proposed, by), ())
        named = [before.id for before in proposed.before]
        says = proposed.operation.content if content is None else _line(content)
        return await self._change(library, lambda reading: self._approval(reading, proposed, by, content), named, says)

    async def revert(self, library: Library, number: int, by: By, expected_revision: int | None = None) -> Committed:
        """Put the library back as it stood after a revision. Raises UnknownRevision, Conflict, OperationRefused."""
        reason = self._reason(by, f"back to revision {number}")

        async def go_back(current: Library) -> Committed:
            if expected_revision not in {None, current.revision}:
                raise RevisionConflict(
                    f"The library is at revision {current.revision} now, not {expected_revision}: nothing was changed. "
                    "See what happened with history, then call again."
                )
            return await self._store.revisions.revert(current, number, by.signed, reason)

        return await self._retried(library, go_back)

    async def configure(self, library: Library, changes: LibraryChanges, by: By) -> Library:
        """Change settings of a library; a revision too. Raises InvalidSetting."""
        return await self._store.libraries.change(library, changes, by.signed, self._reason(by, ""))

    async def _review_experience(
        self, library: Library, identity: str, decision: Decision, by: By, content: str | None
    ) -> Committed:
        known = await self._store.revisions.experience(library, identity)
        if decision == "reject":
            return await self.retire(library, identity, replace(by, reason=by.reason or "rejected in review"))
        if content is not None and _line(content) != known.content:
            return await self.edit(library, identity, content, replace(by, reason=by.reason or "approved, reworded"))
        reason = self._reason(by, "approved in review")

        def make(reading: Reading) -> Proposal:
            now = reading.named(identity)
            _check_unchanged(known, now, f"{identity} was edited by somebody else just now")
            return self._proposal(
                reading, by, reason, Operation("MODIFY", reason, target=identity, status="active", pins=True)
            )

        return await self._change(library, make, [identity])

    def _rejection(self, reading: Reading, proposed: ProposedOperation, by: By) -> Proposal:
        reason = self._reason(by, "")
        refusal = Refusal(proposed.operation, f"rejected by {by.signed}" + (f": {reason}" if reason else ""))
        rejected = self._proposal(reading, by, reason or f"rejected {proposed.id}")
        return replace(rejected, refusals=(refusal,), decides=proposed)

    def _approval(self, reading: Reading, proposed: ProposedOperation, by: By, content: str | None) -> Proposal:
        for before in proposed.before:
            now = reading.experiences[before.id]
            what = "was retired" if now.status == "retired" else f"says {now.content!r} now"
            _check_unchanged(before, now, f"{before.id} {what}, after {proposed.id} was proposed: reject {proposed.id}")
        operation = proposed.operation
        if operation.content is not None:
            operation = replace(operation, content=_line(content or operation.content), status="active", pins=True)
            reading.checked(operation)
        elif content is not None:
            raise OperationRefused(f"{proposed.id} is a {operation.kind}, which has no text: leave content out.")
        reason = self._reason(by, f"approved {proposed.id}: {operation.reason}")
        approved = self._proposal(reading, by, reason, operation)
        return replace(approved, analyst=proposed.analyst, model=proposed.model, decides=proposed)

    def _proposal(self, reading: Reading, by: By, reason: str, *operations: Operation) -> Proposal:
        return Proposal(reading.library, reason, by.signed, ANALYST, operations, reviewed=True, strict=True)

    def _reason(self, by: By, otherwise: str) -> str:
        if len(by.reason) > REASON_CHARACTERS:
            raise TooLarge(
                f"The reason has {len(by.reason):,} characters, at most {REASON_CHARACTERS} are kept: be brief."
            )
        clean, _ = redact(storable(by.reason), emails=self._redact_emails)
        return _line(clean) or otherwise

    async def _change(
        self, library: Library, make: Make, named: Iterable[str], content: str | None = None
    ) -> Committed:
        """Make a change from the experiences `named` and those that are like the new `content`, and commit it."""

        async def attempt(current: Library) -> Committed:
            alike = [] if content is None else await self._retriever.alike(current, content, DUPLICATE_SIMILARITY)
            ids = {*named, *alike}
            read = await self._store.revisions.experiences(current, retired=True, ids=ids) if ids else []
            reading = Reading(current, {experience.id: experience for experience in read})
            return await self._store.revisions.commit(await asyncio.to_thread(make, reading))

        return await self._retried(library, attempt)

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


def _pinning(known: Experience, reason: str, pinned: bool | None) -> Operation:
    if known.pinned is pinned:
        raise OperationRefused(f"{known.id} is {'' if pinned else 'not '}pinned already: nothing was changed.")
    return Operation("KEEP", reason, target=known.id, pins=pinned)


def _rewriting(known: Experience, reason: str, content: str, pinned: bool | None) -> Operation:
    pins = True if pinned is None else pinned
    if content == known.content and known.status == "active" and (pinned is None or known.pinned is pins):
        raise OperationRefused(f"{known.id} says exactly this already: nothing was changed.")
    return Operation("MODIFY", reason, content=content, target=known.id, status="active", pins=pins)


def curator_of(application: Application) -> Curator:
    """What makes the changes of people to the open libraries."""
    return Curator(application.store, application.experiences, redact_emails=application.settings.redact_emails)


def _line(text: str) -> str:
    """A text on one line, as experiences and reasons are kept."""
    return " ".join(storable(text).split())


def _check_unchanged(before: Experience, now: Experience, what: str) -> None:
    """Raises RevisionConflict where somebody else has changed the text or retired it."""
    if (before.version, before.content) != (now.version, now.content) or now.status == "retired":
        raise RevisionConflict(f"{what}. Nothing was changed: read it again, then decide.")
