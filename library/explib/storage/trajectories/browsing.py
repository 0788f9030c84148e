"""Attempts as people look through them: pages of the newest, and mean rewards by day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from sqlalchemy import BigInteger, ColumnElement, Text, cast, func, select

from explib.models.libraries import Library
from explib.models.trajectories import Trajectory
from explib.storage import rows
from explib.storage.database import Database
from explib.storage.tables.evidence import retrievals
from explib.storage.tables.trajectories import trajectories

Kind: TypeAlias = Literal["graded", "ungraded", "served"]
"""Attempts with a reward, without one, and those that name a retrieval."""
DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Day:
    """The graded attempts that were stored on one day (UTC)."""

    at: float
    """The day's beginning, in seconds since the epoch."""
    served: bool
    """They name a retrieval; the others asked for no lessons."""
    attempts: int
    mean: float


@dataclass(frozen=True, slots=True)
class AttemptList:
    """The attempts of every library of one database."""

    database: Database

    async def page(
        self, library: Library, limit: int, before: str | None = None, kind: Kind | None = None, text: str = ""
    ) -> list[Trajectory]:
        """The newest attempts (older than the one of this id) whose task holds `text`, without their steps."""
        where = trajectories.c.library_id == library.id
        if before is not None:
            own = (trajectories.c.library_id == library.id) & (trajectories.c.id == before)
            last, at = select(trajectories.c.created_at).where(own).scalar_subquery(), trajectories.c.created_at
            where &= (at < last) | ((at == last) & (trajectories.c.id < before))
        if kind is not None:
            where &= _KINDS[kind]
        if text:
            where &= trajectories.c.task.icontains(text, autoescape=True)
        newest = select(trajectories).where(where).order_by(trajectories.c.created_at.desc(), trajectories.c.id.desc())
        return [rows.trajectory(row) for row in await self.database.rows(newest.limit(limit))]

    async def served_in(self, library: Library, retrieval_ids: list[str]) -> dict[str, list[str]]:
        """Retrieval's id → ids of the experiences that it served."""
        own = retrievals.c.library_id == library.id
        own &= self.database.dialect.among(retrievals.c.id, retrieval_ids)
        async with self.database.read() as connection:
            found = await connection.execute(select(retrievals.c.id, cast(retrievals.c.servings, Text)).where(own))
            read = rows.TEXTS["servings"].validate_json
            return {name: [each.experience_id for each in read(servings) if each.served] for name, servings in found}

    async def by_day(self, library: Library, since: float) -> list[Day]:
        """The mean rewards of the days since then, oldest first."""
        day = cast(trajectories.c.created_at, BigInteger) // DAY_SECONDS
        served = trajectories.c.retrieval_id.is_not(None)
        own = (trajectories.c.library_id == library.id) & (trajectories.c.created_at >= since)
        counted = (
            select(day, served, func.count(), func.avg(trajectories.c.reward))
            .where(own, trajectories.c.reward.is_not(None))
            .group_by(day, served)
            .order_by(day, served)
        )
        async with self.database.read() as connection:
            found = await connection.execute(counted)
            return [Day(number * DAY_SECONDS, bool(asked), count, mean) for number, asked, count, mean in found]


_KINDS: dict[Kind, ColumnElement[bool]] = {
    "graded": trajectories.c.reward.is_not(None),
    "ungraded": trajectories.c.reward.is_(None),
    "served": trajectories.c.retrieval_id.is_not(None),
}
