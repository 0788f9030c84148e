from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from explib.errors import LeaseLost, RevisionConflict, UnknownExperience, UnknownRevision
from explib.models.experiences import Support
from explib.models.groups import Group
from explib.models.learning import Lease
from explib.models.libraries import Library, LibrarySettings
from explib.models.revisions import Citation, Operation, Refusal
from explib.models.submissions import Submission
from explib.models.trajectories import Step
from explib.storage import rows
from explib.storage.revisions.proposal import Committed, Proposal
from explib.storage.store import Store
from explib.storage.tables.experiences import experiences

pytestmark = pytest.mark.parametrize("engine", ["sqlite", "postgresql"])


async def ready_group(store: Store, library: Library, task: str = "a task") -> Group:
    for reward in (0.0, 1.0):
        submission = Submission(task, (Step("assistant", f"got {reward}"),), reward=reward)
        receipt = await store.trajectories.submit(library, submission)
    return receipt.group


async def commit(
    store: Store,
    library: Library,
    *operations: Operation,
    learned: tuple[Group, ...] = (),
    refusals: tuple[Refusal, ...] = (),
    lease: Lease | None = None,
) -> Committed:
    current = await store.libraries.get(library.name)
    return await store.revisions.commit(
        Proposal(current, "test", "me", "contrast", operations, refusals=refusals, learned=learned, lease=lease)
    )


def adding(content: str, *cited: str) -> Operation:
    return Operation("ADD", "because", content=content, citations=tuple(Citation(each, "for") for each in cited))


async def test_ids_are_never_reused(store: Store, library: Library) -> None:
    await commit(store, library, adding("When a, do b."))
    await commit(store, library, Operation("DELETE", "wrong", target="e1"))
    await commit(store, library, adding("When c, do d."))
    assert [each.id for each in await store.revisions.experiences(library)] == ["e2"]
    assert (await store.revisions.experience(library, "e1")).status == "retired"


async def test_every_past_revision_can_be_read(store: Store, library: Library) -> None:
    await commit(store, library, adding("When a, do b."))
    await commit(store, library, Operation("MODIFY", "clearer", target="e1", content="When a, do c."))
    await commit(store, library, Operation("DELETE", "wrong", target="e1"), adding("When x, do y."))
    current = await store.libraries.get("default")
    contents = [[each.content for each in await store.revisions.at(current, number)] for number in range(4)]
    assert contents == [[], ["When a, do b."], ["When a, do c."], ["When x, do y."]]
    with pytest.raises(UnknownRevision):
        await store.revisions.at(current, 4)


async def test_a_merge_keeps_one_id_and_starts_with_no_evidence_of_its_own(store: Store, library: Library) -> None:
    first, second = await ready_group(store, library, "one"), await ready_group(store, library, "two")
    ids = [
        [attempt.trajectory.id for attempt in group.attempts]
        for group in await store.groups.with_attempts(library, [first, second])
    ]
    await commit(store, library, adding("When a, do b.", *ids[0]), adding("When a, also b.", *ids[1]))
    await commit(store, library, Operation("MERGE", "same", target="e1", merged=("e2",), content="When a, b."))
    [left] = await store.revisions.experiences(library)
    assert (left.id, left.content, left.version, left.status) == ("e1", "When a, b.", 2, "candidate")
    assert (left.support.supporting, left.support.groups) == (0, 0)


async def test_any_number_of_experiences_can_be_put_back_at_once(store: Store, library: Library, engine: str) -> None:
    """In PostgreSQL more than the 32,767 parameters of a statement; the bundled SQLite has no limit within reach."""
    [group] = await store.groups.with_attempts(library, [await ready_group(store, library)])
    await commit(store, library, adding("When a, do b.", *(each.trajectory.id for each in group.attempts)))
    first = await store.revisions.experience(library, "e1")
    known = [
        replace(first, id=f"e{number}", support=Support())
        for number in range(2, 33_000 if engine == "postgresql" else 3_000)
    ]

    async def insert(connection: AsyncConnection) -> None:
        values = [rows.experience_values(each) | {"library_id": library.id} for each in known]
        await connection.execute(experiences.insert(), values)

    await store.database.write(insert)
    back = [
        Operation("MODIFY", "as it was", target=each.id, status="candidate", restores=1) for each in (first, *known)
    ]
    [change] = (await commit(store, library, *back)).changes
    assert [each.support for each in (*change.before, *change.after)] == [first.support, Support()]
    assert first.support != Support()


async def test_an_operation_on_an_unknown_id_is_refused_and_recorded(store: Store, library: Library) -> None:
    done = await commit(store, library, Operation("MODIFY", "why", target="e9", content="When a, do b."))
    assert done.revision is None
    [refusal] = await store.revisions.refusals(library)
    assert refusal.reason == "there is no experience e9"
    assert (await store.libraries.overview(library)).refusals == 1


async def test_a_full_library_refuses_more_and_says_so(store: Store) -> None:
    library = await store.libraries.ensure("small", LibrarySettings(max_experiences=1))
    done = await commit(store, library, adding("When a, do b."), adding("When c, do d."))
    assert len(done.changes) == 1
    assert "the library is full" in done.refusals[0].reason


async def test_a_commit_against_an_old_revision_writes_nothing(store: Store, library: Library) -> None:
    await commit(store, library, adding("When a, do b."))
    stale = Proposal(library, "test", "me", "contrast", operations=(adding("When c, do d."),))
    with pytest.raises(RevisionConflict):
        await store.revisions.commit(stale)
    assert len(await store.revisions.experiences(library)) == 1


async def test_a_group_state_is_learned_once(store: Store, library: Library) -> None:
    group = await ready_group(store, library)
    await commit(store, library, adding("When a, do b."), learned=(group,))
    with pytest.raises(RevisionConflict, match="learned"):
        await commit(store, library, adding("When c, do d."), learned=(group,))
    assert [each.state for each in await store.groups.all(library)] == ["learned"]


async def test_a_reward_that_came_while_learning_leaves_the_group_ready(store: Store, library: Library) -> None:
    group = await ready_group(store, library)
    await store.trajectories.submit(library, Submission("a task", (Step("assistant", "third"),), reward=0.5))
    await commit(store, library, learned=(group,))
    [after] = await store.groups.all(library)
    assert after.state == "ready"


async def test_a_fenced_off_worker_commits_nothing(store: Store, library: Library) -> None:
    old = await store.leases.acquire("learn", "first", 0.0)
    new = await store.leases.acquire("learn", "second", 60.0)
    assert old is not None
    assert new is not None
    assert new.token > old.token
    with pytest.raises(LeaseLost):
        await commit(store, library, adding("When a, do b."), lease=old)
    assert (await commit(store, library, adding("When a, do b."), lease=new)).revision == 1


async def test_refusals_stay_with_their_revision(store: Store, library: Library) -> None:
    refusal = Refusal(adding("When a, leak 42."), "it gives the answer away")
    await commit(store, library, adding("When a, do b."), refusals=(refusal,))
    assert (await store.revisions.get(library, 1)).refusals == (refusal,)


async def test_unknown_names_say_what_to_do(store: Store, library: Library) -> None:
    with pytest.raises(UnknownExperience, match="explib experiences list"):
        await store.revisions.experience(library, "e1")
    with pytest.raises(UnknownRevision, match="explib history"):
        await store.revisions.get(library, 1)


async def test_the_revisions_of_one_experience_are_found_among_many(store: Store, library: Library) -> None:
    await commit(store, library, adding("When a, do b."), *(adding(f"When {number}, do it.") for number in range(10)))
    await commit(store, library, Operation("MODIFY", "clearer", target="e1", content='When "id": "e2" is said, stop.'))
    await commit(store, library, Operation("MODIFY", "clearer", target="e11", content="When x, do y."))
    await commit(store, library, Operation("MERGE", "same", target="e2", merged=("e1",), content="When a or b, do c."))
    first, second = await store.revisions.experience(library, "e1"), await store.revisions.experience(library, "e2")
    assert [each.number for each in await store.revisions.touching(library, first)] == [4, 2, 1]
    assert [each.number for each in await store.revisions.touching(library, first, limit=2)] == [4, 2]
    assert [each.number for each in await store.revisions.touching(library, second)] == [4, 1]
    history = await store.revisions.history(library, 2, before=4)
    assert [(each.number, [change.operation.kind for change in each.changes]) for each in history] == [
        (3, ["MODIFY"]),
        (2, ["MODIFY"]),
    ]
