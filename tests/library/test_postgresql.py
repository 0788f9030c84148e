"""What only PostgreSQL can get wrong: how it is opened, what it says, and what many at once do to each other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from postgresql_server import TERMINATE, PostgresqlServer
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from stores import opened
from waiting import until

from explib.errors import DatabaseUnavailable, LeaseLost, NotADatabase
from explib.models.libraries import Library, LibrarySettings
from explib.models.revisions import Operation
from explib.models.submissions import Grade, Submission
from explib.models.trajectories import Step
from explib.retrieval.retriever import Retriever
from explib.storage.learning.leases import check_lease
from explib.storage.maintenance.check import check
from explib.storage.postgresql.notifications import QUIET_SECONDS
from explib.storage.revisions.proposal import Proposal
from explib.storage.store import Store, open_store

PARTITIONING = Path(__file__).parents[2] / "docs/partitioning.sql"
OWNED = """
CREATE ROLE explib_owner; GRANT CREATE ON SCHEMA public TO explib_owner; CREATE ROLE "A reader";
DO $$ DECLARE name text; BEGIN
    FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
        EXECUTE format('ALTER TABLE %I OWNER TO explib_owner', name);
    END LOOP;
END $$;
GRANT SELECT ON trajectories TO PUBLIC; GRANT SELECT, INSERT ON trajectories TO "A reader" WITH GRANT OPTION;
"""
MANY = 24
PATIENCE = 30.0
"""Seconds after which a condition that should come true has failed."""


@pytest.fixture
def engine() -> str:
    return "postgresql"


def attempt(number: int, reward: float | None = None) -> Submission:
    return Submission("pack", (Step("assistant", f"attempt {number}"),), reward=reward)


@asynccontextmanager
async def several(url: str, count: int) -> AsyncIterator[list[Store]]:
    """As many servers as would be on as many machines."""
    if not count:
        yield []
        return
    async with open_store(url) as one, several(url, count - 1) as others:
        yield [one, *others]


async def test_many_who_start_at_once_make_one_schema(postgresql: PostgresqlServer) -> None:
    with postgresql.database("template1") as url:
        await asyncio.gather(*(opened(url) for _ in range(5)))
        async with open_store(url) as store:
            assert await store.libraries.all() == []


async def test_a_database_of_another_program_is_left_alone(postgresql: PostgresqlServer) -> None:
    with postgresql.database("template1") as url:
        postgresql.sql(f"\\c {make_url(url).database}\nCREATE TABLE notes (id integer);")
        with pytest.raises(NotADatabase, match="another program"):
            await opened(url)


async def test_a_server_that_is_not_there_is_told_at_once() -> None:
    with pytest.raises(DatabaseUnavailable, match="cannot be reached"):
        await opened("postgresql+asyncpg://explib:secret@127.0.0.1:1/explib")


async def test_a_database_that_is_not_there_is_told(postgresql: PostgresqlServer) -> None:
    with pytest.raises(DatabaseUnavailable, match="CREATE DATABASE"):
        await opened(postgresql.url("nowhere"))


async def test_a_user_who_may_not_install_pgvector_is_told_who_does(postgresql: PostgresqlServer) -> None:
    with postgresql.database("template1") as url:
        postgresql.sql("CREATE ROLE guest LOGIN;")
        with pytest.raises(DatabaseUnavailable, match="CREATE EXTENSION vector"):
            await opened(str(make_url(url).set(username="guest")))
        postgresql.sql("DROP ROLE guest;")


async def test_a_pgvector_without_half_precision_is_told(postgresql: PostgresqlServer) -> None:
    with postgresql.database("template1") as url:
        old = "CREATE EXTENSION vector;\nUPDATE pg_extension SET extversion = '0.6.2' WHERE extname = 'vector';"
        postgresql.sql(f"\\c {make_url(url).database}\n{old}")
        with pytest.raises(DatabaseUnavailable, match=r"pgvector 0\.6\.2.*ALTER EXTENSION vector UPDATE"):
            await opened(url)


async def test_a_statement_that_takes_too_long_is_told(url: str) -> None:
    async with open_store(url, statement_timeout=0.05) as store:
        with pytest.raises(DatabaseUnavailable, match="EXPLIB_DATABASE_STATEMENT_TIMEOUT"):
            async with store.database.read() as connection:
                await connection.execute(text("SELECT pg_sleep(10)"))


async def test_reads_are_of_one_moment(store: Store, library: Library) -> None:
    counted = text("SELECT count(*) FROM trajectories")
    async with store.database.read() as connection:
        before = (await connection.execute(counted)).scalar_one()
        await store.trajectories.submit(library, attempt(1))
        assert (await connection.execute(counted)).scalar_one() == before
    async with store.database.read() as connection:
        assert (await connection.execute(counted)).scalar_one() == before + 1


async def test_many_servers_count_one_group_right(url: str, library: Library) -> None:
    async with several(url, 4) as stores:
        ids = await asyncio.gather(
            *(stores[number % 4].trajectories.submit(library, attempt(number)) for number in range(MANY))
        )
        await asyncio.gather(
            *(
                stores[number % 3].trajectories.report_reward(library, each.trajectory_id, Grade(float(number % 2)))
                for number, each in enumerate(ids)
            )
        )
        [group] = await stores[0].groups.all(library)
    assert (group.size, group.graded, group.graded_version, group.state) == (MANY, MANY, 2 * MANY, "ready")


async def test_the_same_submission_to_many_servers_is_one_trajectory(url: str, library: Library) -> None:
    async with several(url, 4) as stores:
        receipts = await asyncio.gather(
            *(stores[number % 4].trajectories.submit(library, attempt(1, 1.0)) for number in range(MANY))
        )
        assert len({receipt.trajectory_id for receipt in receipts}) == 1
        assert sum(not receipt.duplicate for receipt in receipts) == 1
        assert (await stores[0].libraries.overview(library)).trajectories == 1


async def test_writes_that_would_break_each_others_rule_are_run_again(store: Store, library: Library) -> None:
    """At most one library may be marked: each of two writers sees no mark, and both would set one."""
    other = await store.libraries.ensure("other", LibrarySettings())
    looked = {each.id: asyncio.Event() for each in (library, other)}
    tries: list[int] = []

    def marking(mine: Library) -> Callable[[AsyncConnection], Awaitable[bool]]:
        async def mark(connection: AsyncConnection) -> bool:
            tries.append(mine.id)
            marked = await connection.execute(text("SELECT count(*) FROM libraries WHERE next_experience > 10"))
            free = int(marked.scalar_one()) == 0
            looked[mine.id].set()
            await asyncio.gather(*(each.wait() for each in looked.values()))
            if free:
                setting = text("UPDATE libraries SET next_experience = 11 WHERE id = :id")
                await connection.execute(setting, {"id": mine.id})
            return free

        return mark

    async with asyncio.timeout(PATIENCE):
        marked = await asyncio.gather(*(store.database.write(marking(each)) for each in (library, other)))
    assert sorted(marked) == [False, True]
    assert len(tries) > 2


async def test_a_deadlock_is_run_again(store: Store, library: Library) -> None:
    other = await store.libraries.ensure("other", LibrarySettings())
    held = {each.id: asyncio.Event() for each in (library, other)}
    renaming = text("UPDATE libraries SET next_experience = next_experience + 1 WHERE id = :id")

    def both(first: Library, second: Library) -> Callable[[AsyncConnection], Awaitable[None]]:
        async def change(connection: AsyncConnection) -> None:
            await connection.execute(renaming, {"id": first.id})
            held[first.id].set()
            await held[second.id].wait()
            await connection.execute(renaming, {"id": second.id})

        return change

    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(
            store.database.write(both(library, other), explicit_locks=True),
            store.database.write(both(other, library), explicit_locks=True),
        )
    async with store.database.read() as connection:
        counted = await connection.execute(text("SELECT next_experience FROM libraries"))
        assert [row[0] for row in counted] == [3, 3]


async def test_a_takeover_waits_for_the_commit_that_it_would_fence_off(
    url: str, store: Store, library: Library
) -> None:
    async with open_store(url, lambda: 1e12) as later:
        lease = await store.leases.acquire("learn", "first", 60.0)
        assert lease is not None
        checked, go_on, order = asyncio.Event(), asyncio.Event(), list[str]()

        async def commit(connection: AsyncConnection) -> None:
            await check_lease(connection, lease)
            checked.set()
            await go_on.wait()
            order.append("commit")

        async def take_over() -> None:
            assert await later.leases.acquire("learn", "second", 60.0) is not None
            order.append("takeover")

        committing = asyncio.create_task(store.database.write(commit, explicit_locks=True))
        await checked.wait()
        taking = asyncio.create_task(take_over())
        await waiting_for_a_lock(store)
        go_on.set()
        await asyncio.gather(committing, taking)
        assert order == ["commit", "takeover"]
        with pytest.raises(LeaseLost):
            await store.database.write(commit, explicit_locks=True)


async def waiting_for_a_lock(store: Store) -> None:
    waits = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")

    async def somebody_waits() -> bool:
        return bool(await store.database.scalar(waits))

    await until(somebody_waits)


async def test_leases_run_by_the_servers_clock(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    lease = await store.leases.acquire("learn", "first", 60.0)
    assert lease is not None
    monkeypatch.setattr("time.time", lambda: 1e12)
    assert await store.leases.acquire("learn", "second", 60.0) is None
    assert await store.leases.holder("learn") == lease


async def revise(store: Store, library: Library) -> None:
    current = await store.libraries.get(library.name)
    lesson = Operation("ADD", "because", content=f"When {current.revision}, count on.")
    await store.revisions.commit(Proposal(current, "test", "me", "contrast", (lesson,)))


async def test_a_revision_is_heard_of_in_every_process_at_once_also_after_a_restart(
    postgresql: PostgresqlServer, url: str, library: Library
) -> None:
    async with asyncio.timeout(QUIET_SECONDS - 5), several(url, 2) as (one, other), one.database.changes() as changed:
        await changed()
        for _ in range(2):
            hearing = asyncio.ensure_future(changed())
            await revise(other, library)
            await hearing
        postgresql.restart()
        await changed()  # the listener sees that its connection is lost
        await changed()  # it listens again, and has to look
        hearing = asyncio.ensure_future(changed())
        await revise(other, library)
        await hearing


DIE_IN_COMMIT = """
CREATE TABLE fatal (id integer);
CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END';
CREATE CONSTRAINT TRIGGER die AFTER INSERT ON fatal DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION die();
"""


@pytest.mark.parametrize("broken", ["connections", "server"])
async def test_submissions_survive_lost_connections_and_a_restarted_server(
    postgresql: PostgresqlServer, url: str, library: Library, broken: str
) -> None:
    async with several(url, 3) as stores:
        done: list[str] = []

        async def submit_all(store: Store, numbers: range) -> None:
            for number in numbers:
                receipt = await store.trajectories.submit(library, attempt(number, float(number % 2)))
                done.append(receipt.trajectory_id)

        submitting = [
            asyncio.create_task(submit_all(store, range(100 * at, 100 * at + 100))) for at, store in enumerate(stores)
        ]
        async with asyncio.timeout(2 * PATIENCE):
            await until(lambda: len(done) >= 60)
            await asyncio.to_thread(postgresql.restart if broken == "server" else lambda: postgresql.sql(TERMINATE))
            await asyncio.gather(*submitting)
        found = await stores[0].trajectories.heads(library, done)
        [group] = await stores[1].groups.all(library)
    assert len({each.id for each in found}) == len(done) == 300
    assert (group.size, group.graded, group.graded_version) == (300, 300, 300)


async def test_a_change_whose_commit_was_lost_half_way_is_not_made_twice(
    postgresql: PostgresqlServer, url: str, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The backend dies in COMMIT: nobody knows the outcome, so work that would double is told, not run again."""
    monkeypatch.setattr("explib.storage.postgresql.retries.PATIENCE_SECONDS", 0.5)
    tries: list[int] = []
    postgresql.sql(f"\\c {make_url(url).database}\n{DIE_IN_COMMIT}")

    async def insert(connection: AsyncConnection) -> None:
        tries.append(1)
        await connection.execute(text("INSERT INTO fatal VALUES (1)"))

    with pytest.raises(DatabaseUnavailable, match="may or may not"):
        await store.database.write(insert)
    assert len(tries) == 1
    with pytest.raises(DatabaseUnavailable, match="lost"):
        await store.database.write(insert, idempotent=True)
    assert len(tries) > 2


async def test_tables_partitioned_by_library_keep_what_they_have_and_serve_and_learn_on(
    postgresql: PostgresqlServer, url: str
) -> None:
    async with open_store(url) as store:
        libraries = [await store.libraries.ensure(name, LibrarySettings()) for name in ("one", "two", "three")]
        ids = [(await store.trajectories.submit(each, attempt(1, 1.0))).trajectory_id for each in libraries]
    postgresql.sql(f"\\c {make_url(url).database}\n{PARTITIONING.read_text(encoding='utf-8')}")
    async with open_store(url) as store:
        for library, first in zip(libraries, ids, strict=True):
            assert (await store.trajectories.submit(library, attempt(1, 1.0))).trajectory_id == first
            second = await store.trajectories.submit(library, attempt(2))
            located, _ = await store.trajectories.locate(trajectory_id=second.trajectory_id)
            assert located == library
            await store.trajectories.report_reward(library, second.trajectory_id, Grade(0.0))
            await revise(store, library)
            served = await Retriever(store, None).serve(await store.libraries.get(library.name), "count")
            await store.retrievals.flush()
            assert (await store.retrievals.get(library, served.retrieval.id)).servings == served.retrieval.servings
            [group] = await store.groups.all(library)
            assert (group.size, group.graded, group.state) == (2, 2, "ready")
        assert await check(store.database, deep=True) == []
        async with store.database.read() as connection:
            held = text("SELECT count(DISTINCT tableoid) FROM trajectories")
            assert (await connection.execute(held)).scalar_one() > 1


async def test_partitioned_tables_keep_owner_grants_and_index_names_and_are_partitioned_once(
    postgresql: PostgresqlServer, url: str
) -> None:
    at, said = f"\\c {make_url(url).database}\n", PARTITIONING.read_text(encoding="utf-8")
    await opened(url)
    postgresql.sql(at + OWNED)
    who = f"{at}SELECT relowner::regrole, relacl FROM pg_class WHERE relname = 'trajectories';"
    names = (
        f"{at}SELECT indexname FROM pg_indexes WHERE tablename IN ('trajectories', 'retrievals') ORDER BY indexname;"
    )
    before, named = postgresql.sql(who), postgresql.sql(names)
    assert "explib_owner" in before
    assert "A reader" in before
    postgresql.sql(f"{at}{said}")
    assert postgresql.sql(who) == before
    assert postgresql.sql(names) == named
    engine = create_async_engine(url)
    async with engine.connect() as connection:
        with pytest.raises(DBAPIError, match="partitioned already"):
            await connection.exec_driver_sql(said)
    await engine.dispose()
