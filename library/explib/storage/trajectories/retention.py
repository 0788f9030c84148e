"""Letting old steps go: what a trajectory was for, its reward and what was learned from it stay."""

from __future__ import annotations

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from explib.models.libraries import Library
from explib.storage.database import Database
from explib.storage.tables.trajectories import groups, trajectories, trajectory_bodies
from explib.storage.trajectories.rewards import lock_group, regroup

BATCH = 50
"""Trajectories in one transaction: bounds how long others wait."""


async def prune(database: Database, library: Library, before: float) -> int:
    """Delete the steps of trajectories submitted before that time; how many. Groups that are ready keep theirs."""
    pruned = 0
    while done := await database.write(lambda connection: _batch(connection, database, library, before)):
        pruned += done
    return pruned


async def _batch(connection: AsyncConnection, database: Database, library: Library, before: float) -> int:
    old = (trajectories.c.library_id == library.id) & trajectories.c.pruned_at.is_(None)
    old &= trajectories.c.created_at < before
    found = await connection.execute(
        select(trajectories.c.id, trajectories.c.group_id)
        .join(groups, (groups.c.library_id == trajectories.c.library_id) & (groups.c.id == trajectories.c.group_id))
        .where(old, groups.c.state != "ready")
        .order_by(trajectories.c.group_id, trajectories.c.id)
        .limit(BATCH)
    )
    by_group: dict[str, list[str]] = {}
    for row in found:
        by_group.setdefault(row.group_id, []).append(row.id)
    for group, ids in by_group.items():
        await _prune_group(connection, database, library, group, ids)
    return sum(map(len, by_group.values()))


async def _prune_group(
    connection: AsyncConnection, database: Database, library: Library, group: str, ids: list[str]
) -> None:
    before = await lock_group(connection, library, group)
    bodies = (trajectory_bodies.c.library_id == library.id) & trajectory_bodies.c.trajectory_id.in_(ids)
    await connection.execute(delete(trajectory_bodies).where(bodies))
    owned = (trajectories.c.library_id == library.id) & trajectories.c.id.in_(ids)
    await connection.execute(update(trajectories).where(owned).values(pruned_at=database.now()))
    await regroup(connection, library, before, news=False)
