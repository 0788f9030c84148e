"""The evidence of every library, as it is read: sums for each account. See `counters` and `batches` for what adds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, bindparam, func, select, true, update
from sqlalchemy.ext.asyncio import AsyncConnection

from explib.evidence.belief import SEVERAL
from explib.evidence.ledger import EMPTY, PARTS, SHORTLIST, CounterKey, Counters, keys_of
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
                return await _accounts(connection, library.id)
            rewarded = await connection.execute(_REWARDED_SINCE, {"owner": library.id, "after": after})
            changed = set[CounterKey]().union(*(keys_of(rows.retrieval_of(columns)) for columns in rewarded))
            return await accounts_of(connection, self.database, library.id, changed)

    async def of(self, library: Library, keys: Iterable[CounterKey]) -> dict[CounterKey, Counters]:
        """The named accounts; those that nothing was entered in are empty."""
        async with self.database.read() as connection:
            return await accounts_of(connection, self.database, library.id, keys)

    async def submitters(self, library: Library) -> int:
        """How many submitters have rewards of retrievals in which chance decided."""
        async with self.database.read() as connection:
            return await _submitters(connection, library.id)

    async def held_out_scores(self, library: Library) -> list[tuple[float, ScoreSums]]:
        """When each rewarded retrieval with a hold-out was, and what it says of the library's uplift; oldest first."""
        owned = (retrievals.c.library_id == library.id) & (retrievals.c.holdout > 0) & retrievals.c.reward.is_not(None)
        columns = (retrievals.c.created_at, retrievals.c.holdout, retrievals.c.held_out, retrievals.c.reward)
        statement = select(*columns, retrievals.c.baseline).where(owned).order_by(retrievals.c.created_at)
        async with self.database.read() as connection:
            found = (await connection.execute(statement)).all()
        return [
            (
                row.created_at,
                score(served=not row.held_out, probability=1 - row.holdout, outcome=row.reward, baseline=row.baseline),
            )
            for row in found
        ]

    async def newest_surprises(self, library: Library, most: int) -> list[float]:
        """The newest rewards, each less the baseline that was expected; oldest first."""
        surprise = (retrievals.c.reward - retrievals.c.baseline).label("surprise")
        owned = (retrievals.c.library_id == library.id) & retrievals.c.tick.is_not(None)
        statement = select(surprise).where(owned).order_by(retrievals.c.tick.desc()).limit(most)
        async with self.database.read() as connection:
            return list((await connection.execute(statement)).scalars())[::-1]

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
            owned = (evidence_totals.c.library_id == library.id) & (evidence_totals.c.judged < tick)
            await connection.execute(update(evidence_totals).where(owned).values(judged=tick))

        await self.database.write(note)


async def accounts_of(
    connection: AsyncConnection, database: Database, library_id: int, keys: Iterable[CounterKey]
) -> dict[CounterKey, Counters]:
    """The named accounts; those that nothing was entered in are empty."""
    wanted = set(keys)
    if not wanted:
        return {}
    subjects = {subject for _, subject, _ in wanted}
    named = [database.dialect.among(table.c.subject, subjects) for table in (evidence, submitter_evidence)]
    accounts = await _accounts(connection, library_id, named)
    return {key: accounts.get(key, EMPTY) for key in wanted}


async def _accounts(
    connection: AsyncConnection, library_id: int, named: Sequence[ColumnElement[bool]] = (true(), true())
) -> dict[CounterKey, Counters]:
    """The accounts, each with what is believed of it. Submitters' shares are read where there are several."""
    owner, (accounts_named, shares_named) = {"owner": library_id}, named
    shares: dict[CounterKey, list[ScoreSums]] = defaultdict(list)
    submitters = await _submitters(connection, library_id)
    if submitters >= SEVERAL:
        for kind, subject, version, *sums in await connection.execute(_SHARES.where(shares_named), owner):
            shares[kind, subject, version].append(ScoreSums(*sums))
    rows_found = await connection.execute(_EVERYTHING.where(accounts_named), owner)
    keyed = (((kind, subject, version), numbers) for kind, subject, version, *numbers in rows_found)
    return {key: Counters.of(numbers, shares.get(key, ()), submitters) for key, numbers in keyed}


async def _submitters(connection: AsyncConnection, library_id: int) -> int:
    return int((await connection.execute(_CROWD, {"owner": library_id})).scalar_one())


_EVERYTHING = select(*(evidence.c[name] for name in (*KEY[1:], *PARTS))).where(
    evidence.c.library_id == bindparam("owner")
)
_SHARES = select(*(submitter_evidence.c[name] for name in (*KEY[1:], *SUMS))).where(
    submitter_evidence.c.library_id == bindparam("owner")
)
_CROWD = (
    select(func.count())
    .select_from(submitter_evidence)
    .where(
        submitter_evidence.c.library_id == bindparam("owner"),
        submitter_evidence.c.kind == SHORTLIST[0],
        submitter_evidence.c.subject == SHORTLIST[1],
    )
)
_REWARDED_SINCE = select(*RETRIEVAL).where(
    retrievals.c.library_id == bindparam("owner"), retrievals.c.tick > bindparam("after")
)
