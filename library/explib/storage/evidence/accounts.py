"""The evidence of every library, as it is read: sums for each account. See `entering` and `counting` for what adds."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from explib.evidence.ledger import EMPTY, PARTS, CounterKey, Counters, keys_of
from explib.evidence.sums import ScoreSums, score
from explib.models.experiences import Experience
from explib.models.libraries import Library
from explib.storage import rows
from explib.storage.database import Database
from explib.storage.evidence.batches import count, count_all, due
from explib.storage.evidence.counters import KEY, MOST_TICKS, RETRIEVAL, SUMS, Totals, totals_of
from explib.storage.tables.evidence import evidence, evidence_totals, retrievals, submitter_evidence
from explib.storage.tables.experiences import experiences
from explib.storage.tables.revisions import revisions


@dataclass(frozen=True, slots=True)
class EvidenceReader:
    """The evidence of every library of one database."""

    database: Database

    async def totals(self, library: Library) -> Totals:
        """Read at this moment."""
        return await totals_of(self.database, library.id)

    async def count_all(self, library: Library) -> None:
        """Enter all retrievals that are recorded by now, for who shows how often something was served."""
        if self.database.access != "read":
            await count_all(self.database, library.id)

    async def count_due(self, library: Library) -> None:
        """Enter recorded retrievals where so many wait that a verdict should not be made without them."""
        if due(await self.totals(library)):
            await count(self.database, library.id)

    async def since(self, library: Library, after: int, upto: int) -> dict[CounterKey, Counters]:
        """The accounts that were changed after one tick and up to another; all of them after −1, or many ticks."""
        async with self.database.read() as connection:
            if after < 0 or upto - after > MOST_TICKS:
                return _accounts(await connection.execute(_EVERYTHING, {"owner": library.id}))
            rewarded = await connection.execute(_REWARDED_SINCE, {"owner": library.id, "after": after})
            changed = set[CounterKey]().union(*(keys_of(rows.retrieval_of(columns)) for columns in rewarded))
            return await accounts_of(connection, self.database, library.id, changed)

    async def of(self, library: Library, keys: Iterable[CounterKey]) -> dict[CounterKey, Counters]:
        """The named accounts; those that nothing was entered in are empty."""
        async with self.database.read() as connection:
            return await accounts_of(connection, self.database, library.id, keys)

    async def by_submitter(
        self, library: Library, keys: Iterable[CounterKey]
    ) -> dict[CounterKey, dict[str, ScoreSums]]:
        """For each of the accounts, the sums of each submitter's own rewards."""
        wanted = set(keys)
        mine = submitter_evidence.c.library_id == library.id
        where = mine & self.database.dialect.among(submitter_evidence.c.subject, _subjects(wanted))
        found = await self.database.rows(select(submitter_evidence).where(where))
        shares: dict[CounterKey, dict[str, ScoreSums]] = {key: {} for key in wanted}
        for row in found:
            if (key := (row["kind"], row["subject"], row["version"])) in shares:
                shares[key][row["submitter"]] = ScoreSums(**{name: row[name] for name in SUMS})
        return shares

    async def held_out_scores(self, library: Library) -> list[tuple[float, ScoreSums]]:
        """When each rewarded retrieval with a hold-out was, and what it says of the library's uplift; oldest first."""
        mine = (retrievals.c.library_id == library.id) & (retrievals.c.holdout > 0) & retrievals.c.reward.is_not(None)
        columns = (retrievals.c.created_at, retrievals.c.holdout, retrievals.c.held_out, retrievals.c.reward)
        statement = select(*columns, retrievals.c.baseline).where(mine).order_by(retrievals.c.created_at)
        async with self.database.read() as connection:
            found = (await connection.execute(statement)).all()
        return [
            (
                row.created_at,
                score(served=not row.held_out, probability=1 - row.holdout, outcome=row.reward, baseline=row.baseline),
            )
            for row in found
        ]

    async def experiences(self, library: Library, ids: Collection[str], author: str) -> list[tuple[Experience, bool]]:
        """The named experiences, retired or not, and whether `author` made the revision that last changed each."""
        by = and_(
            revisions.c.library_id == experiences.c.library_id, revisions.c.number == experiences.c.updated_revision
        )
        statement = select(experiences, revisions.c.author).join_from(experiences, revisions, by)
        where = (experiences.c.library_id == library.id) & self.database.dialect.among(experiences.c.id, ids)
        found = await self.database.rows(statement.where(where).order_by(experiences.c.id))
        return [(rows.experience(row), row["author"] == author) for row in found]

    async def judged(self, library: Library, tick: int) -> None:
        """Note that everything up to `tick` was looked at."""

        async def note(connection: AsyncConnection) -> None:
            mine = (evidence_totals.c.library_id == library.id) & (evidence_totals.c.judged < tick)
            await connection.execute(update(evidence_totals).where(mine).values(judged=tick))

        await self.database.write(note)


async def accounts_of(
    connection: AsyncConnection, database: Database, library_id: int, keys: Iterable[CounterKey]
) -> dict[CounterKey, Counters]:
    """The named accounts; those that nothing was entered in are empty."""
    wanted = set(keys)
    if not wanted:
        return {}
    kinds = evidence.c.kind.in_({kind for kind, _, _ in wanted})
    named = kinds & database.dialect.among(evidence.c.subject, _subjects(wanted))
    held = _accounts(await connection.execute(_EVERYTHING.where(named), {"owner": library_id}))
    return {key: held.get(key, EMPTY) for key in wanted}


def _subjects(keys: Iterable[CounterKey]) -> set[str]:
    return {subject for _, subject, _ in keys}


def _accounts(found: Iterable[Sequence[Any]]) -> dict[CounterKey, Counters]:
    return {(kind, subject, version): Counters.of(numbers) for kind, subject, version, *numbers in found}


_EVERYTHING = select(*(evidence.c[name] for name in (*KEY[1:], *PARTS))).where(
    evidence.c.library_id == bindparam("owner")
)
_REWARDED_SINCE = select(*RETRIEVAL).where(
    retrievals.c.library_id == bindparam("owner"), retrievals.c.tick > bindparam("after")
)
