"""Answered model calls, under the hash of their request: nothing is bought twice."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from explib.models.learning import ModelCall
from explib.storage import rows
from explib.storage.engine import Database
from explib.storage.tables.learning import model_calls


@dataclass(frozen=True, slots=True)
class ModelCalls:
    """The record of every model call of one database."""

    database: Database

    async def find(self, request_hash: str) -> ModelCall | None:
        """The stored answer to exactly this request."""
        async with self.database.read() as connection:
            found = await connection.execute(select(model_calls).where(model_calls.c.request_hash == request_hash))
            row = found.mappings().first()
        return None if row is None else rows.model_call(row)

    async def save(self, call: ModelCall) -> None:
        """Durable when it returns. A second answer to the same request is not kept."""
        statement = self.database.dialect.insert(model_calls).values(**asdict(call)).on_conflict_do_nothing()

        async def insert(connection: AsyncConnection) -> None:
            await connection.execute(statement)

        await self.database.write(insert, repeatable=True, locks=True)

    async def tokens_since(self, since: float) -> int:
        """Tokens (prompt and completion) of the calls recorded at or after `since`."""
        spent = func.coalesce(func.sum(model_calls.c.prompt_tokens + model_calls.c.completion_tokens), 0)
        async with self.database.read() as connection:
            found = await connection.execute(select(spent).where(model_calls.c.created_at >= since))
            return int(found.scalar_one())
