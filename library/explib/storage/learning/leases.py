"""Leases: the right to do something alone for a while, with a token that fences off whoever held it before.

They run by the database's clock: the machines that share it may disagree on the time.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import case, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from explib.errors import LeaseLost
from explib.models.learning import Lease
from explib.models.libraries import Library
from explib.storage.database import Database
from explib.storage.tables.learning import leases

LONGEST_SECONDS = 600.0
"""The longest that a lease can be taken for; one that lasts longer was taken by a clock that was ahead."""


@dataclass(frozen=True, slots=True)
class Leases:
    """Every lease of one database."""

    database: Database

    async def acquire(self, name: str, holder: str, seconds: float) -> Lease | None:
        """The lease, new or prolonged for its holder; None while another holds it."""
        now = self.database.now()
        named = leases.c.name == name
        free = self.database.reached(leases.c.expires_at, LONGEST_SECONDS)
        token = case(((leases.c.holder == holder) & ~free, leases.c.token), else_=leases.c.token + 1)

        async def take(connection: AsyncConnection) -> Lease | None:
            await connection.execute(
                self.database.dialect.insert(leases)
                .values(name=name, holder="", token=0, expires_at=0.0)
                .on_conflict_do_nothing()
            )
            taken = await connection.execute(
                update(leases)
                .where(named, (leases.c.holder == holder) | free)
                .values(holder=holder, token=token, expires_at=now + min(seconds, LONGEST_SECONDS))
                .returning(leases)
            )
            row = taken.first()
            return None if row is None else Lease(*row)

        return await self.database.write(take, idempotent=True, explicit_locks=True)

    async def prolong(self, lease: Lease, seconds: float) -> bool:
        """Keep a lease that is still this one's; False where it went to another holder."""

        async def extend(connection: AsyncConnection) -> bool:
            owned = (leases.c.name == lease.name) & (leases.c.token == lease.token) & (leases.c.holder == lease.holder)
            until = self.database.now() + min(seconds, LONGEST_SECONDS)
            done = await connection.execute(update(leases).where(owned).values(expires_at=until))
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

    async def take_away(self, name: str) -> Lease | None:
        """End a lease, whoever holds it: that one commits nothing more. The lease as it was, or None."""
        named = leases.c.name == name

        async def end(connection: AsyncConnection) -> Lease | None:
            row = (await connection.execute(select(leases).where(named).with_for_update())).first()
            if row is None or not row.holder:
                return None
            ended = {"token": row.token + 1, "expires_at": 0.0, "holder": ""}
            await connection.execute(update(leases).where(named).values(**ended))
            return Lease(*row)

        return await self.database.write(end, explicit_locks=True)

    async def holder(self, name: str) -> Lease | None:
        """The lease as it is held now, or None."""
        held = (leases.c.name == name) & ~self.database.reached(leases.c.expires_at, LONGEST_SECONDS)
        row = await self.database.row(select(leases).where(held))
        return None if row is None else Lease(**row)


def lease_name(library: Library) -> str:
    """The name of the lease under which a library is learned."""
    return f"learn:{library.id}"


async def end_learning(connection: AsyncConnection, library: Library) -> None:
    """End the library's learning lease in this transaction: whoever is learning from it now commits nothing more."""
    held = leases.c.name == lease_name(library)
    await connection.execute(update(leases).where(held).values(token=leases.c.token + 1, holder="", expires_at=0.0))


async def check_lease(connection: AsyncConnection, lease: Lease) -> None:
    """Raises LeaseLost unless this very lease is still the newest: the fence before a learner's commit.

    Nobody can take the lease over between this look and the end of the transaction.
    """
    held = select(leases.c.token).where(leases.c.name == lease.name).with_for_update(read=True)
    row = (await connection.execute(held)).first()
    if row is None or row.token != lease.token:
        raise LeaseLost
