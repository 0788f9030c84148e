"""Deleting attempts: one transaction, after which nothing that was counted or said rests on them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from explib.models.libraries import Library
from explib.models.revisions import Operation
from explib.models.trajectories import AttemptFilter
from explib.storage import rows
from explib.storage.database import Database
from explib.storage.deletion.evidence import take_back
from explib.storage.deletion.provenance import GONE, forget_answers, forget_attempts
from explib.storage.learning.leases import end_learning
from explib.storage.revisions.commit import commit_proposal
from explib.storage.revisions.proposal import Proposal
from explib.storage.tables.experiences import citations, experiences
from explib.storage.tables.libraries import libraries
from explib.storage.tables.trajectories import groups, learned_groups, trajectories, trajectory_bodies
from explib.storage.trajectories.listing import condition
from explib.storage.trajectories.rewards import lock_group, regroup
from explib.text.words import number_of


@dataclass(frozen=True, slots=True)
class Deleted:
    """What a deletion took out."""

    attempts: int = 0
    groups: int = 0
    """Groups that are gone with their last attempt."""
    lessons: tuple[str, ...] = ()
    """Ids of the lessons that rested on some of the attempts, and stay."""
    retired: tuple[str, ...] = ()
    """Ids of the lessons that nothing speaks for any more, and that were retired."""


async def delete_attempts(
    connection: AsyncConnection,
    database: Database,
    named: Library,
    wanted: AttemptFilter,
    author: str,
    *,
    lessons: bool,
) -> Deleted:
    """Delete them inside a writing transaction; `lessons` retires those that no attempt speaks for any more."""
    await end_learning(connection, named)
    held = select(libraries).where(libraries.c.id == named.id).with_for_update()
    library = rows.library((await connection.execute(held)).mappings().one())
    column = trajectories.c
    columns = (column.id, column.group_id, column.retrieval_id, column.task, column.created_at)
    doomed = (await connection.execute(select(*columns).where(condition(database, library, wanted)))).all()
    if not doomed:
        return Deleted()
    ids = [row.id for row in doomed]
    touched = await forget_attempts(connection, database, library, ids)
    await _delete_rows(connection, database, library, ids)
    gone = await _settle_groups(connection, database, library, {row.group_id for row in doomed})
    tasks = {row.task for row in doomed}
    named_retrievals = {row.retrieval_id for row in doomed if row.retrieval_id is not None}
    await take_back(connection, database, library, named_retrievals, tasks)
    await forget_answers(connection, library, min(row.created_at for row in doomed))
    stay, retire = await _sorted(connection, database, library, touched, retiring=lessons)
    cause = f"{number_of(len(ids), 'attempt')} deleted"
    operations = (*(_keep(each) for each in stay), *(Operation("DELETE", GONE, target=each) for each in retire))
    if operations:
        await commit_proposal(
            connection, database, Proposal(library, cause, author, "person", operations, reviewed=True)
        )
    return Deleted(len(ids), gone, tuple(stay), tuple(retire))


def _keep(experience_id: str) -> Operation:
    return Operation("KEEP", GONE, target=experience_id, note=GONE)


async def _delete_rows(connection: AsyncConnection, database: Database, library: Library, ids: Collection[str]) -> None:
    for table, column in ((trajectory_bodies, trajectory_bodies.c.trajectory_id), (trajectories, trajectories.c.id)):
        owned = (table.c.library_id == library.id) & database.dialect.among(column, ids)
        await connection.execute(delete(table).where(owned))


async def _settle_groups(
    connection: AsyncConnection, database: Database, library: Library, named: Collection[str]
) -> int:
    """Count the groups again that have attempts left, to be learned anew; how many have none, and are gone."""
    owned = groups.c.library_id == library.id
    members = (trajectories.c.library_id == library.id) & (trajectories.c.group_id == groups.c.id)
    within = database.dialect.among(groups.c.id, named)
    left = (await connection.execute(select(groups.c.id).where(owned, within, exists().where(members)))).scalars().all()
    gone = sorted(set(named) - set(left))
    learned = (learned_groups.c.library_id == library.id) & database.dialect.among(learned_groups.c.group_id, gone)
    await connection.execute(delete(learned_groups).where(learned))
    await connection.execute(delete(groups).where(owned, database.dialect.among(groups.c.id, gone)))
    for group in sorted(left):
        before = await lock_group(connection, library, group)
        await regroup(connection, library, before, news=before.state != "waiting")
        oldest = select(trajectories.c.task).where(members).order_by(trajectories.c.id).limit(1)
        kept = exists().where(members, trajectories.c.task == groups.c.task)
        renamed = update(groups).where(owned, groups.c.id == group, ~kept)
        await connection.execute(renamed.values(task=oldest.scalar_subquery()))
    return len(gone)


async def _sorted(
    connection: AsyncConnection, database: Database, library: Library, touched: Sequence[str], *, retiring: bool
) -> tuple[list[str], list[str]]:
    """The lessons that stay, and those to retire: no attempt speaks for them any more, and no person does."""
    speaking = (citations.c.library_id == experiences.c.library_id) & (citations.c.experience_id == experiences.c.id)
    count = select(func.count()).select_from(citations).where(speaking, citations.c.stance == "for").scalar_subquery()
    owned = (experiences.c.library_id == library.id) & database.dialect.among(experiences.c.id, touched)
    statement = select(experiences.c.id, experiences.c.pinned, count.label("left"))
    found = (await connection.execute(statement.where(owned, experiences.c.status != "retired"))).all()
    bare = {row.id for row in found if retiring and not row.left and not row.pinned}
    served = {row.id for row in found}
    return [each for each in touched if each in served - bare], [each for each in touched if each in bare]
