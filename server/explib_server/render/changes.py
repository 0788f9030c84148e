"""Results of a person's change, as a sentence and as data."""

from __future__ import annotations

from explib.models.libraries import Library
from explib.models.revisions import ProposedOperation
from explib.storage.revisions.proposal import Committed
from explib.storage.store import Store
from explib.text.words import number_of
from explib_server.curation.curator import Decision
from explib_server.mcp.results.curation import Changed, Reverted, Reviewed
from explib_server.render.pages import experience_line, proposal_line


async def changed(
    store: Store, library: Library, committed: Committed, experience_id: str | None = None
) -> tuple[str, Changed]:
    """After an addition, an edit or a retirement, or where that waits for a person."""
    if committed.waiting:
        return _waits(library, committed.waiting[0])
    experience_id = experience_id or committed.changes[0].after[0].id
    experience = await store.revisions.experience(library, experience_id)
    done = f"Nothing to change in {library.name}"
    if committed.revision is not None:
        done = f"Revision {committed.revision} of {library.name}"
    return f"{done}: {experience_line(experience)}", Changed.of(library, committed, experience)


def _waits(library: Library, proposed: ProposedOperation) -> tuple[str, Changed]:
    command = f"explib experiences review {proposed.id} approve --library {library.name}"
    note = f"It waits for a person: `{command}`, or reject."
    content = proposed.operation.content or " ".join(before.content for before in proposed.before)
    return f"{proposal_line(proposed)}\n{note}", Changed(
        library=library.name,
        revision=None,
        id=proposed.id,
        status="waiting",
        pinned=False,
        version=0,
        content=content,
        note=note,
    )


def reviewed(library: Library, committed: Committed, review_id: str, decision: Decision) -> tuple[str, Reviewed]:
    """After a decision."""
    after = [experience for change in committed.changes for experience in change.after]
    decided = "approved" if decision == "approve" else "rejected"
    text = "\n".join(
        [f"{review_id} is {decided}: {_revision(library, committed.revision)}", *map(experience_line, after)]
    )
    return text, Reviewed(
        library=library.name,
        revision=committed.revision,
        id=review_id,
        decision=decision,
        changed=[experience.id for experience in after],
    )


async def reverted(store: Store, library: Library, committed: Committed, number: int) -> tuple[str, Reverted]:
    """After going back."""
    touched = [experience.id for change in committed.changes for experience in change.after]
    left = len(await store.revisions.experiences(library))
    text = f"{library.name} stands as after revision {number}: {_revision(library, committed.revision)}"
    text += f" ({number_of(len(touched), 'experience')} changed, {left} served)"
    answer = Reverted(
        library=library.name, revision=committed.revision, reverted_to=number, changed=touched, experiences=left
    )
    return text, answer


def _revision(library: Library, number: int | None) -> str:
    return "nothing had to be changed" if number is None else f"revision {number} of {library.name}"
