from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from library.evidence_cases import drawn, recorded

from explib.errors import (
    IdempotencyConflict,
    InvalidInput,
    InvalidReward,
    RewardConflict,
    UnknownRetrieval,
    UnknownTrajectory,
)
from explib.ids import new_id
from explib.models.libraries import Library, LibrarySettings
from explib.models.submissions import Grade, Submission
from explib.models.trajectories import RewardSource, Step
from explib.storage.maintenance.check import check
from explib.storage.store import Store, open_store

pytestmark = pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
STEPS = (Step("user", "please"), Step("assistant", "done"))


def attempt(
    task: str = "book a flight",
    reward: float | None = None,
    agent: str | None = None,
    retrieval_id: str | None = None,
    idempotency_key: str | None = None,
) -> Submission:
    return Submission(
        task, STEPS, reward, agent=agent, retrieval_id=retrieval_id, idempotency_key=idempotency_key, answer="yes"
    )


async def test_what_was_submitted_is_read_back_after_reopening(url: str, store: Store, library: Library) -> None:
    receipt = await store.trajectories.submit(library, attempt(reward=1.0, agent="a"))
    async with open_store(url) as again:
        found = await again.trajectories.get(library, receipt.trajectory_id)
    assert found.steps == STEPS
    assert (found.reward, found.trajectory.answer, found.trajectory.agent) == (1.0, "yes", "a")


async def test_the_same_submission_twice_is_one_trajectory(store: Store, library: Library) -> None:
    first = await store.trajectories.submit(library, attempt(reward=1.0))
    second = await store.trajectories.submit(library, attempt(reward=1.0))
    assert second.duplicate
    assert not first.duplicate
    assert second.trajectory_id == first.trajectory_id
    assert second.group.size == 1


async def test_fifty_concurrent_copies_are_one_trajectory(store: Store, library: Library) -> None:
    receipts = await asyncio.gather(*(store.trajectories.submit(library, attempt(reward=1.0)) for _ in range(50)))
    assert len({receipt.trajectory_id for receipt in receipts}) == 1
    assert sum(not receipt.duplicate for receipt in receipts) == 1


async def test_a_failed_submission_does_not_spoil_those_that_share_its_transaction(
    store: Store, library: Library
) -> None:
    good = [store.trajectories.submit(library, attempt(task=f"task {number}")) for number in range(20)]
    bad = store.trajectories.submit(library, attempt(retrieval_id="r_unknown"))
    outcomes = await asyncio.gather(*good[:10], bad, *good[10:], return_exceptions=True)
    assert isinstance(outcomes[10], UnknownRetrieval)
    assert (await store.libraries.overview(library)).trajectories == 20


async def test_an_attempt_is_stored_though_the_retrieval_that_it_names_was_lost_with_its_process(
    store: Store, library: Library
) -> None:
    lost = new_id("r")
    receipt = await store.trajectories.submit(library, attempt(retrieval_id=lost, reward=1.0))
    assert (receipt.duplicate, receipt.scored) == (False, ())
    assert "not on record" in receipt.note
    assert (await store.trajectories.get(library, receipt.trajectory_id)).trajectory.retrieval_id == lost
    assert await store.trajectories.locate(retrieval_id=lost) == (library, receipt.trajectory_id)
    corrected = await store.trajectories.report_reward(library, receipt.trajectory_id, Grade(0.0))
    assert (corrected.scored, corrected.group.graded) == ((), 1)
    assert await check(store.database, deep=True) == []


@pytest.mark.parametrize("wrong", ["r_unknown", "r_00000000000aaaaaaaaaa", "another library's"])
async def test_what_can_be_no_retrieval_of_the_library_is_refused(store: Store, library: Library, wrong: str) -> None:
    other = await store.libraries.ensure("other", LibrarySettings())
    theirs = await recorded(store, other, drawn(True))
    named = theirs.id if wrong.startswith("another") else wrong
    with pytest.raises(UnknownRetrieval):
        await store.trajectories.submit(library, attempt(retrieval_id=named))
    assert (await store.libraries.overview(library)).trajectories == 0


async def test_an_idempotency_key_for_other_content_is_refused(store: Store, library: Library) -> None:
    await store.trajectories.submit(library, attempt(idempotency_key="k"))
    with pytest.raises(IdempotencyConflict):
        await store.trajectories.submit(library, attempt(task="another", idempotency_key="k"))


async def test_a_reward_that_comes_with_the_second_copy_is_kept(store: Store, library: Library) -> None:
    await store.trajectories.submit(library, attempt())
    again = await store.trajectories.submit(library, attempt(reward=0.5))
    assert again.duplicate
    assert again.group.graded == 1
    with pytest.raises(RewardConflict):
        await store.trajectories.submit(library, attempt(reward=0.6))


@pytest.mark.parametrize("reward", [float("nan"), float("inf"), -0.1, 1.1])
async def test_a_reward_that_is_none_is_refused_with_the_range(store: Store, library: Library, reward: float) -> None:
    with pytest.raises(InvalidReward, match="0 to 1"):
        await store.trajectories.submit(library, attempt(reward=reward))
    assert (await store.libraries.overview(library)).trajectories == 0


async def test_attempts_at_one_task_meet_whatever_their_spacing_and_case(store: Store, library: Library) -> None:
    await store.trajectories.submit(library, attempt("Book  a flight", reward=0.0))
    receipt = await store.trajectories.submit(library, attempt("book a FLIGHT", reward=1.0))
    assert (receipt.group.size, receipt.group.state) == (2, "ready")


async def test_a_later_reward_and_its_correction_are_new_states_of_the_group(store: Store, library: Library) -> None:
    await store.trajectories.submit(library, attempt(reward=0.0))
    late = await store.trajectories.submit(library, attempt(agent="b"))
    graded = await store.trajectories.report_reward(library, late.trajectory_id, Grade(1.0, "tests are green"))
    corrected = await store.trajectories.report_reward(library, late.trajectory_id, Grade(0.0))
    states = [(each.group.state, each.group.graded, each.group.graded_version) for each in (late, graded, corrected)]
    assert states == [("ready", 1, 2), ("ready", 2, 3), ("ready", 2, 4)]
    found = await store.trajectories.get(library, late.trajectory_id)
    assert found.trajectory.feedback == "tests are green"


async def test_a_trajectory_is_located_by_one_name_only(store: Store, library: Library) -> None:
    with pytest.raises(InvalidInput):
        await store.trajectories.locate()
    with pytest.raises(UnknownTrajectory):
        await store.trajectories.locate(trajectory_id="t_none")
    with pytest.raises(UnknownTrajectory, match="submit_trajectory"):
        await store.trajectories.locate(retrieval_id="r_none")


async def test_libraries_do_not_see_each_other(store: Store, library: Library) -> None:
    other = await store.libraries.ensure("other", library.settings)
    mine = await store.trajectories.submit(library, attempt(reward=1.0))
    theirs = await store.trajectories.submit(other, attempt(reward=0.0))
    assert theirs.group.id != mine.group.id
    with pytest.raises(UnknownTrajectory):
        await store.trajectories.get(other, mine.trajectory_id)


def brought(
    key: str,
    reward: float | None = None,
    task: str = "book a flight",
    group: str | None = None,
    model: str | None = None,
) -> Submission:
    """An attempt as an importer brings it."""
    return Submission(task, STEPS, reward, group=group, model=model, idempotency_key=key, corrects=True)


async def test_importing_again_corrects_group_task_and_reward_and_stores_nothing_twice(
    store: Store, library: Library
) -> None:
    for key, reward in (("a", 1.0), ("b", 0.0)):
        await store.trajectories.submit(library, brought(key, reward, task=f"flight {key}"))
    moved = [await store.trajectories.submit(library, brought(key, reward, task=f"flight {key}", group="g"))
             for key, reward in (("a", 0.5), ("b", 0.0))]  # fmt: skip
    assert [receipt.corrected for receipt in moved] == [("group", "reward"), ("group",)]
    assert all(receipt.duplicate for receipt in moved)
    assert (moved[1].group.size, moved[1].group.graded, moved[1].group.state) == (2, 2, "ready")
    assert [group.key for group in await store.groups.all(library)] == ["group:g"]
    same = await store.trajectories.submit(library, brought("a", 0.5, task="flight a", group="g"))
    assert (same.duplicate, same.corrected) == (True, ())
    renamed = await store.trajectories.submit(library, brought("a", task="flight to A", group="g", model="m"))
    assert renamed.corrected == ("task", "model")
    found = await store.trajectories.get(library, renamed.trajectory_id)
    assert (found.trajectory.task, found.reward, found.trajectory.model) == ("flight to A", 0.5, "m")
    assert renamed.group.task == "flight to A"


async def test_a_corrected_reward_keeps_its_own_source_and_yields_to_one_that_counts_for_more(
    store: Store, library: Library
) -> None:
    def seen(reward: float, source: RewardSource, feedback: str) -> Submission:
        return replace(brought("a", reward), reward_source=source, feedback=feedback)

    first = await store.trajectories.submit(library, seen(0.0, "inferred", "a guess"))
    await store.trajectories.submit(library, seen(1.0, "test", "pytest passed"))
    weaker = await store.trajectories.submit(library, seen(0.0, "inferred", "a guess"))
    assert weaker.corrected == ()

    async def now() -> tuple[float | None, str | None, str | None]:
        [head] = await store.trajectories.heads(library, [first.trajectory_id])
        return head.reward, head.reward_source, head.feedback

    assert await now() == (1.0, "test", "pytest passed")
    await store.trajectories.report_reward(library, first.trajectory_id, Grade(1.0, "it runs", source="person"))
    assert await now() == (1.0, "person", "it runs")
    await store.trajectories.submit(library, seen(0.0, "test", "pytest failed"))
    assert await now() == (1.0, "person", "it runs")
    with pytest.raises(RewardConflict, match="A person gave this reward"):
        await store.trajectories.report_reward(library, first.trajectory_id, Grade(0.0))
    newest = await store.trajectories.newest(library)
    assert newest is not None
    assert newest.id == first.trajectory_id


async def test_an_attempt_that_grew_has_its_new_steps(store: Store, library: Library) -> None:
    first = await store.trajectories.submit(library, brought("a", 1.0))
    more = (*STEPS, Step("user", "thanks"))
    again = await store.trajectories.submit(library, replace(brought("a", 1.0), steps=more))
    assert (again.trajectory_id, again.corrected) == (first.trajectory_id, ("steps",))
    assert (await store.trajectories.get(library, first.trajectory_id)).steps == more
    assert again.group.size == 1
