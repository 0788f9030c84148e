"""Trajectories: stored once, graded now or later, always inside a group that knows whether it can be learned."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from explib.errors import InvalidInput, StorageError, UnknownTrajectory
from explib.models.libraries import Library
from explib.models.submissions import Grade, Receipt, Submission
from explib.models.trajectories import Attempt, AttemptFilter, Trajectory
from explib.storage import rows
from explib.storage.database import Database
from explib.storage.libraries.settings import lock_settings
from explib.storage.tables.libraries import libraries
from explib.storage.tables.trajectories import trajectories, trajectory_bodies
from explib.storage.trajectories.listing import listed
from explib.storage.trajectories.retention import prune
from explib.storage.trajectories.rewards import is_trajectory, regrade, scored
from explib.storage.trajectories.submitting import Submissions
from explib.trajectories import decode_steps
from explib.trajectories.rewards import checked_reward


@dataclass(frozen=True, slots=True)
class Trajectories:
    """Every trajectory of one database."""

    database: Database

    async def submit(self, library: Library, submission: Submission) -> Receipt:
        """Durable when it returns; the same submission twice gives the same trajectory.

        Raises InvalidReward, UnknownRetrieval, IdempotencyConflict (the key was used for other content) and
        RewardConflict (the same submission with another reward).
        """
        return await Submissions(self.database).submit(library, submission)

    async def locate(
        self,
        *,
        trajectory_id: str | None = None,
        retrieval_id: str | None = None,
        within: Collection[str] | None = None,
    ) -> tuple[Library, str]:
        """The library and id of a trajectory named by its own id or by the retrieval it was submitted under.

        `within` names the libraries to look in; None: all. Raises InvalidInput, UnknownTrajectory.
        """
        if (trajectory_id is None) == (retrieval_id is None):
            raise InvalidInput("Pass either trajectory_id or retrieval_id: one of them, not both.")
        named = (
            trajectories.c.id == trajectory_id
            if trajectory_id is not None
            else trajectories.c.retrieval_id == retrieval_id
        )
        if within is not None:
            named &= libraries.c.name.in_(within)
        statement = select(trajectories.c.id.label("trajectory"), libraries).join(libraries).where(named).limit(2)
        found = await self.database.rows(statement)
        if not found:
            if trajectory_id is not None:
                raise UnknownTrajectory
            raise UnknownTrajectory(
                "No trajectory was submitted under this retrieval_id: call submit_trajectory with it first, "
                "with the reward if it is stored."
            )
        if len(found) > 1:
            raise InvalidInput("Several trajectories were submitted under this retrieval_id: pass the trajectory_id.")
        return rows.library(found[0]), found[0]["trajectory"]

    async def report_reward(self, library: Library, trajectory_id: str, grade: Grade) -> Receipt:
        """Give or correct the reward of a stored trajectory. `duplicate` says that it had this reward already.

        Raises InvalidReward, UnknownTrajectory, and RewardConflict where a signed reward may not be replaced by it.
        """
        grade = replace(grade, reward=checked_reward(grade.reward, library.settings))

        async def write(connection: AsyncConnection) -> Receipt:
            now = await lock_settings(connection, library)
            checked_reward(grade.reward, now.settings)
            named = select(trajectories).where(is_trajectory(library, trajectory_id)).with_for_update(key_share=True)
            row = (await connection.execute(named)).mappings().first()
            if row is None:
                raise UnknownTrajectory
            receipt = await regrade(connection, now, row, grade)
            if receipt.duplicate:
                return receipt
            return await scored(connection, self.database, now, row["retrieval_id"], receipt)

        return await self.database.write(write, idempotent=True, explicit_locks=True)

    async def prune(self, library: Library, before: float) -> int:
        """Let the steps of older trajectories go (seconds since the epoch); how many. See `retention`."""
        return await prune(self.database, library, before)

    async def get(self, library: Library, trajectory_id: str) -> Attempt:
        """One trajectory with its steps: none where they were pruned. Raises UnknownTrajectory, StorageError."""
        joined = select(trajectories, trajectory_bodies.c.body).outerjoin(trajectory_bodies)
        row = await self.database.row(joined.where(is_trajectory(library, trajectory_id)))
        if row is None:
            raise UnknownTrajectory
        if row["body"] is None and row["pruned_at"] is None:
            raise StorageError(f"The steps of {trajectory_id} are missing: see `explib db check`.")
        return Attempt(rows.trajectory(row), () if row["body"] is None else decode_steps(row["body"]))

    async def heads(self, library: Library, ids: list[str]) -> list[Trajectory]:
        """The named trajectories without their steps, oldest first."""
        owned = (trajectories.c.library_id == library.id) & self.database.dialect.among(trajectories.c.id, ids)
        return [
            rows.trajectory(row)
            for row in await self.database.rows(select(trajectories).where(owned).order_by(trajectories.c.id))
        ]

    async def listed(self, library: Library, wanted: AttemptFilter, limit: int) -> tuple[int, list[Trajectory]]:
        """How many such attempts there are, and the newest of them without their steps, newest first."""
        return await listed(self.database, library, wanted, limit)

    async def newest(self, library: Library) -> Trajectory | None:
        """The attempt that was stored last, without its steps."""
        column = trajectories.c
        last = select(trajectories).where(column.library_id == library.id).order_by(column.id.desc()).limit(1)
        return next((rows.trajectory(row) for row in await self.database.rows(last)), None)

    async def best(self, library: Library, least: float, limit: int) -> list[Trajectory]:
        """Trajectories with at least this reward, without their steps: the highest rewards first, then the newest."""
        column = trajectories.c
        mine = (column.library_id == library.id) & (column.reward >= least) & column.pruned_at.is_(None)
        chosen = select(trajectories).where(mine).order_by(column.reward.desc(), column.id.desc()).limit(limit)
        return [rows.trajectory(row) for row in await self.database.rows(chosen)]
