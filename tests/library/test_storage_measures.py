"""What monitoring asks of a database, on both engines."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from library.evidence_cases import attempt, drawn
from sqlalchemy import text

from explib.errors import StorageError
from explib.models.activity import Activity
from explib.models.groups import RETRIED, Postponement
from explib.models.learning import ModelCall
from explib.models.libraries import Library, LibrarySettings, Measures
from explib.models.revisions import LEARNER, Operation, Refusal
from explib.models.submissions import Submission
from explib.models.trajectories import Step
from explib.storage.revisions.proposal import Proposal
from explib.storage.sqlite.glimpse import glimpse
from explib.storage.store import Store

pytestmark = pytest.mark.parametrize("engine", ["sqlite", "postgresql"])


async def test_counts_are_by_library_and_model_calls_are_summed(store: Store, library: Library) -> None:
    assert await store.measures.all() == Measures({"default": 0}, {}, {}, 0, 0, 0)
    other = await store.libraries.ensure("other", LibrarySettings())
    for each in (library, other):
        fields = Submission(task="fly", steps=(Step("assistant", "flew"),), reward=1.0)
        await store.trajectories.submit(each, fields)
    operation = Operation("ADD", "because", content="When boarding, weigh the bags.")
    await store.revisions.commit(Proposal(other, "by hand", "test", "contrast", (operation,)))
    call = ModelCall("a" * 64, "advantage", "b" * 64, "m", "{}", 100, 10, 1.0)
    await store.model_calls.save(call)
    await store.model_calls.save(replace(call, request_hash="c" * 64))
    measured = await store.measures.all()
    assert measured.revisions == {"default": 0, "other": 1}
    assert measured.groups == {("default", "ready"): 1, ("other", "ready"): 1}
    assert measured.experiences == {("other", "candidate"): 1}
    assert (measured.model_calls, measured.prompt_tokens, measured.completion_tokens) == (2, 200, 20)


async def test_a_database_is_ready_as_long_as_it_has_the_newest_schema(store: Store) -> None:
    await store.ready()
    newer = text("UPDATE alembic_version SET version_num = '9999'")
    await store.database.write(lambda connection: connection.execute(newer))
    with pytest.raises(StorageError, match="has schema 9999"):
        await store.ready()


async def test_activity_is_when_each_thing_last_happened_and_what_has_waited_since(
    store: Store, engine: str, url: str
) -> None:
    library = await store.libraries.ensure("default", LibrarySettings())
    assert await store.measures.activity(library) == Activity()
    for number in range(2):
        retrieval = drawn(True, number == 0, False)
        store.retrievals.record_behind(library, retrieval)
        await store.retrievals.flush()
        await store.trajectories.submit(library, attempt(retrieval, 1.0))
    refused = Refusal(Operation("DELETE", "because", target="e9"), "there is no e9")
    lesson = Operation("ADD", "because", content="When boarding, weigh the bags.")
    await store.revisions.commit(Proposal(library, "learned", LEARNER, "contrast", (lesson,), (refused,)))
    for number in range(3):
        await store.trajectories.submit(library, Submission(task=f"fly {number}", steps=(Step("assistant", "flew"),)))
    lease = await store.leases.acquire("learn", "me", 60)
    assert lease is not None
    [group, *_] = await store.groups.all(library, "ready")
    await store.groups.postpone(library, lease, [Postponement(group, f"{RETRIED}401: set the key", 60.0)])
    found = await store.measures.activity(library)
    assert (found.lessons, found.ungraded, found.attempts, found.graded, found.tasks) == (1, 3, 3, 0, 3)
    assert (found.ready, found.failing, found.refusal) == (4, f"{RETRIED}401: set the key", "there is no e9")
    times = (found.asked_at, found.graded_at, found.learned_at, found.captured_at)
    assert list(times) == sorted(time for time in times if time is not None)
    assert (found.served_at, found.served) == (found.asked_at, 1)
    assert found.refused_at is not None
    assert found.looked_at is None
    if engine == "sqlite":
        assert glimpse(Path(url.removeprefix("sqlite+aiosqlite:///")), "default") == found
        assert glimpse(Path(url.removeprefix("sqlite+aiosqlite:///")), "other") == Activity()
