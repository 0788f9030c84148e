"""Update the evidence counters in the transaction that stores a reward, exactly once.

A reward is entered when it is stored. A retrieval gets the next number of its library when it is recorded, and is
entered (as served so often, as reported or not) later, together with many: `counted` in the library's totals is the
number up to which that has been done.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, Text, UpdateBase, bindparam, cast, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from explib.evidence.ledger import PARTS, CounterKey, Delta, entries_of_reward, experience_key, negated
from explib.models.libraries import Library
from explib.storage import rows
from explib.storage.database import Database
from explib.storage.engine import MakeInsert
from explib.storage.statements import CompiledStatement
from explib.storage.tables.evidence import evidence, evidence_totals, retrievals, submitter_evidence
from explib.storage.tables.libraries import libraries
from explib.storage.tables.trajectories import trajectories

KEY = ("library_id", "kind", "subject", "version")
SUMS = PARTS[:4]
COUNTED = ("retrievals", "rewards", "reward_total", "tick")
MOST_TICKS = 200
"""Counters changed in at most so many ticks are read by name, from the retrievals of those ticks; else all are."""


@dataclass(frozen=True, slots=True)
class Totals:
    """Totals of a library's evidence. `tick` grows with every reward; `judged` is the last one looked at."""

    retrievals: int = 0
    rewards: int = 0
    reward_total: float = 0.0
    tick: int = 0
    judged: int = 0
    counted: int = 0
    """The number up to which retrievals are entered in the counters."""


TOTALS = tuple(Totals.__dataclass_fields__)
_TOTALS_NOW = select(*(evidence_totals.c[name] for name in TOTALS)).where(
    evidence_totals.c.library_id == bindparam("owner")
)
RETRIEVAL = [cast(retrievals.c[name], Text) if name in rows.TEXTS else retrievals.c[name] for name in rows.RETRIEVAL]
"""The columns of `rows.retrieval_of`."""
_OWNED = retrievals.c.library_id == bindparam("owner")
_MINE = _OWNED & (retrievals.c.id == bindparam("retrieval"))
IS_RECORDED = select(retrievals.c.id).where(_MINE)
"""A row for a retrieval of the library that is on record."""


async def totals_of(database: Database, library_id: int) -> Totals:
    """As of this moment."""
    return Totals(*(await database.read_row(_TOTALS_NOW, {"owner": library_id}) or ()))


async def apply_reward(
    connection: AsyncConnection, database: Database, library: Library, retrieval_id: str
) -> tuple[Library, ...] | None:
    """Enter what a reward under this retrieval changes, the old one taken back; the libraries that learn of it.

    None where the retrieval is not on record. An answer may be drawn from several layers: the retrieval that each of
    them recorded under the same id gets the reward, whichever of them holds the attempts.
    """
    layers = await layers_of(connection, database, library, retrieval_id)
    if not layers:
        return None
    return tuple([each for each in layers if await _enter(connection, database, each, layers, retrieval_id)])


async def layers_of(
    connection: AsyncConnection, database: Database, library: Library, retrieval_id: str
) -> list[Library]:
    """The libraries that recorded a retrieval, in the order of all locks; none where this one did not."""
    found = await _LAYERS.rows(connection, database, owner=library.id, retrieval=retrieval_id)
    if not found:
        return []
    others = _OTHERS.validate_json(found[0][0])
    if not others:
        return [library]
    known = await connection.execute(select(libraries).where(libraries.c.id.in_(others)))
    return sorted([library, *(rows.library(row) for row in known.mappings())], key=lambda layer: layer.id)


async def _enter(
    connection: AsyncConnection, database: Database, library: Library, layers: Sequence[Library], retrieval_id: str
) -> bool:
    """Enter the reward in one library; False where it changes nothing there.

    Several attempts under one retrieval share what was drawn: their mean reward counts, once.
    """
    named = {"owner": library.id, "retrieval": retrieval_id}
    found = await _RETRIEVAL.rows(connection, database, **named)
    if not found:
        return False
    [(number, submitter, *columns)] = found
    retrieval = rows.retrieval_of(columns)
    graded = await _graded_shares(connection, database, library, layers, retrieval_id)
    if not graded:
        return False
    reward = sum(share for share, _ in graded) / len(graded)
    if reward == retrieval.reward:
        return False
    if retrieval.reward is None:
        submitter = graded[0][1]  # whoever gave the first of them, also after a correction by somebody else
    more, before = int(retrieval.reward is None), retrieval.reward or 0.0
    totals = await increment_totals(
        connection, database, library.id, rewards=more, reward_total=reward - before, tick=1
    )
    await _REWARDED.rows(connection, database, **named, reward=reward, submitter=submitter, tick=totals.tick)
    entries = entries_of_reward(retrieval, retrieval.reward, reward, counted=number <= totals.counted)
    await apply_deltas(connection, database, library.id, entries)
    if submitter is not None:
        await _enter_for_submitter(connection, database, library.id, entries, submitter)
    return True


async def withdraw_reward(connection: AsyncConnection, database: Database, library: Library, retrieval_id: str) -> None:
    """Take a retrieval's reward back where no attempt gives it one any more: it stands as not reported."""
    layers = await layers_of(connection, database, library, retrieval_id)
    for layer in layers:
        if not await _graded_shares(connection, database, layer, layers, retrieval_id):
            await _withdraw(connection, database, layer, retrieval_id)


async def _withdraw(connection: AsyncConnection, database: Database, library: Library, retrieval_id: str) -> None:
    named = {"owner": library.id, "retrieval": retrieval_id}
    found = await _RETRIEVAL.rows(connection, database, **named)
    if not found:
        return
    [(number, submitter, *columns)] = found
    retrieval = rows.retrieval_of(columns)
    if retrieval.reward is None:
        return
    less = {"rewards": -1, "reward_total": -retrieval.reward, "tick": MOST_TICKS + 1}  # no retrieval tells of it
    totals = await increment_totals(connection, database, library.id, **less)
    await _REWARDED.rows(connection, database, **named, reward=None, submitter=None, tick=None)
    entered = entries_of_reward(retrieval, None, retrieval.reward, counted=number <= totals.counted)
    entries = negated(entered)
    await apply_deltas(connection, database, library.id, entries)
    if submitter is not None:
        await _enter_for_submitter(connection, database, library.id, entries, submitter)


async def _graded_shares(
    connection: AsyncConnection, database: Database, library: Library, layers: Sequence[Library], retrieval_id: str
) -> list[tuple[float, str | None]]:
    """Each attempt's reward as a share of its library's range, and who gave it.

    A library that counts only signed rewards counts those that its own keys signed.
    """
    if library.settings.signed_rewards_only:
        signed = await _SIGNED.rows(connection, database, owner=library.id, retrieval=retrieval_id)
        return [(library.settings.share(reward), by) for reward, by in signed]
    return [
        (layer.settings.share(reward), by)
        for layer in layers
        for reward, by in await _GRADED.rows(connection, database, owner=layer.id, retrieval=retrieval_id)
    ]


async def continue_record(
    connection: AsyncConnection, database: Database, library: Library, experience_id: str, versions: tuple[int, int]
) -> None:
    """Let the second version, which has the first one's text again, go on with its record; the first keeps it too."""
    (kind, _, old), new = (experience_key(experience_id, version) for version in versions)
    await increment_totals(connection, database, library.id, tick=MOST_TICKS + 1)  # no retrieval tells of it
    key = (evidence.c.kind == kind) & (evidence.c.subject == experience_id) & (evidence.c.version == old)
    owned = select(*(evidence.c[name] for name in PARTS)).where(evidence.c.library_id == library.id, key)
    for account in (await connection.execute(owned)).all():
        await apply_deltas(connection, database, library.id, {new: list(account)})
        marked = (evidence.c.kind == kind) & (evidence.c.subject == experience_id) & (evidence.c.version == new[2])
        marking = update(evidence).where(evidence.c.library_id == library.id, marked)
        await connection.execute(marking.values(continues=old))
    table = submitter_evidence
    shares = select(table.c.submitter, *(table.c[name] for name in SUMS)).where(table.c.library_id == library.id)
    shares = shares.where(table.c.kind == kind, table.c.subject == experience_id, table.c.version == old)
    for submitter, *sums in (await connection.execute(shares)).all():
        await _enter_for_submitter(connection, database, library.id, {new: sums}, submitter)


async def increment_totals(connection: AsyncConnection, database: Database, library_id: int, **added: float) -> Totals:
    """Add to the totals, which are held until the transaction ends, so that numbers and ticks are in order; as now."""
    values = {"library_id": library_id, "judged": 0, "counted": 0, **dict.fromkeys(COUNTED, 0), **added}
    [row] = await _TOTALS.rows(connection, database, **values)
    return Totals(*row)


async def apply_deltas(
    connection: AsyncConnection, database: Database, library_id: int, entries: Mapping[CounterKey, Delta]
) -> None:
    """Add to the accounts, always in the same order, so that two who do so never wait for each other."""
    if entries:
        values = [(library_id, *key, *entry) for key, entry in sorted(entries.items())]
        await _ACCOUNTS.many(connection, database, values)


async def _enter_for_submitter(
    connection: AsyncConnection,
    database: Database,
    library_id: int,
    entries: Mapping[CounterKey, Delta],
    submitter: str,
) -> None:
    values = [(library_id, *key, submitter, *entry[:4]) for key, entry in sorted(entries.items()) if any(entry[:4])]
    if values:
        await _SHARES.many(connection, database, values)


def _graded(*, signed: bool) -> Select[Any]:
    owned = (trajectories.c.library_id == bindparam("owner")) & (trajectories.c.retrieval_id == bindparam("retrieval"))
    found = select(trajectories.c.reward, trajectories.c.graded_by).where(owned, trajectories.c.reward.is_not(None))
    found = found.where(trajectories.c.signed_by.is_not(None)) if signed else found
    return found.order_by(trajectories.c.id)


def _adding_totals(insert: MakeInsert) -> UpdateBase:
    statement = insert(evidence_totals)
    summed = {name: evidence_totals.c[name] + statement.excluded[name] for name in COUNTED}
    added = statement.on_conflict_do_update(index_elements=[evidence_totals.c.library_id], set_=summed)
    return added.returning(*(evidence_totals.c[name] for name in TOTALS))


def _adding_to_accounts(insert: MakeInsert) -> UpdateBase:
    keys = [evidence.c[name] for name in KEY]
    statement = insert(evidence).values({name: bindparam(name) for name in (*KEY, *PARTS)})
    summed = {name: evidence.c[name] + statement.excluded[name] for name in PARTS}
    return statement.on_conflict_do_update(index_elements=keys, set_=summed)


def _adding_to_shares(insert: MakeInsert) -> UpdateBase:
    table = submitter_evidence
    statement = insert(table)
    summed = {name: table.c[name] + statement.excluded[name] for name in SUMS}
    keys = [table.c[name] for name in (*KEY, "submitter")]
    return statement.on_conflict_do_update(index_elements=keys, set_=summed)


_OTHERS = rows.TEXTS["layers"]
_LAYERS = CompiledStatement(lambda _: select(cast(retrievals.c.layers, Text)).where(_MINE))
_RETRIEVAL = CompiledStatement(
    lambda _: select(retrievals.c.number, retrievals.c.submitter, *RETRIEVAL).where(_MINE).with_for_update()
)
_REWARDED = CompiledStatement(
    lambda _: (
        update(retrievals).where(_MINE).values({name: bindparam(name) for name in ("reward", "submitter", "tick")})
    )
)
_GRADED, _SIGNED = CompiledStatement(lambda _: _graded(signed=False)), CompiledStatement(lambda _: _graded(signed=True))
_TOTALS = CompiledStatement(_adding_totals)
_ACCOUNTS = CompiledStatement(_adding_to_accounts, (*KEY, *PARTS))
_SHARES = CompiledStatement(_adding_to_shares, (*KEY, "submitter", *SUMS))
