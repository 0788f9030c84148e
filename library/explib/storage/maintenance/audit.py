"""Audit of the evidence: every counter is added up again from retrievals and rewards."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection

from explib.evidence.ledger import PARTS, CounterKey, Delta, add, entries_of_retrievals, entries_of_reward
from explib.storage import rows
from explib.storage.evidence.counters import RETRIEVAL, SUMS, TOTALS, Totals
from explib.storage.tables.evidence import evidence, evidence_totals, retrievals, submitter_evidence

AT_ONCE = 200
"""Retrievals that are read at a time."""
RELATIVE, ABSOLUTE = 1e-9, 1e-6
"""Tolerance between sums that were added in another order."""


@dataclass(slots=True)
class _Expected:
    """Counters added up from the retrievals read so far."""

    counted: int
    retrievals: int = 0
    rewards: int = 0
    reward_total: float = 0.0
    accounts: dict[CounterKey, Delta] = field(default_factory=dict)
    shares: dict[str, dict[CounterKey, Delta]] = field(default_factory=dict)
    """By submitter."""

    def take(self, found: Iterable[Sequence[Any]]) -> None:
        for number, submitter, *columns in found:
            retrieval = rows.retrieval_of(columns)
            self.retrievals += 1
            if number <= self.counted:
                entries_of_retrievals([retrieval], self.accounts)
            if retrieval.reward is None:
                continue
            self.rewards += 1
            self.reward_total += retrieval.reward
            entries = entries_of_reward(retrieval, None, retrieval.reward, counted=False)
            add(self.accounts, entries)
            if submitter is not None:
                add(self.shares.setdefault(submitter, {}), {key: each[: len(SUMS)] for key, each in entries.items()})


async def wrong_counters(connection: AsyncConnection) -> list[str]:
    """Accounts, submitters' shares and totals that are not what they must be, as `library/kind/subject/version`."""
    found = await connection.execute(select(evidence_totals.c.library_id, *(evidence_totals.c[n] for n in TOTALS)))
    wrong: list[str] = []
    for library_id, *totals in found.all():
        wrong += await _misstated(connection, library_id, Totals(*totals))
    return wrong


async def _misstated(connection: AsyncConnection, library_id: int, totals: Totals) -> list[str]:
    expected = _Expected(totals.counted)
    result = await connection.stream(_RECORDED, {"owner": library_id})
    async for part in result.partitions(AT_ONCE):
        await asyncio.to_thread(expected.take, part)
    held, began = await _accounts(connection, library_id)
    shares = await _shares(connection, library_id)
    exact = (totals.retrievals, totals.rewards) == (expected.retrievals, expected.rewards)
    wrong = [] if exact and _close(totals.reward_total, expected.reward_total) else ["totals"]
    wrong += [_name(key) for key in _differing(held, expected.accounts) - began]
    for submitter in sorted({*shares, *expected.shares}):
        differing = _differing(shares.get(submitter, {}), expected.shares.get(submitter, {}))
        wrong += [f"{_name(key)} of {submitter}" for key in differing - began]
    return [f"{library_id}/{each}" for each in wrong]


def _name(key: CounterKey) -> str:
    return "/".join(map(str, key))


async def _accounts(connection: AsyncConnection, library_id: int) -> tuple[dict[CounterKey, Delta], set[CounterKey]]:
    """The accounts, and those of them that began with the record of another version: more than their own retrievals."""
    columns = (evidence.c.kind, evidence.c.subject, evidence.c.version, evidence.c.continues)
    found = await connection.execute(
        select(*columns, *(evidence.c[name] for name in PARTS)).where(evidence.c.library_id == library_id)
    )
    held: dict[CounterKey, Delta] = {}
    began: set[CounterKey] = set()
    for kind, subject, version, continues, *numbers in found:
        key = (kind, subject, version)
        held[key] = numbers
        if continues is not None:
            began.add(key)
    return held, began


async def _shares(connection: AsyncConnection, library_id: int) -> dict[str, dict[CounterKey, Delta]]:
    table = submitter_evidence
    columns = (table.c.submitter, table.c.kind, table.c.subject, table.c.version)
    found = await connection.execute(
        select(*columns, *(table.c[name] for name in SUMS)).where(table.c.library_id == library_id)
    )
    shares: dict[str, dict[CounterKey, Delta]] = {}
    for submitter, kind, subject, version, *sums in found:
        shares.setdefault(submitter, {})[kind, subject, version] = sums
    return shares


def _differing(held: Mapping[CounterKey, Delta], expected: Mapping[CounterKey, Delta]) -> set[CounterKey]:
    nothing = [0.0] * len(PARTS)
    pairs = {key: (held.get(key, nothing), expected.get(key, nothing)) for key in {**held, **expected}}
    return {key for key, pair in pairs.items() if not all(map(_close, *pair))}


def _close(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=RELATIVE, abs_tol=ABSOLUTE)


_RECORDED = (
    select(retrievals.c.number, retrievals.c.submitter, *RETRIEVAL)
    .where(retrievals.c.library_id == bindparam("owner"))
    .execution_options(yield_per=AT_ONCE)
)
