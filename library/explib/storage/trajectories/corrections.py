"""What an importer brings again: the stored attempt is corrected to it, and nothing is stored twice."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from sqlalchemy import RowMapping, delete, exists, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from explib.models.groups import Group
from explib.models.libraries import Library
from explib.models.submissions import Grade, Receipt, Submission
from explib.storage.tables.trajectories import groups, learned_groups, trajectories, trajectory_bodies
from explib.storage.trajectories.rewards import group_row, lock_group, regrade, regroup
from explib.trajectories.rewards import yields

CORRECTABLE = ("task", "answer", "ground_truth", "feedback", "agent", "model")
"""Fields of an attempt that a later import corrects, beside its reward, its group and its steps."""


@dataclass(frozen=True, slots=True)
class Brought:
    """An attempt as an importer brings it: its fields, its steps in bytes, the hash of both, and its group, held."""

    submission: Submission
    body: bytes
    content: str
    group: Group


async def correct(connection: AsyncConnection, library: Library, known: RowMapping, brought: Brought) -> Receipt:
    """Correct the trajectory of row `known`; the receipt's `corrected` says what was other than it is now.

    A reward that is missing now stays, and so does one whose source counts for more, with its feedback. Raises
    RewardConflict where the stored reward is signed.
    """
    submission = brought.submission
    if yields(submission.reward_source, known["reward_source"]):
        submission = replace(submission, reward=None, feedback=None)
        brought = replace(brought, submission=submission)
    changed = [*await _correct_fields(connection, library, known, brought)]
    if submission.reward is not None and submission.reward != known["reward"]:
        owned = (trajectories.c.library_id == library.id) & (trajectories.c.id == known["id"])
        row = (await connection.execute(select(trajectories).where(owned))).mappings().one()
        grade = Grade(submission.reward, submission.feedback, submission.submitter, source=submission.reward_source)
        await regrade(connection, library, row, grade)
        changed.append("reward")
    group = await group_row(connection, library, brought.group.id)
    return Receipt(known["id"], duplicate=True, group=group, redactions=known["redactions"], corrected=tuple(changed))


async def _correct_fields(
    connection: AsyncConnection, library: Library, known: RowMapping, brought: Brought
) -> list[str]:
    given = {name: getattr(brought.submission, name) for name in CORRECTABLE}
    values = {name: value for name, value in given.items() if value is not None and value != known[name]}
    changed = list(values)
    if known["group_id"] != brought.group.id:
        changed.append("group")
    if known["content_hash"] != brought.content and await _correct_steps(connection, library, known, brought.body):
        changed.append("steps")
    if not changed:
        return []
    owned = (trajectories.c.library_id == library.id) & (trajectories.c.id == known["id"])
    values.update(group_id=brought.group.id, content_hash=brought.content)
    await connection.execute(update(trajectories).where(owned).values(**values))
    await _settle_groups(connection, library, known, brought.group, counts={"group", "steps"}.intersection(changed))
    return changed


async def _correct_steps(connection: AsyncConnection, library: Library, known: RowMapping, body: bytes) -> bool:
    """Replace the stored steps, unless they are the same or were pruned; whether they were replaced."""
    stored = trajectory_bodies.c
    owned = (stored.library_id == library.id) & (stored.trajectory_id == known["id"])
    replaced = await connection.execute(update(trajectory_bodies).where(owned, stored.body != body).values(body=body))
    return bool(replaced.rowcount)


async def _settle_groups(
    connection: AsyncConnection, library: Library, known: RowMapping, group: Group, *, counts: set[str]
) -> None:
    """Count the groups that an attempt left and entered; one that is empty now and was never learned goes."""
    graded = known["reward"] is not None
    if counts:
        await regroup(connection, library, group, news=graded)
    if known["group_id"] != group.id:
        before = await lock_group(connection, library, str(known["group_id"]))
        left = await regroup(connection, library, before, news=graded)
        if left.size == 0:
            await _drop(connection, library, left.id)
    elif known["task"] == group.task:
        owned = (groups.c.library_id == library.id) & (groups.c.id == group.id)
        task = select(trajectories.c.task).where(
            trajectories.c.library_id == library.id, trajectories.c.id == known["id"]
        )
        await connection.execute(
            update(groups).where(owned).values(task=task.scalar_subquery(), updated_at=time.time())
        )


async def _drop(connection: AsyncConnection, library: Library, group_id: str) -> None:
    learned = exists().where(learned_groups.c.library_id == library.id, learned_groups.c.group_id == group_id)
    owned = (groups.c.library_id == library.id) & (groups.c.id == group_id)
    await connection.execute(delete(groups).where(owned, ~learned))
