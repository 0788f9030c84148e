"""One commit inside its transaction: fences, compare-and-set, rows, closed groups."""

from __future__ import annotations

import time
from collections.abc import Sequence

from sqlalchemy import RowMapping, bindparam, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from explib.errors import OperationRefused, RevisionConflict
from explib.history.apply import LibraryDraft
from explib.models.groups import Group
from explib.models.libraries import LibrarySettings
from explib.models.revisions import LEARNER, Change, Operation, Refusal, ReviewState, Revision
from explib.storage import rows
from explib.storage.database import Database
from explib.storage.evidence.counters import continue_record
from explib.storage.learning.decisions import write_codebook
from explib.storage.learning.leases import check_lease
from explib.storage.revisions.draft import draft_of
from explib.storage.revisions.proposal import Committed, Proposal, insert_revision
from explib.storage.revisions.review_queue import check_waiting, decide, needs_review, park
from explib.storage.revisions.trials import Revised, follow_trials
from explib.storage.tables.experiences import citations, experience_vectors, experiences
from explib.storage.tables.libraries import libraries
from explib.storage.tables.revisions import operations
from explib.storage.tables.trajectories import groups, learned_groups

BORNE_OUT = "attempts bear it out now"


async def commit_proposal(connection: AsyncConnection, database: Database, proposal: Proposal) -> Committed:
    """Apply a proposal inside a writing transaction; see `Revisions.commit`."""
    if proposal.lease is not None:
        await check_lease(connection, proposal.lease)
    row, settings = await _locked(connection, proposal)
    parked = tuple(each for each in proposal.operations if needs_review(each) and _waits(each, proposal, settings))
    draft = await draft_of(connection, database, proposal, row, settings)
    trying = proposal.author == LEARNER and settings.exploration
    draft.apply(tuple(each for each in proposal.operations if each not in parked))
    if proposal.strict and draft.refusals:
        raise OperationRefused(
            f"Nothing was changed, because {draft.refusals[0].reason}: look at the library as it is now, make room "
            "(retire_experience, max_experiences) where it is full, and try again."
        )
    refusals = (*proposal.refusals, *draft.refusals)
    number = draft.revision if draft.changes or proposal.decides is not None else None
    await _write_experiences(connection, database, proposal, draft)
    await _write_operations(connection, proposal, number, tuple(draft.changes), refusals)
    waiting = await park(connection, proposal.library, parked, draft.experiences, proposal.analyst, proposal.model)
    await write_codebook(connection, database, proposal.library.id, proposal.codebook)
    await _close_groups(connection, database, proposal, number, len(waiting))
    if number is not None:
        await _write_revision(connection, database, proposal, draft)
        await _decide(connection, proposal, number)
        await _release(connection, proposal, draft)
        await _continue_evidence(connection, database, proposal, draft)
    await follow_trials(
        connection, database, proposal.library, Revised(draft.revision, draft.changes, trying, proposal.ends)
    )
    return Committed(number, tuple(draft.changes), refusals, waiting)


def _waits(operation: Operation, proposal: Proposal, settings: LibrarySettings) -> bool:
    """Whether a person must decide on an operation: in a library with review on each that no person made."""
    return proposal.waits or (not proposal.reviewed and (settings.review or bool(operation.waits)))


async def _locked(connection: AsyncConnection, proposal: Proposal) -> tuple[RowMapping, LibrarySettings]:
    """The library's row, held until the transaction ends, and its settings as they are now: review may be on by now."""
    owned = select(libraries).where(libraries.c.id == proposal.library.id).with_for_update(key_share=True)
    row = (await connection.execute(owned)).mappings().one()
    if proposal.decides is not None:
        await check_waiting(connection, proposal.library, proposal.decides.id)
    for released in (name for operation in proposal.operations for name in operation.releases):
        await check_waiting(connection, proposal.library, released)  # a person may have decided meanwhile
    if row["revision"] != proposal.library.revision:
        raise RevisionConflict
    return row, rows.library(row).settings


async def _continue_evidence(
    connection: AsyncConnection, database: Database, proposal: Proposal, draft: LibraryDraft
) -> None:
    for experience_id, version in sorted(proposal.continues.items()):
        now = draft.experiences[experience_id]
        if now.updated_revision == draft.revision and now.version != version:
            await continue_record(connection, database, proposal.library, experience_id, (version, now.version))


async def _decide(connection: AsyncConnection, proposal: Proposal, number: int) -> None:
    if proposal.decides is not None:
        state: ReviewState = "approved" if proposal.operations else "rejected"
        decided = proposal.decides.id
        await decide(connection, proposal.library, decided, state, proposal.author, proposal.cause, number)


async def _release(connection: AsyncConnection, proposal: Proposal, draft: LibraryDraft) -> None:
    """What was applied with the attempts that it had waited for waits no more."""
    for released in (name for change in draft.changes for name in change.operation.releases):
        library, author = proposal.library, proposal.author
        await decide(connection, library, released, "approved", author, BORNE_OUT, draft.revision)


async def _write_experiences(
    connection: AsyncConnection, database: Database, proposal: Proposal, draft: LibraryDraft
) -> None:
    library_id = proposal.library.id
    named = dict.fromkeys(each.id for change in draft.changes for each in change.after)
    changed = [draft.experiences[experience_id] for experience_id in named]
    if changed:
        statement = database.dialect.insert(experiences)
        keys = [experiences.c.library_id, experiences.c.id]
        replaced = {column.name: statement.excluded[column.name] for column in experiences.c if not column.primary_key}
        values = [{**rows.experience_values(current), "library_id": library_id} for current in changed]
        await connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=replaced), values)
    retired = [each.id for each in changed if each.status == "retired"]
    if retired:
        column = experience_vectors.c.experience_id
        of_retired = (experience_vectors.c.library_id == library_id) & database.dialect.among(column, retired)
        await connection.execute(delete(experience_vectors).where(of_retired))
    await _write_citations(connection, database, library_id, draft)


async def _write_citations(
    connection: AsyncConnection, database: Database, library_id: int, draft: LibraryDraft
) -> None:
    if draft.restored:
        lost = (citations.c.library_id == library_id) & database.dialect.among(
            citations.c.experience_id, draft.restored
        )
        await connection.execute(delete(citations).where(lost))
    new = [
        {
            "library_id": library_id,
            "experience_id": experience_id,
            "trajectory_id": trajectory,
            "stance": stance,
            "revision": draft.revision,
        }
        for experience_id, stances in draft.cited.items()
        for trajectory, stance in stances.items()
    ]
    if not new:
        return
    statement = database.dialect.insert(citations)
    keys = [citations.c.library_id, citations.c.experience_id, citations.c.trajectory_id]
    replaced = {"stance": statement.excluded.stance, "revision": statement.excluded.revision}
    await connection.execute(
        statement.on_conflict_do_update(index_elements=keys, set_=replaced),
        new,
    )


async def _write_operations(
    connection: AsyncConnection,
    proposal: Proposal,
    number: int | None,
    changes: tuple[Change, ...],
    refusals: tuple[Refusal, ...],
) -> None:
    now, dump = time.time(), rows.EXPERIENCES.dump_python
    entries: list[tuple[Change, str | None]] = [(change, None) for change in changes]
    entries += [(Change(refusal.operation, (), ()), refusal.reason) for refusal in refusals]
    if not entries:
        return
    owned = operations.c.library_id == proposal.library.id
    newest = await connection.execute(select(func.coalesce(func.max(operations.c.number), 0)).where(owned))
    values = [
        {
            "library_id": proposal.library.id,
            "number": place,
            "revision": number,
            "operation": rows.OPERATION.dump_python(change.operation, mode="json"),
            "before": dump(change.before, mode="json"),
            "after": dump(change.after, mode="json"),
            "refusal": refusal,
            "created_at": now,
        }
        for place, (change, refusal) in enumerate(entries, newest.scalar_one() + 1)
    ]
    await connection.execute(operations.insert(), values)


async def _close_groups(
    connection: AsyncConnection, database: Database, proposal: Proposal, number: int | None, waiting: int
) -> None:
    outcome = "learned: nothing to change" if number is None else f"learned in revision {number}"
    if waiting:
        outcome = f"learned: waits for review with what else its batch proposed ({waiting})"
    if not proposal.learned:
        return
    library_id, learned = proposal.library.id, sorted(proposal.learned, key=lambda group: group.id)
    await _check_unlearned(connection, database, library_id, learned)
    records = [
        {
            "library_id": library_id,
            "group_id": group.id,
            "graded_version": group.graded_version,
            "revision": number,
            "learned_at": time.time(),
        }
        for group in learned
    ]
    await connection.execute(learned_groups.insert(), records)
    same = (groups.c.library_id == library_id) & (groups.c.id == bindparam("group"))
    unchanged = same & (groups.c.graded_version == bindparam("version"))
    closing = update(groups).where(unchanged).values(state="learned", reason=outcome, tries=0)
    await connection.execute(closing, [{"group": group.id, "version": group.graded_version} for group in learned])


async def _check_unlearned(
    connection: AsyncConnection, database: Database, library_id: int, groups_to_close: Sequence[Group]
) -> None:
    named = database.dialect.among(learned_groups.c.group_id, [group.id for group in groups_to_close])
    columns = (learned_groups.c.group_id, learned_groups.c.graded_version)
    rows_learned = await connection.execute(select(*columns).where(learned_groups.c.library_id == library_id, named))
    if {tuple(row) for row in rows_learned} & {(group.id, group.graded_version) for group in groups_to_close}:
        raise RevisionConflict("Another worker has learned one of these groups: nothing was written.")


async def _write_revision(
    connection: AsyncConnection, database: Database, proposal: Proposal, draft: LibraryDraft
) -> None:
    revision = Revision(
        number=draft.revision,
        cause=proposal.cause,
        author=proposal.author,
        changes=tuple(draft.changes),
        refusals=proposal.refusals,
        groups=tuple(group.id for group in proposal.learned),
        cost=proposal.cost,
        created_at=time.time(),
    )
    counts = {"next_experience": draft.next_number, "served": draft.count}
    await insert_revision(connection, database, proposal.library.id, revision, **counts)
