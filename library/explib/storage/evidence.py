"""The evidence of every library: sums for each account, entered with the retrieval and with its reward.

Both happen inside the transaction that stores the retrieval or the reward, so they happen exactly once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from sqlalchemy import Dialect, Executable, RowMapping, and_, bindparam, case, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from explib.evidence.ledger import EMPTY, Account, Key, entries_of_retrievals, entries_of_reward, experience_key
from explib.evidence.sums import NOTHING, Sums, baseline, score
from explib.groups import group_id, group_key
from explib.models.experiences import Experience
from explib.models.libraries import Library, LibrarySettings
from explib.models.retrievals import Retrieval
from explib.storage import rows
from explib.storage.engine import DIALECTS, Database, MakeInsert
from explib.storage.tables.evidence import evidence, evidence_totals, retrievals, submitter_evidence
from explib.storage.tables.experiences import experiences
from explib.storage.tables.revisions import revisions
from explib.storage.tables.trajectories import groups, trajectories

_SUMS = ("s", "w", "v", "n")
_COUNTED = ("retrievals", "rewards", "reward_total", "tick")
_ADDED = (*_SUMS, "served", "rewarded", "missing_s", "missing_w", "missing_v", "missing_n")
_MINE = (retrievals.c.library_id == bindparam("owner")) & (retrievals.c.id == bindparam("retrieval"))
_RETRIEVAL = select(retrievals).where(_MINE).with_for_update()
_REWARDED = update(retrievals).where(_MINE).values(reward=bindparam("reward"), submitter=bindparam("submitter"))
_GRADED = (
    select(trajectories.c.reward, trajectories.c.graded_by)
    .where(trajectories.c.library_id == bindparam("owner"), trajectories.c.retrieval_id == bindparam("retrieval"))
    .where(trajectories.c.reward.is_not(None))
    .order_by(trajectories.c.id)
)
_SIGNED = _GRADED.where(trajectories.c.signed_by.is_not(None))


@dataclass(frozen=True, slots=True)
class Totals:
    """What a library's evidence amounts to. `tick` grows with every reward; `judged` is the last one looked at."""

    retrievals: int = 0
    rewards: int = 0
    reward_total: float = 0.0
    tick: int = 0
    judged: int = 0


@dataclass(frozen=True, slots=True)
class Evidence:
    """The evidence of every library of one database."""

    database: Database

    async def totals(self, library: Library) -> Totals:
        """Read at this moment."""
        async with self.database.read() as connection:
            return await _totals(connection, library.id)

    async def since(self, library: Library, tick: int) -> dict[Key, Account]:
        """The accounts that a reward changed after `tick`; −1: all of them."""
        where = (evidence.c.library_id == library.id) & (evidence.c.tick > tick)
        async with self.database.read() as connection:
            found = await connection.execute(select(evidence).where(where))
            return {_key(row): _account(row) for row in found.mappings()}

    async def of(self, library: Library, keys: Iterable[Key]) -> dict[Key, Account]:
        """The named accounts; those that nothing was entered in are empty."""
        async with self.database.read() as connection:
            return await accounts_of(connection, library.id, keys)

    async def by_submitter(self, library: Library, keys: Iterable[Key]) -> dict[Key, dict[str, Sums]]:
        """For each of the accounts, the sums of each submitter's own rewards."""
        wanted = set(keys)
        mine = submitter_evidence.c.library_id == library.id
        where = mine & submitter_evidence.c.subject.in_({key[1] for key in wanted})
        async with self.database.read() as connection:
            found = (await connection.execute(select(submitter_evidence).where(where))).mappings().all()
        shares: dict[Key, dict[str, Sums]] = {key: {} for key in wanted}
        for row in found:
            if (key := _key(row)) in shares:
                shares[key][row["submitter"]] = Sums(**{name: row[name] for name in _SUMS})
        return shares

    async def held_out_scores(self, library: Library) -> list[tuple[float, Sums]]:
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

    async def experiences(self, library: Library, ids: Iterable[str], author: str) -> list[tuple[Experience, bool]]:
        """The named experiences, retired or not, and whether `author` made the revision that last changed each."""
        by = and_(
            revisions.c.library_id == experiences.c.library_id, revisions.c.number == experiences.c.updated_revision
        )
        statement = select(experiences, revisions.c.author).join_from(experiences, revisions, by)
        where = (experiences.c.library_id == library.id) & experiences.c.id.in_(set(ids))
        async with self.database.read() as connection:
            found = (await connection.execute(statement.where(where).order_by(experiences.c.id))).mappings().all()
        return [(rows.experience(row), row["author"] == author) for row in found]

    async def judged(self, library: Library, tick: int) -> None:
        """Note that everything up to `tick` was looked at."""

        async def note(connection: AsyncConnection) -> None:
            mine = (evidence_totals.c.library_id == library.id) & (evidence_totals.c.judged < tick)
            await connection.execute(update(evidence_totals).where(mine).values(judged=tick))

        await self.database.write(note)


async def accounts_of(connection: AsyncConnection, library_id: int, keys: Iterable[Key]) -> dict[Key, Account]:
    """The named accounts; those that nothing was entered in are empty."""
    wanted = set(keys)
    if not wanted:
        return {}
    where = (evidence.c.library_id == library_id) & evidence.c.subject.in_({key[1] for key in wanted})
    found = await connection.execute(select(evidence).where(where))
    held = {_key(row): _account(row) for row in found.mappings()}
    return {key: held.get(key, EMPTY) for key in wanted}


async def continue_record(
    connection: AsyncConnection, database: Database, library: Library, identity: str, versions: tuple[int, int]
) -> None:
    """Let the second version, which has the first one's text again, go on with its record; the first keeps it too."""
    old, new = (experience_key(identity, version) for version in versions)
    tick = await _enter_totals(connection, database, library.id, tick=1)
    account = (await accounts_of(connection, library.id, [old]))[old]
    await _enter(connection, database, library.id, {new: account}, tick)
    mine = (submitter_evidence.c.library_id == library.id) & (submitter_evidence.c.kind == "experience")
    mine &= (submitter_evidence.c.subject == identity) & (submitter_evidence.c.version == old[2])
    for row in (await connection.execute(select(submitter_evidence).where(mine))).mappings().all():
        share = Account(Sums(**{name: row[name] for name in _SUMS}))
        await _enter_for_submitter(connection, database, library.id, {new: share}, row["submitter"])


async def record(
    connection: AsyncConnection, database: Database, batch: Sequence[tuple[Library, Retrieval]]
) -> list[Retrieval]:
    """Enter new retrievals as not reported; they come back with their baselines, which are fixed from now on."""
    fixed: list[Retrieval] = []
    libraries = {library.id: library for library, _ in batch}
    for library in (libraries[known] for known in sorted(libraries)):  # each locks its totals: in one order for all
        mine = [retrieval for owner, retrieval in batch if owner.id == library.id]
        await _enter_totals(connection, database, library.id, retrievals=len(mine))
        prepared = await _with_baselines(connection, library, mine)
        await _enter(connection, database, library.id, entries_of_retrievals(prepared))
        fixed += prepared
    return fixed


async def rescore(connection: AsyncConnection, database: Database, library: Library, retrieval_id: str) -> bool:
    """Enter what a reward under this retrieval changes, the old one taken back; False where it changes nothing.

    Several attempts under one retrieval share what was drawn: their mean reward counts, once. In a library that counts
    only signed rewards, the others are not evidence.
    """
    named = {"owner": library.id, "retrieval": retrieval_id}
    row = (await connection.execute(_RETRIEVAL, named)).mappings().first()
    if row is None:
        return False
    reward, submitter = await _outcome(connection, library, row)
    if reward is None or reward == row["reward"]:
        return False
    retrieval = rows.retrieval(row)
    await connection.execute(_REWARDED, {**named, "reward": reward, "submitter": submitter})
    more, before = int(retrieval.reward is None), retrieval.reward or 0.0
    tick = await _enter_totals(connection, database, library.id, rewards=more, reward_total=reward - before, tick=1)
    entries = entries_of_reward(retrieval, retrieval.reward, reward)
    await _enter(connection, database, library.id, entries, tick)
    if submitter is not None:
        await _enter_for_submitter(connection, database, library.id, entries, submitter)
    return True


async def _outcome(
    connection: AsyncConnection, library: Library, retrieval: RowMapping
) -> tuple[float | None, str | None]:
    """The mean reward under a retrieval (0 to 1 of the library's range), and who is counted as its submitter.

    The submitter is whoever gave the first of the rewards, also after a correction by somebody else.
    """
    statement = _SIGNED if library.settings.signed_rewards_only else _GRADED
    found = await connection.execute(statement, {"owner": library.id, "retrieval": retrieval["id"]})
    graded = found.all()
    if not graded:
        return None, None
    mean = sum(row.reward for row in graded) / len(graded)
    first = graded[0].graded_by if retrieval["reward"] is None else retrieval["submitter"]
    return _share(mean, library.settings), first


def _share(reward: float, settings: LibrarySettings) -> float:
    return (reward - settings.reward_min) / (settings.reward_max - settings.reward_min)


async def _with_baselines(connection: AsyncConnection, library: Library, batch: Sequence[Retrieval]) -> list[Retrieval]:
    totals = await _totals(connection, library.id)
    ids = {each.id: group_id(library.id, group_key(each.task, None)) for each in batch}
    where = (groups.c.library_id == library.id) & groups.c.id.in_(set(ids.values()))
    found = await connection.execute(select(groups.c.id, groups.c.graded, groups.c.reward_total).where(where))
    known = {row.id: (row.reward_total, row.graded) for row in found}
    low, high = library.settings.reward_min, library.settings.reward_max
    reporting = baseline(0.0, 0, totals.rewards, totals.retrievals - len(batch))
    prepared = []
    for each in batch:
        total, graded = known.get(ids[each.id], (0.0, 0))
        share = (total - low * graded) / (high - low)
        expected = baseline(share, graded, totals.reward_total, totals.rewards)
        prepared.append(replace(each, baseline=expected, reporting=reporting))
    return prepared


async def _totals(connection: AsyncConnection, library_id: int) -> Totals:
    where = evidence_totals.c.library_id == library_id
    row = (await connection.execute(select(evidence_totals).where(where))).mappings().first()
    return Totals() if row is None else Totals(**{name: row[name] for name in Totals.__dataclass_fields__})


async def _enter_totals(connection: AsyncConnection, database: Database, library_id: int, **added: float) -> int:
    """Add to the totals; the tick that it is now. Held until the end of the transaction, so that ticks are in order."""
    values = {"library_id": library_id, "judged": 0, **dict.fromkeys(_COUNTED, 0), **added}
    return int((await connection.execute(_totalling(database.dialect.insert), values)).scalar_one())


async def _enter(
    connection: AsyncConnection, database: Database, library_id: int, entries: Mapping[Key, Account], tick: int = 0
) -> None:
    if not entries:
        return
    values = [
        (library_id, *key, *_numbers(entry.sums), entry.served, entry.rewarded, *_numbers(entry.missing), tick)
        for key, entry in sorted(entries.items())
    ]
    await connection.exec_driver_sql(_entering(database.dialect.insert, connection.dialect), values)


async def _enter_for_submitter(
    connection: AsyncConnection, database: Database, library_id: int, entries: Mapping[Key, Account], submitter: str
) -> None:
    values = [
        (library_id, *key, submitter, *_numbers(entry.sums))
        for key, entry in sorted(entries.items())
        if entry.sums != NOTHING
    ]
    if values:
        statement = _entering_for_submitter(database.dialect.insert, connection.dialect)
        await connection.exec_driver_sql(statement, values)


@lru_cache(maxsize=DIALECTS)
def _totalling(insert: MakeInsert) -> Executable:
    """Built once: to build such a statement takes three times as long as to run it."""
    statement = insert(evidence_totals)
    summed = {name: evidence_totals.c[name] + statement.excluded[name] for name in _COUNTED}
    entered = statement.on_conflict_do_update(index_elements=[evidence_totals.c.library_id], set_=summed)
    return entered.returning(evidence_totals.c.tick)


@lru_cache(maxsize=DIALECTS)
def _entering(insert: MakeInsert, dialect: Dialect) -> str:
    """The driver's own text, for rows in the order of the table's columns: binding names takes longer than running."""
    statement = insert(evidence)
    summed = {name: evidence.c[name] + statement.excluded[name] for name in _ADDED}
    newer = case((statement.excluded.tick > evidence.c.tick, statement.excluded.tick), else_=evidence.c.tick)
    keys = [evidence.c.library_id, evidence.c.kind, evidence.c.subject, evidence.c.version]
    return str(
        statement.on_conflict_do_update(index_elements=keys, set_={**summed, "tick": newer}).compile(dialect=dialect)
    )


@lru_cache(maxsize=DIALECTS)
def _entering_for_submitter(insert: MakeInsert, dialect: Dialect) -> str:
    table = submitter_evidence
    statement = insert(table)
    summed = {name: table.c[name] + statement.excluded[name] for name in _SUMS}
    keys = [table.c.library_id, table.c.kind, table.c.subject, table.c.version, table.c.submitter]
    return str(statement.on_conflict_do_update(index_elements=keys, set_=summed).compile(dialect=dialect))


def _numbers(sums: Sums) -> tuple[float, float, float, int]:
    return sums.s, sums.w, sums.v, sums.n


def _key(row: RowMapping) -> Key:
    return row["kind"], row["subject"], row["version"]


def _account(row: RowMapping) -> Account:
    return Account(
        sums=Sums(row["s"], row["w"], row["v"], row["n"]),
        missing=Sums(row["missing_s"], row["missing_w"], row["missing_v"], row["missing_n"]),
        served=row["served"],
        rewarded=row["rewarded"],
    )
