"""Times that lie in the future: a machine's clock was ahead when they were written, or is behind now."""

from __future__ import annotations

from sqlalchemy import func, select

from explib.storage.database import Database
from explib.storage.tables.learning import leases
from explib.storage.tables.libraries import libraries
from explib.storage.tables.revisions import revisions
from explib.storage.tables.trajectories import groups, trajectories

TOLERATED_SECONDS = 120.0
"""Clocks that differ by less are taken for right."""
LONGEST_LEASE = 3_600.0
LONGEST_WAIT = 86_400.0
"""Seconds; no lease and no wait of a group is longer."""


async def times_ahead(database: Database) -> dict[str, int]:
    """Table → how many of its times no right clock has written; tables without such are left out."""
    now, found = database.now(), {}
    limits = (
        (trajectories.c.created_at, now + TOLERATED_SECONDS),
        (revisions.c.created_at, now + TOLERATED_SECONDS),
        (libraries.c.created_at, now + TOLERATED_SECONDS),
        (leases.c.expires_at, now + LONGEST_LEASE),
        (groups.c.not_before, now + LONGEST_WAIT),
    )
    async with database.read() as connection:
        for column, latest in limits:
            count = (await connection.execute(select(func.count()).where(column > latest))).scalar_one()
            if count:
                found[column.table.name] = int(count)
    return found
