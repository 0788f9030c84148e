"""The store: everything that is kept, behind one door."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from explib.errors import DatabaseUnavailable
from explib.storage.database import Database
from explib.storage.deletion.store import Deletions
from explib.storage.engine import Access, Dialect
from explib.storage.evidence.accounts import EvidenceReader
from explib.storage.evidence.following import Followings
from explib.storage.evidence.retrievals import Retrievals
from explib.storage.learning.agent_steps import AnalysisSteps
from explib.storage.learning.decisions import Codebooks
from explib.storage.learning.leases import Leases
from explib.storage.learning.model_calls import ModelCalls
from explib.storage.learning.practice import PracticeRuns
from explib.storage.libraries.measures import Monitoring
from explib.storage.libraries.store import Libraries
from explib.storage.revisions.lessons import Lessons
from explib.storage.revisions.review_queue import Proposals
from explib.storage.revisions.store import Revisions
from explib.storage.revisions.trials import Trials
from explib.storage.revisions.votes import Votes
from explib.storage.schema import check_schema, ensure_schema
from explib.storage.search import Search
from explib.storage.sqlite.dialect import SqliteDialect
from explib.storage.tokens import Tokens
from explib.storage.trajectories.browsing import AttemptList
from explib.storage.trajectories.groups import Groups
from explib.storage.trajectories.store import Trajectories
from explib.storage.vectors import Vectors
from explib.tasks import run_to_completion

POOL_SIZE = 10
STATEMENT_SECONDS = 30.0
NAMED = "The database URL (of EXPLIB_DATABASE_URL or `explib db copy`)"
URLS = "sqlite+aiosqlite:////path/to/library.db or postgresql+asyncpg://user:password@host/database"


class Store:
    """One open database, by kinds of thing. `clock` gives seconds since the epoch."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self.database = database
        self.libraries = Libraries(database)
        self.trajectories = Trajectories(database)
        self.attempts = AttemptList(database)
        self.groups = Groups(database)
        self.revisions = Revisions(database)
        self.lessons = Lessons(database)
        self.proposals = Proposals(database)
        self.retrievals = Retrievals(database)
        self.evidence = EvidenceReader(database)
        self.followings = Followings(database)
        self.vectors = Vectors(database)
        self.search = Search(database)
        self.trials = Trials(database)
        self.votes = Votes(database, clock)
        self.model_calls = ModelCalls(database)
        self.codebooks = Codebooks(database)
        self.leases = Leases(database)
        self.steps = AnalysisSteps(database, clock)
        self.tokens = Tokens(database, clock)
        self.practice = PracticeRuns(database)
        self.deletions = Deletions(database)
        self.measures = Monitoring(database)
        self.clock = clock

    async def ready(self) -> None:
        """Raises StorageError unless the database answers and has this program's schema."""
        await check_schema(self.database)

    async def close(self) -> None:
        """Finish what is written behind, and close every connection."""
        try:
            await self.vectors.flush()
            await self.retrievals.close()
            await self.tokens.flush()
        finally:
            await self.database.close()


def _parsed(url: str) -> URL:
    try:
        return make_url(url)
    except ArgumentError as error:
        raise DatabaseUnavailable(f"{NAMED} can't be read: one looks like {URLS}.") from error


def database_file(url: str) -> Path | None:
    """The file of an embedded database; None for one that is a server's. Raises DatabaseUnavailable."""
    parsed = _parsed(url)
    return Path(parsed.database) if parsed.get_backend_name() == "sqlite" and parsed.database else None


def dialect_for(url: str, pool_size: int = POOL_SIZE, statement_timeout: float = STATEMENT_SECONDS) -> Dialect:
    """The engine that a database URL names. Raises DatabaseUnavailable for one that we don't have."""
    parsed = _parsed(url)
    if parsed.drivername in {"sqlite", "sqlite+aiosqlite"}:
        return SqliteDialect(parsed.set(drivername="sqlite+aiosqlite"))
    if parsed.drivername in {"postgres", "postgresql", "postgresql+asyncpg"}:
        from explib.storage.postgresql.dialect import PostgresqlDialect

        return PostgresqlDialect(parsed.set(drivername="postgresql+asyncpg"), pool_size, statement_timeout)
    raise DatabaseUnavailable(f"{NAMED} names {parsed.drivername!r}, which we don't have: use {URLS}.")


@asynccontextmanager
async def open_store(
    url: str,
    clock: Callable[[], float] | None = None,
    *,
    pool_size: int = POOL_SIZE,
    statement_timeout: float = STATEMENT_SECONDS,
    access: Access = "create",
) -> AsyncIterator[Store]:
    """The store at `url`, created or upgraded where needed and allowed; closed at the end. Raises StorageError.

    Leases and back-off go by `clock`, where one is given, instead of the database's own. PostgreSQL gets at most
    `pool_size` connections, and `statement_timeout` seconds for each statement.
    """
    store = Store(Database(dialect_for(url, pool_size, statement_timeout), clock, access), clock or time.time)
    try:
        await ensure_schema(store.database)
        yield store
    finally:
        await run_to_completion(store.close())
