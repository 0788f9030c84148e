"""Batch job: record retrievals one after the other, fold them into the evidence counters many at a time.

A retrieval has dozens of draws, each of another account. Thousands of retrievals share most of theirs, so that entering
them together costs a fraction of entering each. Numbers and `counted` (see `counters`) make it exactly once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from explib.evidence.ledger import CounterKey, Delta, add, entries_of_reports, entries_of_retrievals, negated
from explib.evidence.sums import baseline
from explib.models.libraries import Library
from explib.models.retrievals import Retrieval
from explib.storage import rows
from explib.storage.database import Database
from explib.storage.evidence.counters import RETRIEVAL, Totals, apply_deltas, increment_totals, totals_of
from explib.storage.statements import CompiledStatement
from explib.storage.tables.evidence import evidence_totals, retrievals
from explib.storage.tables.trajectories import groups
from explib.trajectories.readiness import group_id, group_key

AT_ONCE = 2_000
"""Retrievals that are entered in one transaction."""
SHARE = 4
"""At most one retrieval in so many waits to be entered, so that verdicts are not made without it."""
PIECE = 25
"""Retrievals that are added up before others on the event loop get a turn: about a millisecond."""


async def record(
    connection: AsyncConnection, database: Database, batch: Sequence[tuple[Library, Retrieval]]
) -> list[int]:
    """Store new retrievals, with numbers and with baselines that are fixed from now on; the libraries now to count."""
    libraries = {library.id: library for library, _ in batch}
    to_count: list[int] = []
    for library in (libraries[known] for known in sorted(libraries)):  # each locks its totals: in one order for all
        owned = [retrieval for owner, retrieval in batch if owner.id == library.id]
        totals = await increment_totals(connection, database, library.id, retrievals=len(owned))
        fixed = await _with_baselines(connection, library, owned, totals)
        await insert(connection, database, library.id, totals, fixed)
        if _crossed(totals, len(owned)):
            to_count.append(library.id)
    return to_count


async def insert(
    connection: AsyncConnection, database: Database, library_id: int, totals: Totals, new: Sequence[Retrieval]
) -> None:
    """Store retrievals that `totals` counts already, as the newest."""
    first = totals.retrievals - len(new) + 1
    values = [(library_id, number, *rows.retrieval_columns(each)) for number, each in enumerate(new, first)]
    await _NEW.many(connection, database, values)


async def _with_baselines(
    connection: AsyncConnection, library: Library, batch: Sequence[Retrieval], totals: Totals
) -> list[Retrieval]:
    ids = {each.id: group_id(library.id, group_key(each.task, None)) for each in batch}
    where = (groups.c.library_id == library.id) & groups.c.id.in_(set(ids.values()))
    found = await connection.execute(select(groups.c.id, groups.c.graded, groups.c.reward_total).where(where))
    known = {row.id: (row.reward_total, row.graded) for row in found}
    settings = library.settings
    reporting = baseline(0.0, 0, totals.rewards, totals.retrievals - len(batch))
    prepared = []
    for each in batch:
        total, graded = known.get(ids[each.id], (0.0, 0))
        share = (total - settings.reward_min * graded) / settings.reward_width
        expected = baseline(share, graded, totals.reward_total, totals.rewards)
        prepared.append(replace(each, baseline=expected, reporting=reporting))
    return prepared


def due(totals: Totals) -> bool:
    """True where so many retrievals wait that they should be entered now."""
    return totals.retrievals - totals.counted >= _enough(totals)


def _enough(totals: Totals) -> int:
    return min(AT_ONCE, max(totals.counted // SHARE, 1))


def _crossed(totals: Totals, added: int) -> bool:
    """True where these retrievals made it due, or due again: one process counts, and the next one if it died."""
    waiting, enough = totals.retrievals - totals.counted, _enough(totals)
    return waiting // enough > (waiting - added) // enough


async def count_all(database: Database, library_id: int) -> None:
    """Enter everything that is recorded by now."""
    target = (await totals_of(database, library_id)).retrievals
    while (await totals_of(database, library_id)).counted < target:
        await count(database, library_id)


async def count(database: Database, library_id: int) -> None:
    """Enter what is recorded and was not entered yet, at most AT_ONCE, unless another does so at the same time.

    What takes long is done before the transaction: of a retrieval only whether its reward was reported can change.
    """
    totals = await totals_of(database, library_id)
    span = {"owner": library_id, "after": totals.counted, "upto": min(totals.counted + AT_ONCE, totals.retrievals)}
    async with database.read() as connection:
        found = (await connection.execute(_READ, span)).all()
    entries = await added_up(found)
    reported = {number for number, *columns in found if columns[_REWARD] is not None}

    async def work(connection: AsyncConnection) -> None:
        if not await _COUNTED.rows(connection, database, **span):
            return
        now = {number for (number,) in await _REPORTED.rows(connection, database, **span)}
        late = [await _numbered(connection, database, library_id, number) for number in sorted(now - reported)]
        withdrawn = [await _numbered(connection, database, library_id, number) for number in sorted(reported - now)]
        corrected = dict(entries)
        add(corrected, entries_of_reports(late))
        add(corrected, negated(entries_of_reports(withdrawn)))
        await apply_deltas(connection, database, library_id, corrected)

    if span["after"] < span["upto"]:
        await database.write(work, idempotent=True, explicit_locks=True)


async def added_up(found: Sequence[Sequence[Any]]) -> dict[CounterKey, Delta]:
    """Add up the counters of the retrievals, while other tasks get their turns."""
    entries: dict[CounterKey, Delta] = {}
    for start in range(0, len(found), PIECE):
        piece = found[start : start + PIECE]
        entries_of_retrievals((rows.retrieval_of(columns) for _, *columns in piece), entries)
        await asyncio.sleep(0)
    return entries


async def _numbered(connection: AsyncConnection, database: Database, library_id: int, number: int) -> Retrieval:
    [(_, *columns)] = await _ONE.rows(connection, database, owner=library_id, after=number - 1, upto=number)
    return rows.retrieval_of(columns)


_REWARD = rows.RETRIEVAL.index("reward")
_SPAN = (
    (retrievals.c.library_id == bindparam("owner"))
    & (retrievals.c.number > bindparam("after"))
    & (retrievals.c.number <= bindparam("upto"))
)
_READ = select(retrievals.c.number, *RETRIEVAL).where(_SPAN)
_ONE = CompiledStatement(lambda _: _READ)
_REPORTED = CompiledStatement(lambda _: select(retrievals.c.number).where(_SPAN, retrievals.c.reward.is_not(None)))
_COUNTED = CompiledStatement(
    lambda _: (
        update(evidence_totals)
        .where(evidence_totals.c.library_id == bindparam("owner"), evidence_totals.c.counted == bindparam("after"))
        .values(counted=bindparam("upto"))
        .returning(evidence_totals.c.counted)
    )
)


_COLUMNS = ("library_id", "number", *rows.RETRIEVAL)
_NEW = CompiledStatement(
    lambda insert: insert(retrievals).values({name: bindparam(name) for name in _COLUMNS}), _COLUMNS
)
