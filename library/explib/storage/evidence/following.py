"""The newest attempts whose model was shown lessons, with what they did at the lessons' decisions."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Text, cast, select

from explib.evidence.following import Following, Shown, followings
from explib.models.decisions import Code
from explib.models.experiences import Experience
from explib.models.libraries import Library
from explib.storage import rows
from explib.storage.database import Database
from explib.storage.tables.decisions import codes
from explib.storage.tables.evidence import retrievals
from explib.storage.tables.trajectories import trajectories

NEWEST = 2_000
"""Attempts that are counted, those of the newest retrievals: reading them takes a fifth of a second."""


@dataclass(frozen=True, slots=True)
class Followings:
    """What was seen and followed of the lessons of every library of one database."""

    database: Database

    async def of(self, library: Library, experiences: Sequence[Experience]) -> dict[str, Following]:
        """Experience id → its way through the newest attempts, of those that one of them saw."""
        shown = await self._shown(library)
        decisions = {each.decision_id for each in experiences if each.decision_id is not None}
        taken = await self._codes(library, decisions, shown) if shown and decisions else []
        return await asyncio.to_thread(followings, experiences, shown, taken)

    async def _shown(self, library: Library) -> list[Shown]:
        attempt, retrieval = trajectories.c, retrievals.c
        named = (retrieval.library_id == attempt.library_id) & (retrieval.id == attempt.retrieval_id)
        statement = (
            select(attempt.id, attempt.reward, cast(retrieval.servings, Text))
            .join_from(trajectories, retrievals, named)
            .where(attempt.library_id == library.id, attempt.retrieval_id.is_not(None))
            .order_by(attempt.retrieval_id.desc())
            .limit(NEWEST)
        )
        async with self.database.read() as connection:
            found = (await connection.execute(statement)).all()
        return await asyncio.to_thread(lambda: [_read(*row) for row in found])

    async def _codes(self, library: Library, decisions: set[str], shown: Sequence[Shown]) -> list[Code]:
        oldest = min(attempt.trajectory_id for attempt in shown)
        owned = (codes.c.library_id == library.id) & (codes.c.trajectory_id >= oldest)
        owned &= self.database.dialect.among(codes.c.decision_id, decisions)
        statement = select(codes.c.decision_id, codes.c.trajectory_id, codes.c.letter).where(owned)
        async with self.database.read() as connection:
            return [Code(*row) for row in await connection.execute(statement)]


def _read(trajectory_id: str, reward: float | None, servings: str) -> Shown:
    every = rows.TEXTS["servings"].validate_json(servings)
    return Shown(trajectory_id, reward, frozenset((each.experience_id, each.version) for each in every if each.served))
