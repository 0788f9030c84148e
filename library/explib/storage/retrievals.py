"""What was served to whom, with which probability; and the lexical side of finding it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from explib.errors import UnknownRetrieval
from explib.models import Library, Retrieval
from explib.storage import rows
from explib.storage.engine import Database
from explib.storage.tables import retrievals

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Retrievals:
    """Every retrieval of one database."""

    database: Database
    _behind: set[asyncio.Task[None]] = field(default_factory=set, repr=False)

    def record_behind(self, library: Library, retrieval: Retrieval) -> None:
        """Hand the record to the writer and go on: later writes of this process find it, others within moments.

        It promises nothing to anybody yet; a failure is logged, and a submission that names it will be told.
        """
        writing = asyncio.create_task(self.record(library, retrieval), name=f"record {retrieval.id}")
        self._behind.add(writing)
        writing.add_done_callback(self._written)

    def _written(self, writing: asyncio.Task[None]) -> None:
        self._behind.discard(writing)
        if not writing.cancelled() and (error := writing.exception()) is not None:
            log.error("a retrieval could not be recorded", exc_info=error)

    async def settled(self) -> None:
        """Returns when every record that was handed over is written, or has failed."""
        while self._behind:
            await asyncio.wait(self._behind)

    async def record(self, library: Library, retrieval: Retrieval) -> None:
        """Durable when it returns."""

        async def insert(connection: AsyncConnection) -> None:
            await connection.execute(
                retrievals.insert().values(
                    id=retrieval.id,
                    library_id=library.id,
                    task=retrieval.task,
                    revision=retrieval.revision,
                    servings=rows.SERVINGS.dump_python(retrieval.servings, mode="json"),
                    created_at=retrieval.created_at,
                )
            )

        await self.database.write(insert)

    async def get(self, library: Library, identity: str) -> Retrieval:
        """Raises UnknownRetrieval."""
        where = (retrievals.c.library_id == library.id) & (retrievals.c.id == identity)
        async with self.database.read() as connection:
            row = (await connection.execute(select(retrievals).where(where))).first()
        if row is None:
            raise UnknownRetrieval
        return Retrieval(identity, row.task, row.revision, rows.SERVINGS.validate_python(row.servings), row.created_at)

    async def search(self, library: Library, words: Sequence[str], limit: int) -> list[str]:
        """Experience ids by BM25 of their terms, best first."""
        async with self.database.read() as connection:
            return await self.database.dialect.search_terms(connection, library.id, words, limit)
