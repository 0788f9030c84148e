"""Proposals that wait for a person's review, apart from the lessons that are served."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from explib.errors import Conflict, UnknownProposal
from explib.models.experiences import Experience
from explib.models.libraries import Library
from explib.models.revisions import Operation, ProposedOperation, ReviewState
from explib.storage import rows
from explib.storage.database import Database
from explib.storage.tables.revisions import proposals

MAX_DIGITS = 9


@dataclass(frozen=True, slots=True)
class Proposals:
    """The proposals of every library of one database. They are made and decided by `Revisions.commit`."""

    database: Database

    async def all(
        self, library: Library, *states: ReviewState, after: int = 0, limit: int | None = None
    ) -> list[ProposedOperation]:
        """The library's proposals in these states, oldest first, from the number after `after` on."""
        where = (proposals.c.library_id == library.id) & proposals.c.state.in_(states) & (proposals.c.number > after)
        statement = select(proposals).where(where).order_by(proposals.c.number).limit(limit)
        return [rows.proposed(row) for row in await self.database.rows(statement)]

    async def get(self, library: Library, proposal_id: str) -> ProposedOperation:
        """One proposal by its id, e.g. p3, in whatever state. Raises UnknownProposal."""
        digits = proposal_id[1:]
        is_number = proposal_id[:1] == "p" and digits.isdecimal() and len(digits) <= MAX_DIGITS
        where = (proposals.c.library_id == library.id) & (proposals.c.number == (int(digits) if is_number else 0))
        row = await self.database.row(select(proposals).where(where))
        if row is None:
            raise UnknownProposal(
                f"Library {library.name!r} has no proposal {proposal_id[:40]!r}: list what waits with "
                "list_experiences, or `explib experiences list --status waiting`."
            )
        return rows.proposed(row)

    async def count(self, library: Library) -> int:
        """The number of waiting proposals."""
        where = (proposals.c.library_id == library.id) & (proposals.c.state == "waiting")
        return int(await self.database.scalar(select(func.count()).select_from(proposals).where(where)))


def needs_review(operation: Operation) -> bool:
    """True for an operation that changes what is served; a KEEP only counts evidence."""
    return operation.kind != "KEEP"


async def park(
    connection: AsyncConnection,
    library: Library,
    parked: Sequence[Operation],
    current: Mapping[str, Experience],
    analyst: str,
    model: str | None,
) -> tuple[ProposedOperation, ...]:
    """Let operations wait, inside a transaction that holds the library's row."""
    if not parked:
        return ()
    highest = select(func.max(proposals.c.number)).where(proposals.c.library_id == library.id)
    last = (await connection.execute(highest)).scalar_one() or 0
    made = [
        ProposedOperation(
            id=f"p{last + at + 1}",
            operation=operation,
            before=tuple(current[name] for name in operation.named if name in current),
            analyst=analyst,
            model=model,
            state="waiting",
            created_at=time.time(),
        )
        for at, operation in enumerate(parked)
    ]
    values = [{"library_id": library.id, **rows.proposed_values(each)} for each in made]
    await connection.execute(proposals.insert(), values)
    return tuple(made)


async def check_waiting(connection: AsyncConnection, library: Library, proposal_id: str) -> None:
    """Raises Conflict where the proposal is decided already."""
    where = (proposals.c.library_id == library.id) & (proposals.c.number == int(proposal_id[1:]))
    row = (await connection.execute(select(proposals.c.state, proposals.c.decided_by).where(where))).one()
    if row.state != "waiting":
        raise Conflict(f"{proposal_id} was {row.state} by {row.decided_by}: list_experiences shows what still waits.")


async def decide(
    connection: AsyncConnection,
    library: Library,
    proposal_id: str,
    state: ReviewState,
    author: str,
    reason: str,
    revision: int,
) -> None:
    """Close a waiting proposal inside the transaction that applies or rejects it."""
    where = (proposals.c.library_id == library.id) & (proposals.c.number == int(proposal_id[1:]))
    values = {"state": state, "decided_by": author, "reason": reason, "revision": revision, "decided_at": time.time()}
    await connection.execute(update(proposals).where(where).values(**values))
