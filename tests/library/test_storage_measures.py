"""What monitoring asks of a database, on both engines."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import text

from explib.errors import StorageError
from explib.models.learning import ModelCall
from explib.models.libraries import Library, LibrarySettings, Measures
from explib.models.revisions import Operation
from explib.models.submissions import Submission
from explib.models.trajectories import Step
from explib.storage.revisions.proposal import Proposal
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
