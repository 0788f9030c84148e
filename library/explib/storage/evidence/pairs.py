"""Planned pairs in the evidence: two rollouts of one task, each experience by a coin in the one or in the other.

A pair is one retrieval, that of its first rollout, with what both rewards have in common as its baseline: of the score
X = (z − ½)(r₁ − r₂)/2 the expectation is lift/4, as of any reward under a fair coin, and the task's difficulty is
gone from it. No attempt stands behind it, for nothing is learned from a proof.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from explib.evidence.ledger import CounterKey, Delta, add, entries_of_reward
from explib.models.libraries import Library
from explib.models.retrievals import Retrieval, Serving
from explib.storage.database import Database
from explib.storage.evidence.batches import insert
from explib.storage.evidence.counters import MOST_TICKS, apply_deltas, increment_totals
from explib.storage.tables.evidence import retrievals

PREFIX = "p_"
"""Of the ids of pairs among those of retrievals."""
COIN = 0.5
_DIGITS = 30


@dataclass(frozen=True, slots=True)
class Pair:
    """Two rollouts of one task and their rewards, as shares of the range."""

    key: str
    """Names it for ever: a pair is entered once."""
    task: str
    revision: int
    drawn: tuple[tuple[str, int, bool], ...]
    """Id and version of each experience, and whether the first rollout was told it; the second was told the others."""
    rewards: tuple[float, float]

    @property
    def retrieval(self) -> Retrieval:
        """The record of it."""
        first, second = self.rewards
        return Retrieval(
            PREFIX + sha256(self.key.encode()).hexdigest()[:_DIGITS],
            self.task,
            self.revision,
            tuple(Serving(identity, version, 1.0, COIN, told) for identity, version, told in self.drawn),
            time.time(),
            baseline=(first + second) / 2,
            reporting=1.0,
            reward=first,
        )


async def enter_pairs(database: Database, library: Library, pairs: Sequence[Pair]) -> int:
    """Enter those that are not entered yet; how many they were."""
    made = {retrieval.id: retrieval for retrieval in (pair.retrieval for pair in pairs)}

    async def write(connection: AsyncConnection) -> int:
        owned = retrievals.c.library_id == library.id
        among = owned & database.dialect.among(retrievals.c.id, made)
        known = set((await connection.execute(select(retrievals.c.id).where(among))).scalars())
        new = [retrieval for identity, retrieval in made.items() if identity not in known]
        if not new:
            return 0
        counted = {"retrievals": len(new), "rewards": len(new), "tick": MOST_TICKS + 1}  # no retrieval's own tick
        shares = sum(retrieval.reward or 0.0 for retrieval in new)
        totals = await increment_totals(connection, database, library.id, reward_total=shares, **counted)
        await insert(connection, database, library.id, totals, new)
        entries: dict[CounterKey, Delta] = {}
        for retrieval in new:
            add(entries, entries_of_reward(retrieval, None, retrieval.reward or 0.0, counted=False))
        await apply_deltas(connection, database, library.id, entries)
        return len(new)

    return await database.write(write, idempotent=True) if made else 0
