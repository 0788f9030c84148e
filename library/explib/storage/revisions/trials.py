"""Revisions on trial: each is tried against what was last accepted of what it changed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from explib.history.trials import affected_ids, drop_changed, start_trial
from explib.models.libraries import Library
from explib.models.retrievals import Trial
from explib.models.revisions import Change
from explib.storage import rows
from explib.storage.database import Database
from explib.storage.tables.evidence import trials


@dataclass(frozen=True, slots=True)
class Revised:
    """The effect of a commit on trials."""

    number: int
    changes: Sequence[Change]
    tried: bool
    """True for a commit of the kind that is tried."""
    ends: Trial | None


@dataclass(frozen=True, slots=True)
class Trials:
    """The trials of every library of one database. They begin and end in `Revisions.commit`."""

    database: Database

    async def all(self, library: Library) -> list[Trial]:
        """Every trial, newest first."""
        where = trials.c.library_id == library.id
        return [
            rows.trial(row)
            for row in await self.database.rows(select(trials).where(where).order_by(trials.c.revision.desc()))
        ]

    async def running(self, library: Library) -> list[Trial]:
        """The trials that have not ended, oldest first."""
        async with self.database.read() as connection:
            return await _running(connection, library)


async def follow_trials(connection: AsyncConnection, database: Database, library: Library, revised: Revised) -> None:
    """End and begin trials by what a commit changed, inside its transaction."""
    if revised.ends is not None:
        await _put(connection, library, revised.ends)
    if not revised.changes:
        return
    running = await _running(connection, library)
    for trial in running:
        gone = affected_ids(trial, revised.changes)
        if gone:
            await _put(connection, library, drop_changed(trial, gone) or _superseded(trial, revised.number))
    new = start_trial(revised.number, revised.changes, running, time.time()) if revised.tried else None
    if new is not None:
        values = {**rows.trial.values(new), "library_id": library.id}
        await connection.execute(database.dialect.insert(trials).values(**values))


def _superseded(trial: Trial, number: int) -> Trial:
    reason = f"what it changed was changed again in revision {number}"
    return replace(trial, state="superseded", reason=reason, ended_at=time.time())


async def _put(connection: AsyncConnection, library: Library, trial: Trial) -> None:
    """The trial as it is now, unless it has ended already."""
    where = (trials.c.library_id == library.id) & (trials.c.revision == trial.revision) & (trials.c.state == "running")
    await connection.execute(update(trials).where(where).values(**rows.trial.values(trial)))


async def _running(connection: AsyncConnection, library: Library) -> list[Trial]:
    where = (trials.c.library_id == library.id) & (trials.c.state == "running")
    found = await connection.execute(select(trials).where(where).order_by(trials.c.revision))
    return [rows.trial(row) for row in found.mappings()]
