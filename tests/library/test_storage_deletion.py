"""Taking out attempts and libraries: what is left is as if they had never been there, and says what it lost."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from library.evidence_cases import drawn, recorded
from sqlalchemy import Table, func, select

from explib.errors import LeaseLost, UnknownLibrary
from explib.models.decisions import Code, CodebookEntry, CodebookUpdate, Decision, Option, Verdict
from explib.models.learning import ModelCall
from explib.models.libraries import Library, LibrarySettings
from explib.models.revisions import Citation, Operation
from explib.models.submissions import Submission
from explib.models.trajectories import AttemptFilter, Step
from explib.retrieval.retriever import Retriever
from explib.storage.learning.leases import lease_name
from explib.storage.maintenance.check import check
from explib.storage.revisions.proposal import Committed, Proposal
from explib.storage.store import Store, database_file
from explib.storage.tables.decisions import codes
from explib.storage.tables.experiences import citations
from explib.storage.tables.learning import model_calls
from explib.storage.tables.trajectories import groups, trajectories

both = pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
PRIVATE = "the vault opens with 7-7-3"
WRONG = AttemptFilter(key="import:wrong")
DECISION = Decision("d1", "k", "grammar", f"{PRIVATE} is asked", (Option("a", "look"), Option("b", "guess")))
VERDICT = Verdict("d1", "believed", 0.99, "a", 0.5, 0.4, 0.6, 0.99, 3, 3, 2, 0, 3)


async def put(store: Store, library: Library, task: str, number: int, origin: str, retrieval: str | None = None) -> str:
    said = Submission(
        task,
        (Step("assistant", f"{task}, try {number}"),),
        float(number % 2),
        answer=f"{task} {number}",
        retrieval_id=retrieval,
        idempotency_key=f"import:{origin}:{task}:{number}",
        reward_source="environment",
    )
    return (await store.trajectories.submit(library, said)).trajectory_id


async def contents(store: Store, library: Library) -> list[list[tuple[object, ...]]]:
    """What a library holds of attempts, without ids and times."""
    named: list[tuple[Table, list[str]]] = [
        (trajectories, ["task", "reward", "answer", "idempotency_key", "submission_key", "content_hash"]),
        (groups, ["key", "task", "state", "reason", "size", "graded", "reward_total"]),
    ]
    async with store.database.read() as connection:
        return [
            sorted(
                tuple(row)
                for row in await connection.execute(
                    select(*(table.c[name] for name in names)).where(table.c.library_id == library.id)
                )
            )
            for table, names in named
        ]


async def count(store: Store, table: Table) -> int:
    return int(await store.database.scalar(select(func.count()).select_from(table)))


async def learn(store: Store, library: Library, *cited: str, codebook: CodebookUpdate | None = None) -> Committed:
    current = await store.libraries.get(library.name)
    operations = tuple(
        Operation("ADD", f"because of {PRIVATE}", content=content, citations=named, decision_id=decision, option="a")
        for content, named, decision in (
            ("When asked, look.", tuple(Citation(each, "for") for each in cited), None),
            ("When told, act.", (Citation(cited[-1], "for"),), None if codebook is None else "d1"),
        )
    )
    return await store.revisions.commit(
        Proposal(current, "learned", "learner", "contrast", operations, codebook=codebook or CodebookUpdate())
    )


@both
async def test_a_library_is_after_a_deletion_as_if_it_had_never_had_the_attempts(store: Store) -> None:
    never, had = [await store.libraries.ensure(name, LibrarySettings()) for name in ("never", "had")]
    for number in range(3):
        for library in (never, had):
            await put(store, library, "shared task", number, "right")
        await put(store, had, PRIVATE, number, "wrong")
        await put(store, had, "Shared  TASK", 7 + number, "wrong")
    done = await store.deletions.attempts(had, WRONG, "ann")
    assert (done.attempts, done.groups, done.lessons) == (6, 1, ())
    assert await contents(store, had) == await contents(store, never)
    assert (await store.libraries.get("had")).revision == 0
    assert await check(store.database, deep=True) == []
    assert (await store.deletions.attempts(had, WRONG, "ann")).attempts == 0


@both
async def test_lessons_stay_and_say_that_their_attempts_are_gone(store: Store, library: Library) -> None:
    kept = await put(store, library, "a task", 1, "right")
    gone = await put(store, library, PRIVATE, 1, "wrong")
    entry = CodebookEntry(DECISION, VERDICT)
    await learn(store, library, kept, gone, codebook=CodebookUpdate((entry,), (Code("d1", gone, "a"),)))
    done = await store.deletions.attempts(library, WRONG, "ann")
    assert (done.lessons, done.retired) == (("e1", "e2"), ())
    first, second = await store.revisions.experiences(await store.libraries.get(library.name))
    assert (first.support.supporting, first.support.groups) == (1, 1)
    assert (second.support.supporting, second.support.note) == (
        0,
        "attempts that it rested on were deleted",
    )
    assert [cited.trajectory_id for cited in await store.revisions.citations(library, "e1")] == [kept]
    [left] = await store.codebooks.entries(library)
    assert left.verdict is None
    assert await count(store, codes) == 0
    newest = (await store.revisions.history(library, 1))[0]
    assert (newest.author, newest.cause) == ("ann", "1 attempt deleted")
    await store.revisions.revert(await store.libraries.get(library.name), 0, "ann", "empty")
    await store.revisions.revert(await store.libraries.get(library.name), 1, "ann", "back")
    assert len(await store.revisions.experiences(library)) == 2
    assert await count(store, citations) == 1
    assert await check(store.database, deep=True) == []


@both
async def test_lessons_that_nothing_speaks_for_are_retired_where_that_is_asked_for(
    store: Store, library: Library
) -> None:
    kept, gone = await put(store, library, "a task", 1, "right"), await put(store, library, PRIVATE, 1, "wrong")
    await learn(store, library, kept, gone)
    done = await store.deletions.attempts(library, WRONG, "ann", lessons=True)
    assert (done.lessons, done.retired) == (("e1",), ("e2",))
    assert [each.id for each in await store.revisions.experiences(library)] == ["e1"]


@both
async def test_rewards_of_deleted_attempts_count_for_nothing_that_was_served(store: Store, library: Library) -> None:
    alone, together = [await recorded(store, library, drawn(True, False, task=task)) for task in (PRIVATE, "a task")]
    await put(store, library, "a task", 2, "right", together.id)
    await put(store, library, "a task", 3, "wrong", together.id)
    await put(store, library, PRIVATE, 1, "wrong", alone.id)
    await store.evidence.count_all(library)
    await store.deletions.attempts(library, WRONG, "ann")
    assert (await store.retrievals.get(library, alone.id)).reward is None
    assert (await store.retrievals.get(library, alone.id)).task == ""
    assert (await store.retrievals.get(library, together.id)).reward == 0.0
    totals = await store.evidence.totals(library)
    assert (totals.retrievals, totals.rewards, totals.reward_total) == (2, 1, 0.0)
    assert await check(store.database, deep=True) == []


@both
async def test_a_learner_at_work_commits_nothing_of_what_is_deleted(store: Store, library: Library) -> None:
    gone = await put(store, library, PRIVATE, 1, "wrong")
    lease = await store.leases.acquire(lease_name(library), "learner", 60.0)
    await store.deletions.attempts(library, WRONG, "ann")
    operation = Operation("ADD", "why", content="When asked, look.", citations=(Citation(gone, "for"),))
    with pytest.raises(LeaseLost):
        await store.revisions.commit(Proposal(library, "learned", "learner", "contrast", (operation,), lease=lease))


@both
async def test_a_deleted_library_is_gone_and_a_new_one_of_its_name_is_empty(store: Store) -> None:
    library = await store.libraries.ensure("old", LibrarySettings())
    await learn(store, library, await put(store, library, "a task", 1, "right"))
    retriever = Retriever(store, None)
    assert (await retriever.serve(await store.libraries.get("old"), "asked")).retrieval.revision == 1
    await retriever.flush()
    await store.retrievals.flush()
    await store.deletions.library(library)
    with pytest.raises(UnknownLibrary):
        await store.libraries.get("old")
    new = await store.libraries.ensure("old", LibrarySettings())
    assert (await retriever.serve(new, "asked")).experiences == ()
    await retriever.flush()
    await store.retrievals.flush()
    assert await check(store.database, deep=True) == []


async def test_after_a_deletion_no_byte_of_it_is_in_the_files_of_the_database(
    store: Store, library: Library, url: str
) -> None:
    served = await recorded(store, library, drawn(True, task=PRIVATE))
    gone = [await put(store, library, PRIVATE, number, "wrong", served.id) for number in range(40)]
    kept = [await put(store, library, "a task", number, "right") for number in range(40)]
    await store.model_calls.save(ModelCall("a" * 64, "name", "p", "m", f'"{PRIVATE}"', 3, 4, 1e12))
    await learn(store, library, kept[1], gone[1])
    current = await store.libraries.get(library.name)
    refused = Operation("ADD", PRIVATE, content=PRIVATE, citations=(Citation(gone[0], "for"),))
    codebook = CodebookUpdate((CodebookEntry(DECISION, VERDICT),), (Code("d1", gone[0], "a"),))
    await store.revisions.commit(
        Proposal(current, "learned", "learner", "contrast", (refused,), codebook=codebook, waits=True)
    )
    path = database_file(url)
    assert path is not None
    assert PRIVATE.encode() in await files(path)
    await store.deletions.attempts(library, WRONG, "ann")
    await store.proposals.get(library, "p1")
    assert await store.deletions.purge() == ""
    left = await files(path)
    assert PRIVATE.encode() not in left.replace(f'"content": "{PRIVATE}"'.encode(), b"")  # the text of the proposal
    assert b"a task" in left
    assert await store.model_calls.find("a" * 64) is None
    assert await store.model_calls.tokens_since(0.0) in {0, 7}  # that it was paid for stays on record
    assert await count(store, model_calls) == 1


async def files(database: Path) -> bytes:
    """All bytes of the database's files."""
    paths = [database.with_name(database.name + ending) for ending in ("", "-wal", "-shm")]
    return b"".join([await asyncio.to_thread(path.read_bytes) for path in paths if path.exists()])
