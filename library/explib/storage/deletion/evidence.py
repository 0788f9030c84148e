"""Taking back what deleted attempts did to the evidence, and their words in the records of what was served."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from explib.models.libraries import Library
from explib.storage.database import Database
from explib.storage.evidence.counters import apply_reward, withdraw_reward
from explib.storage.tables.evidence import retrievals
from explib.storage.tables.trajectories import trajectories


async def take_back(
    connection: AsyncConnection, database: Database, library: Library, named: Collection[str], tasks: Collection[str]
) -> None:
    """After attempts are gone: their rewards under the retrievals `named` count no more, their tasks are blanked.

    That something was served stays on record. A task that another attempt has stays, too.
    """
    for retrieval_id in sorted(named):
        await apply_reward(connection, database, library, retrieval_id)
        await withdraw_reward(connection, database, library, retrieval_id)
    owned = trajectories.c.library_id == library.id
    among = database.dialect.among
    left = await connection.execute(
        select(trajectories.c.task).distinct().where(owned, among(trajectories.c.task, tasks))
    )
    gone = set(tasks) - set(left.scalars())
    mine = (retrievals.c.library_id == library.id) & among(retrievals.c.task, gone)
    await connection.execute(update(retrievals).where(mine, func.length(retrievals.c.task) > 0).values(task=""))
