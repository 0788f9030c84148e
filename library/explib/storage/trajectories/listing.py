"""Attempts by what is known of them: the same condition for a list and for a deletion."""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, func, select

from explib.models.libraries import Library
from explib.models.trajectories import COMPARISONS, AttemptFilter, Trajectory
from explib.storage import rows
from explib.storage.database import Database
from explib.storage.tables.trajectories import trajectories
from explib.trajectories.readiness import group_id, group_key


async def listed(
    database: Database, library: Library, wanted: AttemptFilter, limit: int
) -> tuple[int, list[Trajectory]]:
    """How many attempts there are, and the newest of them without their steps, newest first."""
    where = condition(database, library, wanted)
    newest = select(trajectories).where(where).order_by(trajectories.c.created_at.desc(), trajectories.c.id.desc())
    async with database.read() as connection:
        counted = await connection.execute(select(func.count()).select_from(trajectories).where(where))
        found = (await connection.execute(newest.limit(limit))).mappings().all()
        return counted.scalar_one(), [rows.trajectory(row) for row in found]


def condition(database: Database, library: Library, wanted: AttemptFilter) -> ColumnElement[bool]:
    """The condition that an attempt is one of those."""
    column = trajectories.c
    parts = [column.library_id == library.id]
    if wanted.ids:
        parts.append(database.dialect.among(column.id, wanted.ids))
    if wanted.group is not None:
        parts.append(column.group_id.in_(_groups(library, wanted.group)))
    if wanted.agent is not None:
        parts.append(column.agent == wanted.agent)
    if wanted.model is not None:
        parts.append(column.model == wanted.model)
    if wanted.key is not None:
        parts.append(column.idempotency_key.startswith(wanted.key, autoescape=True))
    if wanted.since is not None:
        parts.append(column.created_at >= wanted.since)
    if wanted.reward is not None:
        sign, limit = wanted.reward
        parts.append(COMPARISONS[sign](column.reward, limit))
    if wanted.ungraded:
        parts.append(column.reward.is_(None))
    return and_(*parts)


def _groups(library: Library, named: str) -> list[str]:
    """Ids of the groups that a text can name: by their id, by their key, by their task."""
    keys = (group_key("", named), group_key(named, None))
    return [named, *(group_id(library.id, key) for key in keys)]
