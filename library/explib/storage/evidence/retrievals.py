"""Retrievals: what was served to whom, with which probability."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from explib.errors import UnknownRetrieval
from explib.ids import made_at
from explib.models.libraries import Library
from explib.models.retrievals import Retrieval
from explib.storage import rows
from explib.storage.database import Database
from explib.storage.evidence.batches import count, record
from explib.storage.evidence.counters import IS_RECORDED
from explib.storage.evidence.pairs import Pair, enter_pairs
from explib.storage.tables.evidence import retrievals
from explib.tasks import BackgroundTasks

GATHER_SECONDS = 0.25
"""Time that a record may wait for others to be written with it: many cost little more than one."""
LOOK_SECONDS = 0.05
LOOKS = 20
LATE_SECONDS = 1.0
"""Time after a retrieval in which another process may still be about to write it."""


@dataclass(frozen=True, slots=True)
class Retrievals:
    """Every retrieval of one database."""

    database: Database
    _pending: list[tuple[Library, Retrieval]] = field(default_factory=list, repr=False)
    _writing: BackgroundTasks = field(default_factory=BackgroundTasks, repr=False)
    _counting: BackgroundTasks = field(default_factory=BackgroundTasks, repr=False)
    _hurry: asyncio.Event = field(default_factory=asyncio.Event, repr=False)

    def record_behind(self, library: Library, retrieval: Retrieval) -> None:
        """Take the record and go on: it is written within moments, together with others.

        It promises nothing to anybody yet; a failure is logged, and a submission that names it will be told.
        """
        self._pending.append((library, retrieval))
        if self._writing.idle:
            self._writing.start(self._write_behind(), "record retrievals", "retrievals could not be recorded")

    async def flush(self) -> None:
        """Returns when every record that was taken is written, or has failed."""
        self._hurry.set()
        try:
            await self._writing.flush()
        finally:
            self._hurry.clear()

    async def awaited(self, library: Library, retrieval_id: str) -> None:
        """Returns when the record is written, or will not be: who has just made it may be another process."""
        await self.flush()
        named = {"owner": library.id, "retrieval": retrieval_id}
        for _ in range(LOOKS):
            fresh = abs(time.time() - made_at(retrieval_id)) < LATE_SECONDS
            if not fresh or await self.database.read_row(IS_RECORDED, named) is not None:
                return
            await asyncio.sleep(LOOK_SECONDS)

    async def enter_pairs(self, library: Library, pairs: Sequence[Pair]) -> int:
        """Enter the planned pairs that are not entered yet; how many they were."""
        return await enter_pairs(self.database, library, pairs)

    async def close(self) -> None:
        """Settle, and finish what is being entered in the evidence."""
        await self.flush()
        await self._counting.flush()

    async def _write_behind(self) -> None:
        while self._pending:
            with suppress(TimeoutError):
                async with asyncio.timeout(GATHER_SECONDS):
                    await self._hurry.wait()
            batch = self._pending.copy()
            self._pending.clear()
            to_count = await self._record(batch)
            if to_count and self._counting.idle:
                failed = "retrievals could not be entered in the evidence; the next ones will try"
                self._counting.start(self._count(to_count), "count retrievals", failed)

    async def _count(self, libraries: list[int]) -> None:
        for library_id in libraries:
            await count(self.database, library_id)

    async def _record(self, batch: list[tuple[Library, Retrieval]]) -> list[int]:
        tries = itertools.count()

        async def write(connection: AsyncConnection) -> list[int]:
            again = next(tries) > 0  # after a commit that nobody knows of: what is recorded is not recorded twice
            left = await _unrecorded(connection, batch) if again else batch
            return await record(connection, self.database, left)

        return await self.database.write(write, idempotent=True, explicit_locks=True)

    async def get(self, library: Library, retrieval_id: str) -> Retrieval:
        """Raises UnknownRetrieval."""
        where = (retrievals.c.library_id == library.id) & (retrievals.c.id == retrieval_id)
        row = await self.database.row(select(retrievals).where(where))
        if row is None:
            raise UnknownRetrieval
        return rows.retrieval(row)


async def _unrecorded(
    connection: AsyncConnection, batch: Sequence[tuple[Library, Retrieval]]
) -> list[tuple[Library, Retrieval]]:
    """The retrievals of the batch that are not recorded yet."""
    named = retrievals.c.id.in_([retrieval.id for _, retrieval in batch])
    owned = retrievals.c.library_id.in_({library.id for library, _ in batch})
    found = await connection.execute(select(retrievals.c.library_id, retrievals.c.id).where(owned, named))
    known = {(row.library_id, row.id) for row in found}
    return [(library, retrieval) for library, retrieval in batch if (library.id, retrieval.id) not in known]
