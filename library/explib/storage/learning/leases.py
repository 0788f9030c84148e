"""Leases: the right to do something alone for a while, with a token that fences off whoever held it before.

They run by the database's clock: the machines that share it may disagree on the time.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import case, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from explib.errors import LeaseLost
from explib.models.learning import Lease
from explib.storage.database import Database
from explib.storage.tables.learning import leases


@dataclass(frozen=True, slots=True)
class Leases:
    """Every lease of one database."""

    database: Database

    async def acquire(self, name: str, holder: str, seconds: float) -> Lease | None:
        """The lease, new or prolonged for its holder; None while another holds it."""
        now = self.database.now()
        named = leases.c.name == name
        running = leases.c.expires_at > now
        token = case(((leases.c.holder == holder) & running, leases.c.token), else_=leases.c.token + 1)

        async def take(connection: AsyncConnection) -> Lease | None:
            await connection.execute(
                self.database.dialect.insert(leases)
                .values(name=name, holder="", token=0, expires_at=0.0)
                .on_conflict_do_nothing()
            )
            taken = await connection.execute(
                update(leases)
                .where(named, (leases.c.holder == holder) | ~running)
                .values(holder=holder, token=token, expires_at=now + seconds)
                .returning(leases)
            )
            row = taken.first()
            return None if row is None else Lease(row.name, row.holder, row.token, row.expires_at)

        return await self.database.write(take, idempotent=True, explicit_locks=True)

    async def prolong(self, lease: Lease, seconds: float) -> bool:
        """Keep a lease that is still this one's; False where it went to another holder."""

        async def extend(connection: AsyncConnection) -> bool:
            mine = (leases.c.name == lease.name) & (leases.c.token == lease.token) & (leases.c.holder == lease.holder)
            until = self.database.now() + seconds
            done = await connection.execute(update(leases).where(mine).values(expires_at=until))
            return done.rowcount == 1

        return await self.database.write(extend, idempotent=True, explicit_locks=True)

    async def release(self, lease: Lease) -> None:
        """Give it back early. Nothing happens where it was already lost."""

        async def expire(connection: AsyncConnection) -> None:
            await connection.execute(
                update(leases)
                .where(leases.c.name == lease.name, leases.c.token == lease.token)
                .values(expires_at=0.0, holder="")
            )

        await self.database.write(expire, idempotent=True, explicit_locks=True)

    async def release_named(self, *names: str) -> list[str]:
        """Give these leases back, whoever holds them; without a name, every one. The names of those that ran."""
        now = self.database.now()

        async def expire(connection: AsyncConnection) -> list[str]:
            running = leases.c.expires_at > now
            where = running & leases.c.name.in_(names) if names else running
            done = update(leases).where(where).values(expires_at=0.0, holder="", token=leases.c.token + 1)
            return [row.name for row in await connection.execute(done.returning(leases.c.name))]

        return await self.database.write(expire, idempotent=True, explicit_locks=True)

    async def holder(self, name: str) -> Lease | None:
        """The lease as it is held now, or None."""
        async with self.database.read() as connection:
            running = (leases.c.name == name) & (leases.c.expires_at > self.database.now())
            row = (await connection.execute(select(leases).where(running))).first()
        return None if row is None else Lease(row.name, row.holder, row.token, row.expires_at)


async def check_lease(connection: AsyncConnection, lease: Lease) -> None:
    """Raises LeaseLost unless this very lease is still the newest: the fence before a learner's commit.

    Nobody can take the lease over between this look and the end of the transaction.
    """
    held = select(leases.c.token).where(leases.c.name == lease.name).with_for_update(read=True)
    row = (await connection.execute(held)).first()
    if row is None or row.token != lease.token:
        raise LeaseLost
