"""Lessons of another library, taken in as candidates: what was shown elsewhere is told, and not counted here.

Their texts pass the checks of every lesson. They begin as lessons of unknown origin do, are served by chance, and stay
or go by the rewards of this library. What says the same as a lesson of this library, retired or not, is left out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from explib.errors import RevisionConflict
from explib.models.experiences import Experience
from explib.models.libraries import Library
from explib.models.revisions import Operation
from explib.storage.revisions.proposal import Proposal
from explib.storage.store import Store
from explib.text.redaction import redacted
from explib.text.words import number_of
from explib_learner.checks.operations import OperationCheck
from explib_server.curation.curator import COMMIT_TRIES, By
from explib_server.curation.reading import on_one_line
from explib_server.exporters.contents import ExportedLesson
from explib_server.importers.records import BadRecord, ForeignLesson
from explib_server.render.evidence import LEARNED

IMPORT = "import"
"""The analyst of a lesson that came from another library."""
_NOTE_CHARACTERS = 300


@dataclass(slots=True)
class Adopted:
    """What became of the lessons of an import."""

    added: int = 0
    waiting: int = 0
    """Proposals, in a library whose changes a person reviews."""
    known: int = 0
    refused: list[BadRecord] = field(default_factory=list)

    def __str__(self) -> str:
        waiting = f", {self.waiting:,} wait for review" if self.waiting else ""
        return (
            f"{number_of(self.added, 'lesson')} added as candidates{waiting}, {self.known:,} that this library has or "
            f"had, {len(self.refused):,} refused"
        )


async def adopt(store: Store, library: Library, foreign: Sequence[ForeignLesson], by: By) -> Adopted:
    """Add the lessons in one revision of the library, as it is at that moment. Raises RevisionConflict."""
    for _ in range(COMMIT_TRIES):
        current = await store.libraries.get(library.name)
        every = await store.revisions.experiences(current, retired=True)
        adopted, operations = await asyncio.to_thread(_sorted, current, every, foreign)
        names = ", ".join(dict.fromkeys(each.library for each in foreign))
        cause = redacted(f"lessons imported from {names}")[:_NOTE_CHARACTERS]
        try:
            done = await store.revisions.commit(Proposal(current, cause, by.signed, IMPORT, tuple(operations)))
        except RevisionConflict:
            continue
        adopted.added, adopted.waiting = len(done.changes), len(done.waiting)
        adopted.refused += [_refused(foreign, each.operation, each.reason) for each in done.refusals]
        return adopted
    raise RevisionConflict


def _sorted(
    library: Library, every: Sequence[Experience], foreign: Sequence[ForeignLesson]
) -> tuple[Adopted, list[Operation]]:
    """The lessons that may be added, and what speaks against the others."""
    adopted, operations = Adopted(), list[Operation]()
    texts, check = {each.content for each in every}, OperationCheck(every, {}, library.settings)
    for each in foreign:
        operation = _operation(each)
        if operation.content in texts:
            adopted.known += 1
        elif (problem := check.reason_against_edit(operation)) is not None:
            adopted.refused.append(BadRecord(each.position, f"The lesson is refused: {problem.rstrip('.')}."))
        else:
            texts.add(operation.content or "")
            operations.append(operation)
    return adopted, operations


def _operation(foreign: ForeignLesson) -> Operation:
    lesson, origin = foreign.lesson, f"imported from {foreign.library}, there {foreign.lesson.id}"
    note = redacted(on_one_line(f"{origin}: {_told(lesson)}"))[:_NOTE_CHARACTERS]
    reason = redacted(on_one_line(origin))[:_NOTE_CHARACTERS]
    return Operation("ADD", reason, content=on_one_line(lesson.content), status="candidate", note=note)


def _told(lesson: ExportedLesson) -> str:
    """What the other library says of it, in words."""
    support, lift = lesson.support, lesson.lift
    counts = (
        f"{support.supporting:,} attempts for it, {support.contradicting:,} against it, in {support.groups:,} groups"
    )
    measured = "" if lift is None else f", lift {lift.mean:+.3f} ({lift.low:+.3f} to {lift.high:+.3f})"
    return f"{lesson.status}, {LEARNED[lesson.learned]}, {counts}{measured}. None of it is counted here."


def _refused(foreign: Sequence[ForeignLesson], operation: Operation, reason: str) -> BadRecord:
    place = next((each.position for each in foreign if on_one_line(each.lesson.content) == operation.content), "")
    return BadRecord(place, f"The lesson is refused: {reason.rstrip('.')}.")
