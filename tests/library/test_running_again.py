"""Every write is run again where its transaction failed: afterwards all is as if it had gone well at once.

Two ways to fail, both by the server itself: it undoes the transaction at COMMIT (a serialisation failure), or commits
it, and the connection is lost before anybody knows. The second is run again only where that changes nothing more.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import TypeAlias

import pytest
from asyncpg import PostgresError
from library.evidence_cases import attempt, drawn, misstatements
from library.test_storage_vectors import vectors
from postgresql_server import PostgresqlServer
from sqlalchemy import make_url, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncTransaction

from explib.models.experiences import Lesson
from explib.models.groups import Postponement
from explib.models.learning import AnalysisStep, Lease, ModelCall
from explib.models.libraries import Library, LibrarySettings
from explib.models.revisions import Citation, Operation, Refusal
from explib.models.submissions import Grade, Submission
from explib.models.trajectories import Step
from explib.settings.library import LibraryChanges
from explib.storage.maintenance.check import check
from explib.storage.postgresql import retries as retrying
from explib.storage.revisions.proposal import Proposal
from explib.storage.store import Store, open_store
from explib.storage.tables import metadata
from explib.storage.tables.libraries import libraries

FAIL_AT_COMMIT = """
CREATE SEQUENCE failures;
CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN IF nextval(''failures'') = 1 THEN RAISE SQLSTATE ''40001''; END IF; RETURN NULL; END';
SELECT setval('failures', 2);
"""
ON_TABLE = """
CREATE CONSTRAINT TRIGGER fail AFTER INSERT OR UPDATE OR DELETE ON {table}
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION fail();
"""
ARMED = "SELECT setval('failures', 1, false)"
FIRED = "SELECT last_value > 1 FROM failures"
RANDOM = re.compile(r"\b[trkbcsg]_[0-9a-f]+|\b[0-9a-f]{64}\b|explib_[\w-]+|\b1[7-9]\d{8}(\.\d+)?")
"""Ids, hashes, secrets and times, which differ between any two runs."""
REPEATABLE = {
    "submit", "grade", "record", "count", "submit_under_retrieval", "acquire", "prolong", "postpone", "retry_dead",
    "use", "revoke", "reserve", "save", "release", "embed", "terms", "release_lease",
}  # fmt: skip
"""The writes that are run again where nobody knows whether they were committed."""
Work: TypeAlias = Callable[[], Coroutine[None, None, None]]


class Life:
    """What a library goes through, a write at a time."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.ids: list[str] = []
        self.lease: Lease | None = None
        self.library = Library(0, "none", LibrarySettings(), 0, 0.0)

    @property
    def held(self) -> Lease:
        assert self.lease is not None
        return self.lease

    async def create(self) -> None:
        self.library, _ = await self.store.libraries.create("life", LibrarySettings(exploration=True))

    async def change(self) -> None:
        self.library = await self.store.libraries.change(self.library, LibraryChanges(max_words=40), "ann")

    async def submit(self) -> None:
        number = len(self.ids)
        steps = (Step("assistant", f"attempt {number}"),)
        sent = Submission(f"task {number // 4}", steps, float(number % 2) if number % 3 else None, agent=f"a{number}")
        self.ids.append((await self.store.trajectories.submit(self.library, sent)).trajectory_id)

    async def grade(self) -> None:
        await self.store.trajectories.report_reward(self.library, self.ids[0], Grade(0.0, "late", "somebody"))

    async def record(self) -> None:
        for served in ((True, False), (False, True)):
            self.store.retrievals.record_behind(self.library, drawn(*served))
        await self.store.retrievals.flush()

    async def submit_under_retrieval(self) -> None:
        known = drawn(True, True)
        self.store.retrievals.record_behind(self.library, known)
        await self.store.retrievals.flush()
        await self.store.trajectories.submit(self.library, attempt(known, 1.0, submitter="somebody"))

    async def count(self) -> None:
        await self.store.evidence.count_all(self.library)

    async def judge(self) -> None:
        await self.store.evidence.judged(self.library, (await self.store.evidence.totals(self.library)).tick)

    async def acquire(self) -> None:
        self.lease = await self.store.leases.acquire("learn", "me", 60.0)

    async def prolong(self) -> None:
        assert await self.store.leases.prolong(self.held, 60.0)

    async def claim(self) -> None:
        self.claimed = await self.store.groups.claim(self.library, self.held, 1)

    async def give_back(self) -> None:
        await self.store.groups.give_back(self.library, self.claimed)

    async def postpone(self) -> None:
        [group] = self.claimed
        await self.store.groups.postpone(self.library, self.held, [Postponement(group, "why", 0.0, dead=True)])

    async def retry_dead(self) -> None:
        await self.store.groups.retry_dead(self.library)

    async def commit(self, *operations: Operation, learned: bool = False) -> None:
        current = await self.store.libraries.get("life")
        groups = tuple(await self.store.groups.due(current, 1)) if learned else ()
        author = "learner" if learned else "me"
        proposal = Proposal(current, "why", author, "contrast", operations, learned=groups, lease=self.held)
        await self.store.revisions.commit(proposal)

    async def add(self) -> None:
        cited = (Citation(self.ids[1], "for"),)
        added = tuple(Operation("ADD", "won", content=f"When {n}, do {n}.", citations=cited) for n in range(4))
        await self.commit(*added, learned=True)

    async def modify(self) -> None:
        await self.commit(
            Operation("MODIFY", "clearer", target="e1", content="When one, do it."),
            Operation("MERGE", "same", target="e2", merged=("e3",), content="When two or three, do both."),
            learned=True,
        )

    async def revert(self) -> None:
        await self.store.revisions.revert(await self.store.libraries.get("life"), 2, "ann", "worse")

    async def park(self) -> None:
        self.library = await self.store.libraries.change(self.library, LibraryChanges(review=True), "ann")
        await self.commit(Operation("ADD", "won", content="When it waits, wait."), learned=True)

    async def decide(self) -> None:
        waiting = await self.store.proposals.get(self.library, "p1")
        current = await self.store.libraries.get("life")
        refused = (Refusal(waiting.operation, "no"),)
        rejecting = Proposal(current, "no", "ann", "person", refusals=refused, reviewed=True, decides=waiting)
        await self.store.revisions.commit(rejecting)

    async def vote(self) -> None:
        for voter in ("ann", "bob"):
            await self.store.votes.cast(self.library, "e4", voter, up=False, reason="wrong")

    async def decisive_vote(self) -> None:
        assert (await self.store.votes.cast(self.library, "e4", "cid", up=False)).revision is not None

    async def open_batch(self) -> None:
        self.batch = await self.store.steps.open(self.library, self.held, await self.store.groups.all(self.library), ())

    async def ask(self) -> None:
        asked = [AnalysisStep(f"s_{n}", "advantage", "advantage", f"{n}" * 64, "p", (), {}) for n in range(2)]
        await self.store.steps.ask(self.library, self.held, asked)

    async def take(self) -> None:
        taken = await self.store.steps.take(self.library, "agent", 60.0)
        assert taken is not None
        self.step = taken

    async def keep(self) -> None:
        assert await self.store.steps.keep(self.library, self.step.id, "other", 60.0) is not None

    async def answer(self) -> None:
        await self.store.steps.answer(self.library, self.step, call("1"))

    async def narrow(self) -> None:
        await self.store.steps.narrow(self.library, self.held, self.batch, ())

    async def close_batch(self) -> None:
        await self.store.steps.close(self.library, self.held)

    async def token(self) -> None:
        self.made, _ = await self.store.tokens.create("ann", "submit", ["life"], None)

    async def use(self) -> None:
        self.store.tokens.used(self.made)
        await self.store.tokens.flush()

    async def revoke(self) -> None:
        await self.store.tokens.revoke(self.made.id)

    async def reserve(self) -> None:
        self.reserved = await self.store.model_calls.reserve(50, 200, 0.0)
        assert self.reserved.id is not None

    async def save(self) -> None:
        await self.store.model_calls.save(call("2"), self.reserved.id)

    async def release(self) -> None:
        another = await self.store.model_calls.reserve(50, 200, 0.0)
        assert another.id is not None
        await self.store.model_calls.release(another.id)

    async def embed(self) -> None:
        await self.store.vectors.save(self.library, "one", ["e1", "e2"], [1, 2], vectors(2))

    async def prune(self) -> None:
        assert await self.store.trajectories.prune(self.library, 1e12) > 0

    async def terms(self) -> None:
        await self.store.search.save_terms(self.library, [Lesson("e1", "When one, do it.", "active", 2)])

    async def release_lease(self) -> None:
        await self.store.leases.release(self.held)

    def writes(self) -> Sequence[Work]:
        return (
            self.create, self.change, *[self.submit] * 16, self.grade, self.record, self.count,
            self.submit_under_retrieval, self.judge, self.acquire, self.prolong, self.claim, self.give_back,
            self.claim, self.postpone, self.retry_dead, self.add, self.modify, self.submit_under_retrieval, self.revert,
            self.park, self.decide, self.vote, self.decisive_vote, self.open_batch, self.ask, self.take, self.keep,
            self.answer, self.narrow, self.close_batch, self.token, self.use, self.revoke, self.reserve, self.save,
            self.release, self.embed, self.prune, self.terms, self.release_lease,
        )  # fmt: skip


def call(name: str) -> ModelCall:
    return ModelCall(name * 64, "advantage", "p", "m", "{}", 30, 12, 1_000.0)


async def contents(store: Store) -> dict[str, list[str]]:
    """Every row of every table, without what differs between any two runs."""
    kept = {}
    async with store.database.read() as connection:
        for table in metadata.sorted_tables:
            shown = [each for each in table.columns if not each.name.endswith(("_at", "_before", "_until"))]
            shown = [each for each in shown if each.computed is None]  # made by the database, from the library's id too
            shown = [each for each in shown if each.name not in {"library_id", "body"} and each is not libraries.c.id]
            found = await connection.execute(select(*shown))
            kept[table.name] = sorted(RANDOM.sub("…", str(tuple(map(_rounded, row)))) for row in found)
    return kept


def _rounded(value: object) -> object:
    return round(value, 9) if isinstance(value, float) else value


@asynccontextmanager
async def whole(store: Store) -> AsyncIterator[None]:
    yield
    assert await check(store.database, deep=True) == []
    assert await misstatements(store) == []


async def undisturbed(url: str) -> dict[str, list[str]]:
    async with open_store(url) as store, whole(store):
        for write in Life(store).writes():
            await write()
        return await contents(store)


async def test_a_write_that_is_undone_at_commit_is_made_once(url: str, postgresql: PostgresqlServer) -> None:
    expected = await undisturbed(url)
    with postgresql.database() as unlucky:
        tables = "".join(ON_TABLE.format(table=table.name) for table in metadata.sorted_tables)
        postgresql.sql(f"\\c {make_url(unlucky).database}\n{FAIL_AT_COMMIT}{tables}")
        async with open_store(unlucky) as store, whole(store):
            for write in Life(store).writes():
                await asked(store, ARMED)
                await write()
                assert await asked(store, FIRED), write
            assert await contents(store) == expected


async def asked(store: Store, statement: str) -> object:
    async with store.database._engine.connect() as connection:
        found = (await connection.execute(text(statement))).scalar_one()
        await connection.commit()
        return found


async def test_a_write_that_is_run_again_though_it_was_committed_is_made_once(
    url: str, postgresql: PostgresqlServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    expected = await undisturbed(url)
    losing: list[str] = []
    lost: set[str] = set()
    really = retrying._commit

    async def commit_and_lose(transaction: AsyncTransaction, repeatable: bool) -> None:
        await really(transaction, repeatable)
        if losing and repeatable:
            lost.add(losing.pop())
            await lose(transaction.connection)

    monkeypatch.setattr(retrying, "_commit", commit_and_lose)
    with postgresql.database() as unlucky:
        async with open_store(unlucky) as store, whole(store):
            for write in Life(store).writes():
                losing[:] = [write.__name__]
                await write()
            found = await contents(store)
    assert found == expected
    assert lost == REPEATABLE
    assert [each.message for each in caplog.records if each.levelname == "ERROR"] == []


async def lose(connection: AsyncConnection) -> None:
    """The connection breaks off before the server's word that it has committed arrives."""
    driver = (await connection.get_raw_connection()).driver_connection
    assert driver is not None
    try:
        await driver.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    except PostgresError as error:
        raise DBAPIError("COMMIT", None, error, connection_invalidated=True) from error


@pytest.fixture(autouse=True)
def _counted_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not in the background, where a failure would meet now one write and now another."""
    monkeypatch.setattr("explib.storage.evidence.batches._crossed", lambda _totals, _added: False)


@pytest.fixture
def engine() -> str:
    return "postgresql"
