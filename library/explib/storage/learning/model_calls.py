"""Answered model calls, under the hash of their request: nothing is bought twice, and no more than a day's budget."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from sqlalchemy import BigInteger, cast, delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from explib.ids import new_id
from explib.models.learning import ModelCall, Reserved
from explib.storage import rows
from explib.storage.database import Database
from explib.storage.tables.learning import leases, model_calls, token_reservations

BUDGET = "budget:tokens"
"""The row of `leases` that is locked while tokens are reserved: by one process after the other."""
RESERVED_SECONDS = 3600.0
"""Time for which tokens stay reserved for the call of a process that died; the call may have been paid for."""

DAY_SECONDS = 86_400
CLOCKS_APART_SECONDS = 300.0
"""Clocks of machines that share a database may be so far apart."""


@dataclass(frozen=True, slots=True)
class Spent:
    """The calls of one model in one step of learning on one day (UTC)."""

    at: float
    """The day's beginning, in seconds since the epoch."""
    step: str
    model: str
    calls: int
    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True, slots=True)
class ModelCalls:
    """The record of every model call of one database."""

    database: Database

    async def find(self, request_hash: str) -> ModelCall | None:
        """The stored answer to exactly this request."""
        row = await self.database.row(select(model_calls).where(model_calls.c.request_hash == request_hash))
        return None if row is None else rows.model_call(row)

    async def save(self, call: ModelCall, reservation: str | None = None) -> None:
        """Durable when it returns, and no longer reserved for. A second answer to the same request is not kept."""
        statement = self.database.dialect.insert(model_calls).values(**asdict(call)).on_conflict_do_nothing()

        async def insert(connection: AsyncConnection) -> None:
            await connection.execute(statement)
            if reservation is not None:
                await connection.execute(delete(token_reservations).where(token_reservations.c.id == reservation))

        await self.database.write(insert, idempotent=True, explicit_locks=True)

    async def tokens_since(self, since: float) -> int:
        """Tokens (prompt and completion) of the calls recorded at or after `since`."""
        async with self.database.read() as connection:
            return await _spent(connection, self.database, since)

    async def by_day(self, since: float) -> list[Spent]:
        """The calls of the days since then, by step and model, oldest first."""
        called, prompt, completion = (
            model_calls.c.created_at,
            model_calls.c.prompt_tokens,
            model_calls.c.completion_tokens,
        )
        by = cast(called, BigInteger) // DAY_SECONDS, model_calls.c.step, model_calls.c.model
        sums = select(*by, func.count(), func.sum(prompt), func.sum(completion)).where(called >= since)
        async with self.database.read() as connection:
            found = await connection.execute(sums.group_by(*by).order_by(*by))
            return [
                Spent(number * DAY_SECONDS, step, model, calls, int(sent), int(got))
                for number, step, model, calls, sent, got in found
            ]

    async def reserve(self, tokens: int, budget: int, since: float) -> Reserved:
        """Set tokens aside for a call, out of a budget of what was spent since then by whoever shares the database.

        What others have reserved for calls under way counts as spent. Give it back by `save` or `release`.
        """
        reservation_id, now = new_id("c"), self.database.now()

        async def take(connection: AsyncConnection) -> Reserved:
            named = {"name": BUDGET, "holder": "", "token": 0, "expires_at": 0.0}
            await connection.execute(self.database.dialect.insert(leases).values(named).on_conflict_do_nothing())
            await connection.execute(select(leases.c.name).where(leases.c.name == BUDGET).with_for_update())
            over = self.database.reached(token_reservations.c.expires_at, RESERVED_SECONDS)
            await connection.execute(delete(token_reservations).where(over))
            reserved = func.coalesce(func.sum(token_reservations.c.tokens), 0)
            others = token_reservations.c.id != reservation_id
            # read before what is spent: a call that is saved in between counts twice rather than never
            taken = int((await connection.execute(select(reserved).where(others))).scalar_one())
            taken += await _spent(connection, self.database, since)
            if taken + tokens > budget:
                return Reserved(None, taken)
            values = {"id": reservation_id, "tokens": tokens, "expires_at": now + RESERVED_SECONDS}
            new = self.database.dialect.insert(token_reservations).values(values)
            await connection.execute(new.on_conflict_do_nothing())
            return Reserved(reservation_id, taken)

        return await self.database.write(take, idempotent=True, explicit_locks=True)

    async def release(self, reservation: str) -> None:
        """The call came to nothing: its tokens are free again."""

        async def free(connection: AsyncConnection) -> None:
            await connection.execute(delete(token_reservations).where(token_reservations.c.id == reservation))

        await self.database.write(free, idempotent=True, explicit_locks=True)


async def _spent(connection: AsyncConnection, database: Database, since: float) -> int:
    """Tokens of the calls since then; one that is recorded for a later time than now is of a clock that was ahead."""
    spent = func.coalesce(func.sum(model_calls.c.prompt_tokens + model_calls.c.completion_tokens), 0)
    times = model_calls.c.created_at
    where = (times >= since) & (times <= database.now() + CLOCKS_APART_SECONDS)
    return int((await connection.execute(select(spent).where(where))).scalar_one())
