"""Taking deleted attempts out of what was learned from them: citations, codes, decisions, history, model answers."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import Table, Text, cast, delete, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from explib.models.libraries import Library
from explib.storage.database import Database
from explib.storage.tables.decisions import codes, decisions
from explib.storage.tables.experiences import citations, experiences
from explib.storage.tables.learning import analysis_batches, analysis_steps, model_calls
from explib.storage.tables.revisions import operations, proposals

GONE = "attempts that it rested on were deleted"
FORGOTTEN = "forgotten:"


async def forget_attempts(
    connection: AsyncConnection, database: Database, library: Library, ids: Collection[str]
) -> list[str]:
    """Take the attempts out of citations, codes and history; ids of the lessons that rested on them.

    A decision that lost attempts has no verdict until the next fit; one that lost all goes, if no lesson is about it.
    """
    among = database.dialect.among
    cited = (citations.c.library_id == library.id) & among(citations.c.trajectory_id, ids)
    lessons = set((await connection.execute(select(citations.c.experience_id).distinct().where(cited))).scalars())
    coded = (codes.c.library_id == library.id) & among(codes.c.trajectory_id, ids)
    judged = list((await connection.execute(select(codes.c.decision_id).distinct().where(coded))).scalars())
    about = (experiences.c.library_id == library.id) & among(experiences.c.decision_id, judged)
    lessons |= set((await connection.execute(select(experiences.c.id).where(about))).scalars())
    await connection.execute(delete(citations).where(cited))
    await connection.execute(delete(codes).where(coded))
    await _unjudge(connection, database, library, judged)
    for table in (operations, proposals):
        await _forget_in(connection, library, table, frozenset(ids))
    return sorted(lessons, key=lambda each: int(each[1:]))


async def _unjudge(connection: AsyncConnection, database: Database, library: Library, judged: list[str]) -> None:
    named = (decisions.c.library_id == library.id) & database.dialect.among(decisions.c.id, judged)
    same = (codes.c.library_id == decisions.c.library_id) & (codes.c.decision_id == decisions.c.id)
    told = (experiences.c.library_id == decisions.c.library_id) & (experiences.c.decision_id == decisions.c.id)
    await connection.execute(delete(decisions).where(named, ~exists().where(same), ~exists().where(told)))
    await connection.execute(update(decisions).where(named).values(verdict=None, weak_runs=0))


async def _forget_in(connection: AsyncConnection, library: Library, table: Table, ids: frozenset[str]) -> None:
    """Take the attempts out of the operations of a table's rows, and the reasons with them, which may quote them."""
    cites = cast(table.c.operation, Text).contains('"trajectory_id"')
    found = await connection.execute(
        select(table.c.number, table.c.operation).where(table.c.library_id == library.id, cites)
    )
    for number, operation in found.all():
        left = [each for each in operation["citations"] if each["trajectory_id"] not in ids]
        if len(left) == len(operation["citations"]):
            continue
        said = {"reason": GONE, "note": GONE if operation["note"] else ""}
        values: dict[str, Any] = {"operation": {**operation, "citations": left, **said}}
        same = (table.c.library_id == library.id) & (table.c.number == number)
        await connection.execute(update(table).where(same).values(values))
        if table is operations and not left:
            await _forget_refused(connection, library, number)


async def _forget_refused(connection: AsyncConnection, library: Library, number: int) -> None:
    """A refused text is in no lesson: it goes, with the reason, which may quote it."""
    refused = (operations.c.library_id == library.id) & (operations.c.number == number)
    refused &= operations.c.refusal.is_not(None)
    row = (await connection.execute(select(operations.c.operation).where(refused))).first()
    if row is not None:
        without = {**row.operation, "content": None}
        await connection.execute(update(operations).where(refused).values(operation=without, refusal=GONE))


async def forget_answers(connection: AsyncConnection, library: Library, since: float) -> None:
    """Forget what models answered from that time on, which may quote the attempts, and what agents are asked now.

    An answer is kept so that it is not bought twice: where it is needed again it is bought again. That it was paid for
    stays on record.
    """
    later = model_calls.c.created_at >= since
    later &= ~model_calls.c.request_hash.startswith(FORGOTTEN)
    forgotten = func.substr(FORGOTTEN + model_calls.c.request_hash, 1, 64)
    await connection.execute(update(model_calls).where(later).values(request_hash=forgotten, response=""))
    for table in (analysis_steps, analysis_batches):
        await connection.execute(delete(table).where(table.c.library_id == library.id))
