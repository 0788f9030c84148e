"""Runs of practice, and their rollouts that any machine on the database may take, each leased to one at a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, RowMapping, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from explib.models.json_value import Json
from explib.models.libraries import Library
from explib.models.practice import PracticeRun, SharedRollout
from explib.storage.database import Database
from explib.storage.learning.leases import LONGEST_SECONDS
from explib.storage.tables.practice import practice_rollouts as rollouts
from explib.storage.tables.practice import practice_runs as runs

_COLUMNS = (rollouts.c.key, rollouts.c.rollout, rollouts.c.holder, rollouts.c.outcome)


@dataclass(frozen=True, slots=True)
class PracticeRuns:
    """Every run of one database."""

    database: Database

    async def begin(self, library: Library, run: str, engine: Mapping[str, Json]) -> None:
        """A run has begun, or goes on."""
        now = self.database.now()
        new = {"library_id": library.id, "id": run, "engine": engine, "summary": {}, "started_at": now}
        changed = {"engine": engine, "ended_at": None}

        async def store(connection: AsyncConnection) -> None:
            adding = self.database.dialect.insert(runs).values(new)
            key = [runs.c.library_id, runs.c.id]
            await connection.execute(adding.on_conflict_do_update(index_elements=key, set_=changed))

        await self.database.write(store, idempotent=True)

    async def end(self, library: Library, run: str, summary: Mapping[str, Json]) -> None:
        """A run has ended, for now at least; what came of it."""
        same = (runs.c.library_id == library.id) & (runs.c.id == run)
        ended = update(runs).where(same).values(summary=summary, ended_at=self.database.now())
        await self.database.write(lambda connection: connection.execute(ended), idempotent=True)

    async def all(self, library: Library) -> list[PracticeRun]:
        """The library's runs, the newest first."""
        owned = select(runs).where(runs.c.library_id == library.id).order_by(runs.c.started_at.desc(), runs.c.id)
        return [PracticeRun(**row) for row in await self.database.rows(owned)]

    async def publish(self, library: Library, run: str, wanted: Mapping[str, Mapping[str, Json]]) -> None:
        """From now on anybody may take these rollouts, by key; those that are known stay as they are."""
        values = [
            {**_of(library, run), "key": key, "rollout": rollout, "holder": "", "leased_until": 0.0}
            for key, rollout in wanted.items()
        ]

        async def store(connection: AsyncConnection) -> None:
            await connection.execute(self.database.dialect.insert(rollouts).on_conflict_do_nothing(), values)

        await self.database.write(store, idempotent=True)

    async def take(self, library: Library, run: str, holder: str, number: int, seconds: float) -> list[SharedRollout]:
        """At most so many that nobody is at, leased to the holder."""
        free = select(rollouts.c.key).where(_open(library, run), self._lapsed).order_by(rollouts.c.key).limit(number)
        until = self.database.now() + min(seconds, LONGEST_SECONDS)

        async def lease(connection: AsyncConnection) -> list[SharedRollout]:
            keys = (await connection.execute(free.with_for_update(skip_locked=True))).scalars().all()
            mine = update(rollouts).where(_open(library, run), rollouts.c.key.in_(keys))
            taken = await connection.execute(mine.values(holder=holder, leased_until=until).returning(*_COLUMNS))
            return [_rollout(row) for row in taken.mappings()]

        return await self.database.write(lease, explicit_locks=True)

    async def prolong(self, library: Library, run: str, holder: str, seconds: float) -> None:
        """Keep what the holder is at."""
        held = update(rollouts).where(_open(library, run), rollouts.c.holder == holder)
        kept = held.values(leased_until=self.database.now() + min(seconds, LONGEST_SECONDS))
        await self.database.write(lambda connection: connection.execute(kept), idempotent=True, explicit_locks=True)

    async def settle(self, library: Library, run: str, key: str, holder: str, outcome: Mapping[str, Json]) -> bool:
        """What came of a rollout, once; False where another has taken it over, or it is no longer wanted."""
        mine = update(rollouts).where(_open(library, run), rollouts.c.key == key, rollouts.c.holder == holder)

        async def store(connection: AsyncConnection) -> bool:
            return (await connection.execute(mine.values(outcome=outcome))).rowcount == 1

        return await self.database.write(store, explicit_locks=True)

    async def leave(self, library: Library, run: str, key: str, holder: str, seconds: float) -> None:
        """Let the holder's rollout go; anybody may take it after so many seconds."""
        mine = update(rollouts).where(_open(library, run), rollouts.c.key == key, rollouts.c.holder == holder)
        left = mine.values(holder="", leased_until=self.database.now() + min(seconds, LONGEST_SECONDS))
        await self.database.write(lambda connection: connection.execute(left), idempotent=True, explicit_locks=True)

    async def settled(self, library: Library, run: str) -> list[SharedRollout]:
        """Those of which something came."""
        return await self._select(_owned(library, run) & rollouts.c.outcome.is_not(None))

    async def taken(self, library: Library, run: str) -> list[SharedRollout]:
        """Those that somebody is at."""
        return await self._select(_open(library, run) & ~self._lapsed)

    async def drop(self, library: Library, run: str, keys: Iterable[str]) -> None:
        """Forget these, whatever came of them."""
        gone = delete(rollouts).where(_owned(library, run), rollouts.c.key.in_(list(keys)))
        await self.database.write(lambda connection: connection.execute(gone), idempotent=True)

    async def withdraw(self, library: Library, run: str, holder: str) -> None:
        """Forget those that nobody is at, and the holder's own: they are not begun any more."""
        free = self._lapsed | (rollouts.c.holder == holder)
        gone = delete(rollouts).where(_open(library, run), free)
        await self.database.write(lambda connection: connection.execute(gone), idempotent=True)

    @property
    def _lapsed(self) -> ColumnElement[bool]:
        return self.database.reached(rollouts.c.leased_until, LONGEST_SECONDS)

    async def _select(self, condition: ColumnElement[bool]) -> list[SharedRollout]:
        found: Sequence[RowMapping] = await self.database.rows(select(*_COLUMNS).where(condition))
        return [_rollout(row) for row in found]


def _of(library: Library, run: str) -> dict[str, int | str]:
    return {"library_id": library.id, "run_id": run}


def _owned(library: Library, run: str) -> ColumnElement[bool]:
    return (rollouts.c.library_id == library.id) & (rollouts.c.run_id == run)


def _open(library: Library, run: str) -> ColumnElement[bool]:
    return _owned(library, run) & rollouts.c.outcome.is_(None)


def _rollout(row: RowMapping) -> SharedRollout:
    return SharedRollout(**row)
