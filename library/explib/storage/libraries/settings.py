"""Changing a library's settings, and what depends on them: whether its rewards still fit, which groups are ready."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from sqlalchemy import bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from explib.errors import InvalidSetting
from explib.models.learning import Cost
from explib.models.libraries import Library, LibrarySettings
from explib.models.revisions import Revision
from explib.settings.library import LibraryChanges, changed, difference
from explib.storage import rows
from explib.storage.database import Database
from explib.storage.revisions.proposal import insert_revision
from explib.storage.tables.libraries import libraries
from explib.storage.tables.trajectories import trajectories
from explib.text.words import number_of

_SETTLED = select(libraries).where(libraries.c.id == bindparam("owner")).with_for_update(read=True, key_share=True)
"""Built once: building a statement takes longer than running it."""


MOST_IN_MEMORY = 250_000
"""Experiences of a library that is searched in memory alone."""


@dataclass(frozen=True, slots=True)
class ChangeOfSettings:
    """A person's change of a library's settings, with its reason."""

    changes: LibraryChanges
    author: str
    reason: str = ""


async def change_settings(
    connection: AsyncConnection, database: Database, library_id: int, change: ChangeOfSettings
) -> Library:
    """The library with changed settings, at a revision of its own, inside a writing transaction.

    What others changed meanwhile stays. FOR UPDATE waits for every submission and reward that is under way, and they
    for it (see `lock_settings`): their rewards fit the old settings and are looked at here, or they are held
    to the new ones.
    """
    owned = libraries.c.id == library_id
    before = rows.library((await connection.execute(select(libraries).where(owned).with_for_update())).mappings().one())
    settings = changed(before.settings, change.changes)
    if settings == before.settings:
        return before
    check_size(database, settings)
    await _check_rewards(connection, before, settings)
    number, cause = before.revision + 1, change.reason or "settings changed"
    said = difference(before.settings, settings)
    revision = Revision(number, cause, change.author, (), (), (), Cost(), time.time(), said)
    stored = rows.SETTINGS.dump_python(settings, mode="json")
    await insert_revision(connection, database, library_id, revision, settings=stored)
    return replace(before, settings=settings, revision=revision.number)


async def lock_settings(connection: AsyncConnection, library: Library) -> Library:
    """The library as it is now; its settings stay so until the transaction ends."""
    return rows.library((await connection.execute(_SETTLED, {"owner": library.id})).mappings().one())


def check_size(database: Database, settings: LibrarySettings) -> None:
    """Raises InvalidSetting where the engine can't search so many experiences."""
    if settings.max_experiences > MOST_IN_MEMORY and database.dialect.search is None:
        raise InvalidSetting(
            f"max_experiences must be 1 to {MOST_IN_MEMORY:,} in SQLite: for more use PostgreSQL (docs/postgresql.md)."
        )


async def _check_rewards(connection: AsyncConnection, library: Library, settings: LibrarySettings) -> None:
    reward = trajectories.c.reward
    outside = (reward < settings.reward_min) | (reward > settings.reward_max)
    found = await connection.execute(
        select(func.count(), func.min(reward), func.max(reward)).where(trajectories.c.library_id == library.id, outside)
    )
    count, lowest, highest = found.one()
    if count:
        raise InvalidSetting(
            f"{library.name!r} has {number_of(count, 'reward')} outside {settings.reward_min:g} to "
            f"{settings.reward_max:g} (from {lowest:g} to {highest:g}): choose a range that holds them, correct them "
            "with report_reward, or use another library for the new range."
        )
