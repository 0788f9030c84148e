"""Looking after a database: checks, backups while others write, copies, pruning."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event, select, update
from stores import execute

from explib.errors import DatabaseUnavailable, NotADatabase
from explib.models.groups import Postponement
from explib.models.libraries import Library, LibrarySettings
from explib.models.revisions import Operation
from explib.models.submissions import Grade, Submission
from explib.models.trajectories import Step
from explib.storage.maintenance.backup import backup, restore
from explib.storage.maintenance.check import check
from explib.storage.maintenance.copy import NotEmpty, copy, kept_tables
from explib.storage.revisions.proposal import Proposal
from explib.storage.store import Store, open_store
from explib.storage.tables.trajectories import trajectory_bodies

pytestmark = pytest.mark.parametrize("engine", ["sqlite", "postgresql"])


def quiet(_table: str, _done: int, _total: int) -> None:
    """Nobody watches."""


def submission(task: str, number: int, reward: float | None = None) -> Submission:
    said = f"attempt {number} at {task}: 長い ก 💩 'quoted'"
    return Submission(task, (Step("assistant", said),), reward, idempotency_key=f"{task}/{number}")


async def filled(store: Store) -> Library:
    """Three groups, two of them graded, two revisions and a second library."""
    await store.libraries.ensure("other", LibrarySettings(objective="other things"))
    library = await store.libraries.ensure("airline", LibrarySettings())
    for task in ("book", "cancel", "upgrade"):
        for number in range(3):
            reward = None if task == "upgrade" else float(number % 2)
            await store.trajectories.submit(library, submission(task, number, reward))
    for content in ("When asked to book, look first.", "When cancelling, ask why."):
        current = await store.libraries.get("airline")
        operations = (Operation("ADD", "because", content=content),)
        await store.revisions.commit(Proposal(current, "by hand", "ann", "contrast", operations))
    return await store.libraries.get("airline")


async def rows(store: Store) -> dict[str, list[tuple[object, ...]]]:
    """Every row that is not made from others."""
    async with store.database.read() as connection:
        return {
            table.name: [tuple(row) for row in await connection.execute(select(table).order_by(*table.primary_key))]
            for table in kept_tables()
        }


async def test_a_whole_database_has_nothing_to_complain_of(store: Store) -> None:
    await filled(store)
    assert await check(store.database, deep=True) == []


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        ("DELETE FROM trajectory_bodies", "a trajectory without its steps"),
        ("UPDATE groups SET graded = graded + 1", "a group whose size differs from its trajectories"),
        ("UPDATE libraries SET revision = 7", "revisions are not numbered"),
        ("DELETE FROM operations WHERE revision = 2", "a revision that changed nothing"),
        ("UPDATE groups SET state = 'learned'", "a learned group without its record"),
        ("UPDATE libraries SET next_experience = 1", "beyond its library's counter"),
        ("UPDATE libraries SET served = 3", "a library whose size differs from its experiences"),
    ],
)
async def test_what_is_broken_is_found_and_named(store: Store, damage: str, says: str) -> None:
    await filled(store)
    await execute(store, damage)
    [found] = await check(store.database, deep=True)
    assert says in found.what
    assert found.count >= len(found.examples) > 0
    assert found.advice


async def test_steps_that_cannot_be_read_back_are_found_by_a_deep_check(store: Store) -> None:
    await filled(store)
    await store.database.write(lambda connection: connection.execute(update(trajectory_bodies).values(body=b"x")))
    assert await check(store.database) == []
    [found] = await check(store.database, deep=True)
    assert (found.what, found.count) == ("steps that cannot be read back", 9)


@contextmanager
def statements() -> Iterator[list[str]]:
    """What is sent to any database meanwhile; many rows of one statement are one."""
    sent: list[str] = []

    def note(*said: Any) -> None:
        sent.append(said[2])

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(Engine, "before_cursor_execute", note)


async def test_many_lessons_are_written_in_bulk(store: Store) -> None:
    library = await store.libraries.ensure("airline", LibrarySettings(max_experiences=1000))
    lessons = tuple(Operation("ADD", "because", content=f"When asked for item{n}, look first.") for n in range(300))
    with statements() as sent:
        await store.revisions.commit(Proposal(library, "by hand", "ann", "contrast", lessons))
    assert len(sent) < 60
    assert await check(store.database) == []


async def test_many_groups_are_closed_or_postponed_by_a_few_statements(store: Store) -> None:
    library = await store.libraries.ensure("airline", LibrarySettings())
    for number in range(40):
        await store.trajectories.submit(library, submission(f"task {number}", 1, 1.0))
    lease = await store.leases.acquire("learn", "me", 30)
    assert lease is not None
    groups = await store.groups.claim(library, lease, 40)
    with statements() as sent:
        postponed = [Postponement(each, "down", 60.0, counts=False) for each in groups[:20]]
        await store.groups.postpone(library, lease, postponed)
        await store.revisions.commit(
            Proposal(library, "test", "me", "contrast", learned=tuple(groups[20:]), lease=lease)
        )
    assert len(sent) < 30
    after = {group.id: group for group in await store.groups.all(library)}
    assert {after[each.id].state for each in groups[20:]} == {"learned"}
    assert {(after[each.id].state, after[each.id].tries) for each in groups[:20]} == {("ready", 0)}
    assert await store.groups.due(library, 40) == []
    assert await check(store.database) == []


async def test_a_copy_has_every_row_and_goes_on_where_the_original_was(store: Store, tmp_path: Path) -> None:
    library = await filled(store)
    async with open_store(f"sqlite+aiosqlite:///{tmp_path / 'copy.db'}") as other:
        copied = await copy(store.database, other.database, quiet)
        assert await rows(other) == await rows(store)
        assert copied["trajectories"] == 9
        assert await check(other.database, deep=True) == []
        again = await other.trajectories.submit(library, submission("book", 0, 0.0))
        assert again.duplicate
        new = await other.libraries.ensure("new", LibrarySettings())
        assert new.id not in {each.id for each in await store.libraries.all()}


async def test_nothing_is_copied_over_what_is_there(store: Store, tmp_path: Path) -> None:
    await filled(store)
    async with open_store(f"sqlite+aiosqlite:///{tmp_path / 'copy.db'}") as other:
        await other.libraries.ensure("mine", LibrarySettings())
        with pytest.raises(NotEmpty, match="copy into a new database"):
            await copy(store.database, other.database, quiet)
        assert [each.name for each in await other.libraries.all()] == ["mine"]


async def test_a_backup_that_is_made_while_others_write_is_whole(store: Store, tmp_path: Path) -> None:
    library = await filled(store)
    stop = asyncio.Event()

    async def write() -> int:
        number = 0
        while not stop.is_set():
            await store.trajectories.submit(library, submission("busy", number, float(number % 2)))
            number += 1
        return number

    writing = asyncio.create_task(write())
    await store.trajectories.submit(library, submission("before", 0))
    await backup(store, tmp_path / "saved.db", quiet)
    stop.set()
    assert await writing > 0
    async with open_store(f"sqlite+aiosqlite:///{tmp_path / 'restored.db'}") as restored:
        copied = await restore(tmp_path / "saved.db", restored, quiet)
        assert await check(restored.database, deep=True) == []
        heads = await rows(restored)
        assert len(heads["trajectories"]) == copied["trajectories"] >= 10
        assert await restored.revisions.experiences(library) == await store.revisions.experiences(library)


async def test_a_backup_never_replaces_a_file_and_leaves_none_that_is_half(store: Store, tmp_path: Path) -> None:
    await filled(store)
    there = tmp_path / "there.db"
    there.write_text("mine", encoding="utf-8")
    with pytest.raises(DatabaseUnavailable, match="exists already"):
        await backup(store, there, quiet)
    with pytest.raises(DatabaseUnavailable, match="does not exist: make it"):
        await backup(store, tmp_path / "no" / "folder.db", quiet)
    with pytest.raises(DatabaseUnavailable, match="cannot be written"):
        await backup(store, tmp_path / ("x" * 250), quiet)  # with .part it is no file's name
    assert there.read_text(encoding="utf-8") == "mine"
    assert await asyncio.to_thread(lambda: [*tmp_path.glob("*.part")]) == []


async def test_a_damaged_backup_is_not_restored(store: Store, tmp_path: Path) -> None:
    await filled(store)
    await backup(store, tmp_path / "saved.db", quiet)
    async with open_store(f"sqlite+aiosqlite:///{tmp_path / 'saved.db'}") as saved:
        await execute(saved, "DELETE FROM trajectory_bodies")
    async with open_store(f"sqlite+aiosqlite:///{tmp_path / 'restored.db'}") as restored:
        with pytest.raises(NotADatabase, match="a trajectory without its steps"):
            await restore(tmp_path / "saved.db", restored, quiet)
        with pytest.raises(NotADatabase, match="There is no file"):
            await restore(tmp_path / "nothing.db", restored, quiet)
        assert await restored.libraries.all() == []


async def test_old_steps_go_and_what_was_learned_keeps_its_provenance(store: Store) -> None:
    library = await filled(store)
    ready = await store.groups.all(library, "ready")
    [first, *_] = (await store.groups.with_attempts(library, ready))[0].attempts
    lease = await store.leases.acquire("learn", "me", 30)
    assert lease is not None
    current = await store.libraries.get("airline")
    await store.revisions.commit(Proposal(current, "test", "me", "contrast", learned=(ready[0],), lease=lease))
    pruned = await store.trajectories.prune(library, before=2**40)
    assert pruned == 3, "groups that are still to be learned keep their steps"
    gone = await store.trajectories.get(library, first.trajectory.id)
    assert (gone.steps, gone.trajectory.reward) == ((), first.trajectory.reward)
    assert await check(store.database, deep=True) == []
    assert (await store.trajectories.submit(library, submission("book", 0, 0.0))).duplicate
    assert await store.trajectories.prune(library, before=2**40) == 0


async def test_a_group_whose_steps_went_is_learned_from_attempts_that_can_be_read(store: Store) -> None:
    library = await store.libraries.ensure("default", LibrarySettings())
    stored = [await store.trajectories.submit(library, submission("book", number, 1.0)) for number in range(2)]
    await store.revisions.commit(Proposal(library, "test", "me", "contrast", learned=(stored[-1].group,)))
    assert await store.trajectories.prune(library, before=2**40) == 2
    corrected = await store.trajectories.report_reward(library, stored[0].trajectory_id, Grade(0.0))
    assert (corrected.group.state, corrected.group.graded) == ("waiting", 2)
    assert corrected.group.reason == "the steps of its 2 attempts are pruned: submit another attempt"
    fresh = await store.trajectories.submit(library, submission("book", 3, 1.0))
    assert fresh.group.state == "ready"
    [group] = await store.groups.with_attempts(library, [fresh.group])
    assert len(group.attempts) == 1
