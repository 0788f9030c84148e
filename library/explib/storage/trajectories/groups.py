"""Groups: which are ready, which try they are at, and what an analyst reads of them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from sqlalchemy import ColumnElement, Double, RowMapping, Select, bindparam, case, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from explib.errors import StorageError
from explib.models.groups import Group, GroupAttempts, GroupState, Postponement
from explib.models.learning import Lease
from explib.models.libraries import Library
from explib.models.trajectories import Attempt
from explib.storage import rows
from explib.storage.database import Database
from explib.storage.learning.leases import check_lease
from explib.storage.tables.libraries import libraries
from explib.storage.tables.trajectories import groups, trajectories, trajectory_bodies
from explib.text.redaction import redacted
from explib.trajectories import decode_steps

log = logging.getLogger(__name__)
LONGEST_WAIT_SECONDS = 86_400.0
"""The longest that a group waits for its next try."""


@dataclass(frozen=True, slots=True)
class Groups:
    """Every group of one database."""

    database: Database

    async def all(self, library: Library, state: GroupState | None = None) -> list[Group]:
        """The library's groups, in the order in which they were last touched."""
        owned = groups.c.library_id == library.id
        where = owned if state is None else owned & (groups.c.state == state)
        return [
            rows.group(row)
            for row in await self.database.rows(select(groups).where(where).order_by(groups.c.updated_at, groups.c.id))
        ]

    async def libraries_with_work(self) -> list[str]:
        """Names of the libraries that have groups ready now; the one whose last turn is longest ago comes first.

        However many workers take from its start: none is passed over twice before all had a turn.
        """
        due = (groups.c.library_id == libraries.c.id) & (groups.c.state == "ready")
        due &= self._wait_is_over
        waiting = select(libraries.c.name).where(select(groups.c.id).where(due).exists())
        last_turn = case((libraries.c.turn_at > self.database.now(), 0.0), else_=libraries.c.turn_at)
        statement = waiting.order_by(last_turn, libraries.c.id)
        async with self.database.read() as connection:
            return [str(row[0]) for row in await connection.execute(statement)]

    async def any_ready(self) -> bool:
        """True where any library has a group that is ready, now or once its wait is over."""
        return await self.database.row(select(groups.c.id).where(groups.c.state == "ready").limit(1)) is not None

    async def due(self, library: Library, limit: int) -> list[Group]:
        """The groups that `claim` would take."""
        async with self.database.read() as connection:
            names = await self._due(connection, library, limit)
        return await self.still_due(library, names)

    async def still_due(self, library: Library, names: Sequence[str]) -> list[Group]:
        """The groups among these that are ready now, in the order in which they are named."""
        where = self._ready_now(library) & groups.c.id.in_(names)
        known = {row["id"]: rows.group(row) for row in await self.database.rows(select(groups).where(where))}
        return [known[name] for name in names if name in known]

    def _ready_now(self, library: Library) -> ColumnElement[bool]:
        ready = (groups.c.library_id == library.id) & (groups.c.state == "ready")
        return ready & self._wait_is_over

    @property
    def _wait_is_over(self) -> ColumnElement[bool]:
        return self.database.reached(groups.c.not_before, LONGEST_WAIT_SECONDS)

    async def _due(self, connection: AsyncConnection, library: Library, limit: int, *, lock: bool = False) -> list[str]:
        order = (groups.c.tries, groups.c.updated_at, groups.c.id)
        due = select(groups.c.id, groups.c.tries).where(self._ready_now(library)).order_by(*order).limit(limit)
        locked = due.with_for_update(skip_locked=True, key_share=True) if lock else due
        ready = (await connection.execute(locked)).all()
        return [row.id for row in ready if row.tries == 0] or [row.id for row in ready[:1]]

    async def claim(self, library: Library, lease: Lease, limit: int) -> list[Group]:
        """Up to `limit` ready groups, each with this try counted: a group that kills its worker is counted too.

        A group that was tried before comes alone, so that it takes no others with it. Raises LeaseLost.
        """

        async def count(connection: AsyncConnection) -> list[Group]:
            await check_lease(connection, lease)
            turn = update(libraries).where(libraries.c.id == library.id).values(turn_at=self.database.now())
            await connection.execute(turn)
            chosen = groups.c.library_id == library.id
            chosen &= groups.c.id.in_(await self._due(connection, library, limit, lock=True))
            await connection.execute(update(groups).where(chosen).values(tries=groups.c.tries + 1))
            claimed = await connection.execute(select(groups).where(chosen).order_by(groups.c.updated_at, groups.c.id))
            return [rows.group(row) for row in claimed.mappings()]

        return await self.database.write(count, explicit_locks=True)

    async def give_back(self, library: Library, claimed: Sequence[Group]) -> None:
        """Take back the tries that were counted for these groups: the worker was stopped, they are not to blame."""

        named = groups.c.id.in_([group.id for group in claimed])
        counted = (groups.c.library_id == library.id) & named & (groups.c.tries > 0) & (groups.c.state == "ready")

        async def uncount(connection: AsyncConnection) -> None:
            locked = select(groups.c.id).where(counted).order_by(groups.c.id).with_for_update(key_share=True)
            await connection.execute(locked)
            await connection.execute(update(groups).where(counted).values(tries=groups.c.tries - 1))

        await self.database.write(uncount, explicit_locks=True)

    async def postpone(self, library: Library, lease: Lease, postponements: Sequence[Postponement]) -> None:
        """Note why claimed groups were not learned, all in one transaction.

        A group that got new rewards meanwhile keeps its new state. Raises LeaseLost.
        """
        values = [
            {
                "postponed": each.group.id,
                "version": each.group.graded_version,
                "new_state": "dead" if each.dead else "ready",
                "new_reason": redacted(each.reason),
                "wait": min(each.wait, LONGEST_WAIT_SECONDS),
                "new_tries": each.group.tries - (not each.counts),
            }
            for each in sorted(postponements, key=lambda each: each.group.id)
        ]
        same = (groups.c.library_id == library.id) & (groups.c.id == bindparam("postponed"))
        statement = (
            update(groups)
            .where(same, groups.c.graded_version == bindparam("version"))
            .values(
                state=bindparam("new_state"),
                reason=bindparam("new_reason"),
                not_before=self.database.now() + bindparam("wait", type_=Double),
                tries=bindparam("new_tries"),
            )
        )

        async def note(connection: AsyncConnection) -> None:
            await check_lease(connection, lease)
            await connection.execute(statement, values)

        if values:
            await self.database.write(note, idempotent=True, explicit_locks=True)

    async def retry_dead(self, library: Library) -> int:
        """Make the library's dead groups ready again; how many there were."""

        async def revive(connection: AsyncConnection) -> int:
            dead = (groups.c.library_id == library.id) & (groups.c.state == "dead")
            done = await connection.execute(
                update(groups).where(dead).values(state="ready", reason="retried by hand", tries=0, not_before=0.0)
            )
            return done.rowcount

        return await self.database.write(revive, idempotent=True, explicit_locks=True)

    async def with_attempts(self, library: Library, chosen: Sequence[Group]) -> tuple[GroupAttempts, ...]:
        """The groups with their attempts whose steps are kept, oldest first.

        A group with a trajectory that cannot be read back is left out, and logged.
        """
        where = trajectories.c.group_id.in_([group.id for group in chosen])
        found = await self.database.rows(_bodies(library).where(where))
        attempts = await asyncio.to_thread(_decoded, found)
        return tuple(GroupAttempts(group, tuple(attempts[group.id])) for group in chosen if group.id in attempts)

    async def recent_tasks(self, library: Library, limit: int) -> list[str]:
        """The distinct tasks of the library's newest groups."""
        newest = select(groups.c.task).where(groups.c.library_id == library.id)
        rows_of_tasks = await self.database.rows(newest.order_by(groups.c.updated_at.desc()).limit(limit))
        return list(dict.fromkeys(str(row["task"]) for row in rows_of_tasks))

    async def history(self, library: Library, limit: int, max_bytes: int) -> tuple[Attempt, ...]:
        """The library's newest attempts, at most `limit` and `max_bytes` as stored; returned oldest first.

        Those of a group with a trajectory that cannot be read back are left out, and logged.
        """
        size = func.length(trajectory_bodies.c.body).label("bytes")
        sizes = select(trajectories.c.id, size).join(trajectory_bodies).where(trajectories.c.library_id == library.id)
        async with self.database.read() as connection:
            newest = (await connection.execute(sizes.order_by(trajectories.c.id.desc()).limit(limit))).all()
            total = accumulate(row.bytes for row in newest)
            fitting = [row.id for row, so_far in zip(newest, total, strict=True) if so_far <= max_bytes]
            where = trajectories.c.id >= (fitting[-1] if fitting else "~")
            found = (await connection.execute(_bodies(library).where(where))).mappings().all()
        by_group = await asyncio.to_thread(_decoded, found)
        attempts = (attempt for group in by_group.values() for attempt in group)
        return tuple(sorted(attempts, key=lambda attempt: attempt.trajectory.id))


def _bodies(library: Library) -> Select[tuple[object, ...]]:
    """Trajectories with their steps, oldest first."""
    joined = select(trajectories).add_columns(trajectory_bodies.c.body).join(trajectory_bodies)
    return joined.where(trajectories.c.library_id == library.id).order_by(trajectories.c.id)


def _decoded(found: Sequence[RowMapping]) -> dict[str, list[Attempt]]:
    """Group id → attempts, without the groups of which a trajectory is damaged."""
    attempts: dict[str, list[Attempt]] = {}
    damaged: set[str] = set()
    for row in found:
        try:
            attempt = Attempt(rows.trajectory(row), decode_steps(row["body"]))
        except StorageError:
            log.exception("trajectory %s cannot be read back", row["id"])
            damaged.add(row["group_id"])
        else:
            attempts.setdefault(attempt.trajectory.group_id, []).append(attempt)
    return {group: found for group, found in attempts.items() if group not in damaged}
