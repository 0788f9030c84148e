"""Leases: the right to do something alone for a while, with a token that fences off whoever held it before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from explib.errors import LeaseLost
from explib.models import Lease
from explib.storage.engine import Database
from explib.storage.tables import leases


@dataclass(frozen=True, slots=True)
class Leases:
    """Every lease of one database. `clock` gives seconds since the epoch."""

    database: Database
    clock: Callable[[], float]

    async def acquire(self, name: str, holder: str, seconds: float) -> Lease | None:
        """The lease, new or prolonged for its holder; None while another holds it."""

        async def take(connection: AsyncConnection) -> Lease | None:
            now = self.clock()
            await connection.execute(
                self.database.dialect.insert(leases)
                .values(name=name, holder="", token=0, expires_at=0.0)
                .on_conflict_do_nothing()
            )
            row = (await connection.execute(select(leases).where(leases.c.name == name).with_for_update())).one()
            if row.holder != holder and row.expires_at > now:
                return None
            token = row.token if row.holder == holder and row.expires_at > now else row.token + 1
            lease = Lease(name, holder, token, now + seconds)
            await connection.execute(
                update(leases)
                .where(leases.c.name == name)
                .values(holder=holder, token=token, expires_at=lease.expires_at)
            )
            return lease

        return await self.database.write(take)

    async def prolong(self, lease: Lease, seconds: float) -> bool:
        """Keep a lease that is still this one's; False where it went to another holder."""

        async def extend(connection: AsyncConnection) -> bool:
            mine = (leases.c.name == lease.name) & (leases.c.token == lease.token) & (leases.c.holder == lease.holder)
            done = await connection.execute(update(leases).where(mine).values(expires_at=self.clock() + seconds))
            return done.rowcount == 1

        return await self.database.write(extend)

    async def release(self, lease: Lease) -> None:
        """Give it back early. Nothing happens where it was already lost."""

        async def expire(connection: AsyncConnection) -> None:
            await connection.execute(
                update(leases)
                .where(leases.c.name == lease.name, leases.c.token == lease.token)
                .values(expires_at=0.0, holder="")
            )

        await self.database.write(expire)

    async def holder(self, name: str) -> Lease | None:
        """Who holds the lease now."""
        async with self.database.read() as connection:
            row = (await connection.execute(select(leases).where(leases.c.name == name))).first()
        if row is None or row.expires_at <= self.clock():
            return None
        return Lease(row.name, row.holder, row.token, row.expires_at)


async def check_lease(connection: AsyncConnection, lease: Lease) -> None:
    """Raises LeaseLost unless this very lease is still the newest: the fence before a learner's commit."""
    row = (await connection.execute(select(leases.c.token).where(leases.c.name == lease.name))).first()
    if row is None or row.token != lease.token:
        raise LeaseLost
