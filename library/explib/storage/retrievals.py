"""What was served to whom, with which probability; and the lexical side of finding it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection

from explib.errors import UnknownRetrieval
from explib.ids import made_at
from explib.models.libraries import Library
from explib.models.retrievals import Retrieval
from explib.storage import evidence, rows
from explib.storage.engine import Database
from explib.storage.tables.evidence import retrievals

log = logging.getLogger(__name__)
GATHER_SECONDS = 0.25
"""How long a record may wait for others to be written with it: a transaction of many costs little more than of one."""
LOOK_SECONDS = 0.05
LOOKS = 20
LATE_SECONDS = 1.0
"""How long after a retrieval another process may still be about to write it."""
_KNOWN = select(retrievals.c.id).where(
    retrievals.c.library_id == bindparam("owner"), retrievals.c.id == bindparam("retrieval")
)


@dataclass(frozen=True, slots=True)
class Retrievals:
    """Every retrieval of one database."""

    database: Database
    _pending: list[tuple[Library, Retrieval]] = field(default_factory=list, repr=False)
    _writing: set[asyncio.Task[None]] = field(default_factory=set, repr=False)
    _hurry: asyncio.Event = field(default_factory=asyncio.Event, repr=False)

    def record_behind(self, library: Library, retrieval: Retrieval) -> None:
        """Take the record and go on: it is written within moments, together with others.

        It promises nothing to anybody yet; a failure is logged, and a submission that names it will be told.
        """
        self._pending.append((library, retrieval))
        if not self._writing:
            writing = asyncio.create_task(self._write_behind(), name="record retrievals")
            self._writing.add(writing)
            writing.add_done_callback(self._written)

    async def settled(self) -> None:
        """Returns when every record that was taken is written, or has failed."""
        self._hurry.set()
        while self._writing:
            await asyncio.wait(self._writing)
        self._hurry.clear()

    async def awaited(self, library: Library, identity: str) -> None:
        """Returns when the record is written, or will not be: who has just made it may be another process."""
        await self.settled()
        named = {"owner": library.id, "retrieval": identity}
        for _ in range(LOOKS):
            fresh = abs(time.time() - made_at(identity)) < LATE_SECONDS
            if not fresh or await self.database.first(_KNOWN, named) is not None:
                return
            await asyncio.sleep(LOOK_SECONDS)

    async def _write_behind(self) -> None:
        while self._pending:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._hurry.wait(), GATHER_SECONDS)
            batch = self._pending.copy()
            self._pending.clear()
            await self._record(batch)

    def _written(self, writing: asyncio.Task[None]) -> None:
        self._writing.discard(writing)
        if not writing.cancelled() and (error := writing.exception()) is not None:
            log.error("retrievals could not be recorded", exc_info=error)

    async def _record(self, batch: list[tuple[Library, Retrieval]]) -> None:
        owners = {retrieval.id: library.id for library, retrieval in batch}

        async def insert(connection: AsyncConnection) -> None:
            prepared = await evidence.record(connection, self.database, batch)
            values = [{**rows.retrieval_values(each), "library_id": owners[each.id]} for each in prepared]
            await connection.execute(retrievals.insert(), values)

        # run again after a commit that nobody knows of, the insert fails, and nothing is counted twice
        await self.database.write(insert, repeatable=True, locks=True)

    async def get(self, library: Library, identity: str) -> Retrieval:
        """Raises UnknownRetrieval."""
        where = (retrievals.c.library_id == library.id) & (retrievals.c.id == identity)
        async with self.database.read() as connection:
            row = (await connection.execute(select(retrievals).where(where))).mappings().first()
        if row is None:
            raise UnknownRetrieval
        return rows.retrieval(row)

    async def search(self, library: Library, words: Sequence[str], limit: int) -> list[str]:
        """Experience ids by BM25 of their terms, best first."""
        async with self.database.read() as connection:
            return await self.database.dialect.search_terms(connection, library.id, words, limit)
