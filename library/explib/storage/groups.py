"""Groups: which are ready, which try they are at, and what an analyst reads of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from explib.groups import SPREAD
from explib.models import Attempt, GradedGroup, Group, GroupState, Lease, Library
from explib.storage import rows
from explib.storage.engine import Database
from explib.storage.leases import check_lease
from explib.storage.tables import groups, libraries, trajectories, trajectory_bodies
from explib.trajectories import decode_steps


@dataclass(frozen=True, slots=True)
class Groups:
    """Every group of one database. `clock` gives seconds since the epoch."""

    database: Database
    clock: Callable[[], float]

    async def all(self, library: Library, state: GroupState | None = None) -> list[Group]:
        """The library's groups, in the order in which they were last touched."""
        mine = groups.c.library_id == library.id
        where = mine if state is None else mine & (groups.c.state == state)
        async with self.database.read() as connection:
            found = await connection.execute(select(groups).where(where).order_by(groups.c.updated_at, groups.c.id))
            return [rows.group(row) for row in found.mappings()]

    async def waiting_libraries(self) -> list[str]:
        """Names of the libraries that have groups to learn now, the longest waiting first."""
        due = (groups.c.state == "ready") & (groups.c.not_before <= self.clock())
        statement = (
            select(libraries.c.name)
            .join(groups)
            .where(due)
            .group_by(libraries.c.name)
            .order_by(func.min(groups.c.updated_at))
        )
        async with self.database.read() as connection:
            return [str(row[0]) for row in await connection.execute(statement)]

    async def claim(self, library: Library, lease: Lease, limit: int) -> list[Group]:
        """Up to `limit` ready groups, each with this try counted: a group that kills its worker is counted too.

        Raises LeaseLost.
        """

        async def count(connection: AsyncConnection) -> list[Group]:
            await check_lease(connection, lease)
            due = (groups.c.library_id == library.id) & (groups.c.state == "ready")
            due &= groups.c.not_before <= self.clock()
            found = await connection.execute(
                select(groups.c.id).where(due).order_by(groups.c.updated_at, groups.c.id).limit(limit)
            )
            ids = [row[0] for row in found]
            chosen = groups.c.id.in_(ids)
            await connection.execute(update(groups).where(chosen).values(tries=groups.c.tries + 1))
            claimed = await connection.execute(select(groups).where(chosen).order_by(groups.c.updated_at, groups.c.id))
            return [rows.group(row) for row in claimed.mappings()]

        return await self.database.write(count)

    async def postpone(
        self, group: Group, lease: Lease, reason: str, *, not_before: float, counts: bool, dead: bool
    ) -> None:
        """Note why a claimed group was not learned: tried again from `not_before` on, or dead.

        A group that got new rewards meanwhile keeps its new state. Raises LeaseLost.
        """

        async def note(connection: AsyncConnection) -> None:
            await check_lease(connection, lease)
            unchanged = (groups.c.id == group.id) & (groups.c.graded_version == group.graded_version)
            await connection.execute(
                update(groups)
                .where(unchanged)
                .values(
                    state="dead" if dead else "ready",
                    reason=reason,
                    not_before=not_before,
                    tries=group.tries if counts else group.tries - 1,
                )
            )

        await self.database.write(note)

    async def retry_dead(self, library: Library) -> int:
        """Make the library's dead groups ready again; how many there were."""

        async def revive(connection: AsyncConnection) -> int:
            dead = (groups.c.library_id == library.id) & (groups.c.state == "dead")
            done = await connection.execute(
                update(groups).where(dead).values(state="ready", reason="retried by hand", tries=0, not_before=0.0)
            )
            return done.rowcount

        return await self.database.write(revive)

    async def graded(self, library: Library, chosen: Sequence[Group]) -> tuple[GradedGroup, ...]:
        """The groups with their graded attempts, oldest first."""
        attempts = await self._attempts(library, [group.id for group in chosen])
        return tuple(GradedGroup(group, tuple(attempts.get(group.id, ()))) for group in chosen)

    async def contrasting(self, library: Library, limit: int) -> tuple[GradedGroup, ...]:
        """The library's groups whose rewards differ, at most the `limit` last touched."""
        spread = (
            select(trajectories.c.group_id)
            .where(trajectories.c.library_id == library.id)
            .group_by(trajectories.c.group_id)
            .having(func.max(trajectories.c.reward) - func.min(trajectories.c.reward) > SPREAD)
        )
        statement = select(groups).where(groups.c.id.in_(spread)).order_by(groups.c.updated_at.desc()).limit(limit)
        async with self.database.read() as connection:
            found = [rows.group(row) for row in (await connection.execute(statement)).mappings()]
        return await self.graded(library, sorted(found, key=lambda group: group.id))

    async def _attempts(self, library: Library, ids: Collection[str]) -> dict[str, list[Attempt]]:
        statement = (
            select(trajectories, trajectory_bodies.c.body)
            .join(trajectory_bodies)
            .where(
                trajectories.c.library_id == library.id,
                trajectories.c.group_id.in_(ids),
                trajectories.c.reward.is_not(None),
            )
            .order_by(trajectories.c.id)
        )
        found: dict[str, list[Attempt]] = {}
        async with self.database.read() as connection:
            for row in (await connection.execute(statement)).mappings():
                attempt = Attempt(rows.trajectory(row), decode_steps(row["body"]))
                found.setdefault(attempt.trajectory.group_id, []).append(attempt)
        return found
