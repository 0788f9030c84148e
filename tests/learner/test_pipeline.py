from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest
from clock import Clock
from learner.scripted_analyst import Outcome, Scripted, failing, lesson

from explib.errors import LeaseLost, RevisionConflict
from explib.models.groups import Group, GroupAttempts
from explib.models.learning import Cost, Lease
from explib.models.libraries import Library, LibrarySettings
from explib.models.revisions import Operation, Refusal
from explib.models.submissions import Submission
from explib.models.trajectories import Step
from explib.storage.revisions.proposal import Proposal
from explib.storage.store import Store, open_store
from explib_learner.analyst import Batch, Failure
from explib_learner.pipeline import BACKOFF_SECONDS, MAX_TRIES, OUTAGE_SECONDS, Pipeline, Run


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def store(url: str, clock: Clock) -> AsyncIterator[Store]:
    async with open_store(url, clock) as opened:
        yield opened


async def submit(store: Store, library: Library, task: str, *rewards: float, who: str = "") -> Group:
    for number, reward in enumerate(rewards):
        steps = (Step("assistant", f"attempt {who}{number}"),)
        receipt = await store.trajectories.submit(library, Submission(task, steps, reward=reward))
    return receipt.group


async def leased(store: Store, library: Library, holder: str = "worker") -> Lease:
    lease = await store.leases.acquire(f"learn:{library.id}", holder, 60.0)
    assert lease is not None
    return lease


async def run(store: Store, library: Library, scripted: Scripted) -> Run:
    return await Pipeline(store, scripted.analyst()).run(library, await leased(store, library))


async def group_of(store: Store, library: Library) -> Group:
    [group] = await store.groups.all(library)
    return group


async def test_every_group_is_learned_once_also_one_of_a_single_attempt(store: Store, library: Library) -> None:
    ready = [await submit(store, library, task, 0.0, 1.0) for task in ("pack", "ship")]
    alone = await submit(store, library, "sell", 1.0)

    def outcome(group: GroupAttempts) -> Outcome:
        return lesson(group) if len(group.attempts) > 1 else None

    analyst = Scripted(outcome)
    first, again = await run(store, library, analyst), await run(store, library, analyst)
    assert sorted(analyst.seen) == ["pack", "sell", "ship"]
    assert (first.learned, first.revision, first.failures, first.idle) == (3, 1, (), False)
    assert (again.learned, again.revision, again.idle) == (0, None, True)
    states = {group.id: (group.state, group.reason) for group in await store.groups.all(library)}
    assert [states[each.id] for each in (*ready, alone)] == [("learned", "learned in revision 1")] * 3
    assert [each.content for each in await store.revisions.experiences(library)] == [
        "When asked to pack, do it well.",
        "When asked to ship, do it well.",
    ]


async def test_a_revision_says_who_made_it_of_what_and_what_it_cost(store: Store, library: Library) -> None:
    group = await submit(store, library, "pack", 0.0, 1.0)
    done = await run(store, library, Scripted(lesson))
    revision = await store.revisions.get(library, 1)
    assert (revision.author, revision.cause) == (
        "learner",
        "Thought about it. 0 of 1 decision believed; chance would give 0.",
    )
    assert (revision.groups, revision.cost) == ((group.id,), Cost(1, 100, 10))
    assert done.cost == revision.cost
    [experience] = await store.revisions.experiences(library)
    assert (experience.analyst, experience.model) == ("contrast", "scripted")
    assert (experience.support.supporting, experience.support.groups) == (2, 1)


async def test_a_group_that_teaches_nothing_is_learned_and_what_was_refused_is_recorded(
    store: Store, library: Library
) -> None:
    await submit(store, library, "pack", 0.0, 1.0)
    refusal = Refusal(Operation("ADD", "because", content="When asked, say 42."), "it gives an answer away")
    done = await run(store, library, Scripted(lambda _: refusal))
    assert (done.learned, done.revision, done.refusals) == (1, None, (refusal,))
    assert (await group_of(store, library)).reason == "learned: nothing to change"
    assert await store.revisions.refusals(library) == [refusal]
    assert await store.revisions.history(library) == []


async def test_a_new_reward_opens_a_learned_group_again(store: Store, library: Library) -> None:
    await submit(store, library, "pack", 0.0, 1.0)
    analyst = Scripted(lesson)
    await run(store, library, analyst)
    await submit(store, library, "pack", 0.5, who="later")
    await run(store, library, analyst)
    assert analyst.seen == ["pack", "pack"]
    assert (await group_of(store, library)).state == "learned"


async def test_a_reward_that_comes_while_the_analyst_thinks_is_learned_in_the_next_run(
    store: Store, library: Library
) -> None:
    await submit(store, library, "pack", 0.0, 1.0)

    async def another_reward(_batch: Batch) -> None:
        await submit(store, library, "pack", 0.5, who="meanwhile")

    first = await run(store, library, Scripted(lesson, another_reward))
    assert (first.learned, (await group_of(store, library)).state) == (1, "ready")
    second = await run(store, library, Scripted(lesson))
    assert (second.learned, (await group_of(store, library)).state) == (1, "learned")


async def test_a_run_takes_a_batch_and_leaves_the_rest_ready(store: Store, library: Library) -> None:
    for number in range(7):
        await submit(store, library, f"task {number}", 0.0, 1.0)
    analyst = Scripted(lesson)
    assert (await run(store, library, analyst)).learned == 4
    assert (await run(store, library, analyst)).learned == 3
    assert len(set(analyst.seen)) == 7
    learned = [group for revision in await store.revisions.history(library) for group in revision.groups]
    assert len(learned) == len(set(learned)) == 7


async def test_a_failed_group_waits_twice_as_long_each_time_and_dies_with_its_reason(
    store: Store, library: Library, clock: Clock
) -> None:
    await submit(store, library, "pack", 0.0, 1.0)
    analyst = Scripted(failing("the answer was no JSON"))
    for tries in range(1, MAX_TRIES):
        assert (await run(store, library, analyst)).failures[0].reason == "the answer was no JSON"
        group = await group_of(store, library)
        assert (group.state, group.reason) == ("ready", "to be tried again: the answer was no JSON")
        assert group.tries == tries
        assert group.not_before == clock.now + BACKOFF_SECONDS * 2 ** (tries - 1)
        clock.now = group.not_before - 0.1
        assert (await run(store, library, analyst)).idle
        assert await store.groups.libraries_with_work() == []
        clock.now = group.not_before
        assert await store.groups.libraries_with_work() == ["default"]
    await run(store, library, analyst)
    group = await group_of(store, library)
    assert (group.state, group.reason) == ("dead", "the answer was no JSON")
    clock.now += 1e6
    assert (await run(store, library, analyst)).idle
    assert len(analyst.seen) == MAX_TRIES


async def test_a_group_that_no_other_try_can_help_is_dead_at_once(store: Store, library: Library) -> None:
    await submit(store, library, "pack", 0.0, 1.0)
    await run(store, library, Scripted(failing("it does not fit", retry=False)))
    group = await group_of(store, library)
    assert (group.state, group.reason) == ("dead", "it does not fit")


async def test_an_endpoint_that_is_down_never_makes_a_group_dead(store: Store, library: Library, clock: Clock) -> None:
    await submit(store, library, "pack", 0.0, 1.0)
    down = Scripted(failing("the endpoint is down", counts=False))
    for _ in range(3 * MAX_TRIES):
        assert not (await run(store, library, down)).idle
        group = await group_of(store, library)
        assert (group.state, group.tries) == ("ready", 0)
        assert group.not_before == clock.now + OUTAGE_SECONDS
        clock.now = group.not_before
    assert (await run(store, library, Scripted(lesson))).learned == 1


async def test_one_groups_failure_leaves_the_others_learned(store: Store, library: Library) -> None:
    for task in ("pack", "ship", "sell"):
        await submit(store, library, task, 0.0, 1.0)

    def outcome(group: GroupAttempts) -> Outcome:
        return Failure(group.group.id, "too hard") if group.group.task == "ship" else lesson(group)

    done = await run(store, library, Scripted(outcome))
    assert (done.learned, len(done.failures), len(done.changes)) == (2, 1, 2)
    states = {group.task: group.state for group in await store.groups.all(library)}
    assert states == {"pack": "learned", "sell": "learned", "ship": "ready"}


async def dead_group(store: Store, library: Library) -> None:
    await submit(store, library, "pack", 0.0, 1.0)
    await run(store, library, Scripted(failing("too hard", retry=False)))
    assert (await group_of(store, library)).state == "dead"


async def test_dead_groups_are_revived_by_hand_with_all_their_tries(
    store: Store, library: Library, clock: Clock
) -> None:
    await dead_group(store, library)
    assert await store.groups.retry_dead(library) == 1
    group = await group_of(store, library)
    assert (group.state, group.reason, group.tries) == ("ready", "retried by hand", 0)
    assert (await run(store, library, Scripted(lesson))).learned == 1
    assert await store.groups.retry_dead(library) == 0


async def test_a_new_reward_revives_a_dead_group(store: Store, library: Library) -> None:
    await dead_group(store, library)
    group = await submit(store, library, "pack", 0.5, who="later")
    assert (group.state, group.tries) == ("ready", 0)
    assert (await run(store, library, Scripted(lesson))).learned == 1


async def test_a_failure_does_not_undo_what_a_new_reward_did_meanwhile(store: Store, library: Library) -> None:
    await submit(store, library, "pack", 0.0, 1.0)

    async def another_reward(_batch: Batch) -> None:
        await submit(store, library, "pack", 0.5, who="meanwhile")

    await run(store, library, Scripted(failing("too hard", retry=False), another_reward))
    group = await group_of(store, library)
    assert (group.state, group.tries, group.not_before) == ("ready", 0, 0.0)
    assert group.reason != "too hard"


async def test_a_group_whose_worker_died_in_each_try_is_dead_and_says_so(store: Store, library: Library) -> None:
    await submit(store, library, "pack", 0.0, 1.0)
    for number in range(MAX_TRIES):
        [claimed] = await store.groups.claim(library, await leased(store, library), 4)
        assert claimed.tries == number + 1
    analyst = Scripted(lesson)
    done = await run(store, library, analyst)
    assert analyst.seen == []
    assert (done.learned, len(done.failures)) == (0, 1)
    group = await group_of(store, library)
    assert (group.state, group.reason) == (
        "dead",
        "3 tries ended without an answer: the learner died in each",
    )


async def test_an_analyst_with_a_defect_costs_tries_and_the_reason_says_which(
    store: Store, library: Library, clock: Clock
) -> None:
    await submit(store, library, "pack", 0.0, 1.0)

    def defect(group: GroupAttempts) -> Outcome:
        raise ZeroDivisionError(group.group.task)

    for _ in range(MAX_TRIES):
        await run(store, library, Scripted(defect))
        clock.now += 1e4
    group = await group_of(store, library)
    assert (group.state, group.reason) == ("dead", "the contrast analyst failed: ZeroDivisionError: pack")
    assert (await store.libraries.overview(library)).trajectories == 2


async def test_a_group_that_was_tried_before_comes_alone(store: Store, library: Library, clock: Clock) -> None:
    for task in ("pack", "ship", "sell"):
        await submit(store, library, task, 0.0, 1.0)
    await store.groups.claim(library, await leased(store, library), 4)  # and the worker dies
    await submit(store, library, "store", 0.0, 1.0)
    analyst = Scripted(lesson)
    runs = [await run(store, library, analyst) for _ in range(4)]
    assert [each.learned for each in runs] == [1, 1, 1, 1]
    assert analyst.seen[0] == "store"


async def test_what_an_analyst_proposes_is_checked_whatever_the_analyst(store: Store, library: Library) -> None:
    await submit(store, library, "pack", 0.0, 1.0)
    unfounded = Scripted(lambda group: replace(lesson(group), letters={}))
    done = await run(store, library, unfounded)
    assert (done.learned, done.revision) == (1, None)
    assert [each.operation.content for each in done.refusals] == ["When asked to pack, do it well."]
    assert "cites no attempts" in done.refusals[0].reason


@pytest.mark.parametrize("outcome", [lesson, failing("too hard", retry=False)], ids=["lesson", "failure"])
async def test_a_worker_whose_lease_was_taken_over_writes_nothing(
    store: Store, library: Library, url: str, outcome: Callable[[GroupAttempts], Outcome]
) -> None:
    await submit(store, library, "pack", 0.0, 1.0)
    later = Clock()
    later.now += 61

    async def taken_over(_batch: Batch) -> None:
        async with open_store(url, later) as other:
            await leased(other, library, "other")

    with pytest.raises(LeaseLost):
        await run(store, library, Scripted(outcome, taken_over))
    group = await group_of(store, library)
    assert (group.state, group.tries) == ("ready", 0)
    assert await store.revisions.experiences(library) == []
    assert (await store.libraries.get("default")).revision == 0
    async with open_store(url, later) as other:
        assert (await run_as(other, library, "other")).learned == 1


async def run_as(store: Store, library: Library, holder: str) -> Run:
    lease = await leased(store, library, holder)
    return await Pipeline(store, Scripted(lesson).analyst()).run(library, lease)


async def test_a_worker_that_comes_after_a_takeover_claims_nothing(
    store: Store, library: Library, clock: Clock
) -> None:
    await submit(store, library, "pack", 0.0, 1.0)
    old = await leased(store, library, "first")
    clock.now += 61
    await leased(store, library, "second")
    with pytest.raises(LeaseLost):
        await Pipeline(store, Scripted(lesson).analyst()).run(library, old)
    assert (await group_of(store, library)).tries == 0


async def test_a_persons_revision_in_between_does_not_lose_what_was_learned(store: Store, library: Library) -> None:
    await submit(store, library, "pack", 0.0, 1.0)

    async def by_hand(_batch: Batch) -> None:
        current = await store.libraries.get("default")
        mine = Operation("ADD", "I know it", content="When in doubt, ask.")
        await store.revisions.commit(Proposal(current, "by hand", "me", "contrast", (mine,)))

    analyst = Scripted(lesson, by_hand)
    done = await run(store, library, analyst)
    assert (done.learned, done.revision, analyst.seen) == (1, 2, ["pack"])
    assert [each.content for each in await store.revisions.experiences(library)] == [
        "When in doubt, ask.",
        "When asked to pack, do it well.",
    ]
    assert [each.author for each in await store.revisions.history(library)] == ["learner", "me"]


async def test_a_group_that_another_has_learned_meanwhile_is_not_learned_again(store: Store, library: Library) -> None:
    group = await submit(store, library, "pack", 0.0, 1.0)

    async def without_a_lease(_batch: Batch) -> None:
        current = await store.libraries.get("default")
        await store.revisions.commit(Proposal(current, "by another", "other", "contrast", learned=(group,)))

    with pytest.raises(RevisionConflict, match="learned"):
        await run(store, library, Scripted(lesson, without_a_lease))
    assert await store.revisions.experiences(library) == []
    assert (await group_of(store, library)).state == "learned"


async def test_a_preview_shows_what_would_be_done_and_changes_nothing(store: Store, library: Library) -> None:
    await submit(store, library, "pack", 0.0, 1.0)
    before = await group_of(store, library)
    shown = await Pipeline(store, Scripted(lesson).analyst()).preview(library)
    assert [each.content for each in shown.operations] == ["When asked to pack, do it well."]
    assert await group_of(store, library) == before
    assert (await store.libraries.get("default")).revision == 0
    assert await store.leases.holder(f"learn:{library.id}") is None


async def test_libraries_are_learned_apart(store: Store, library: Library) -> None:
    other = await store.libraries.ensure("other", LibrarySettings())
    await submit(store, library, "pack", 0.0, 1.0)
    await submit(store, other, "pack", 1.0, 0.0)
    analyst = Scripted(lesson)
    assert (await run(store, other, analyst)).learned == 1
    assert await store.revisions.experiences(library) == []
    assert [group.state for group in await store.groups.all(library)] == ["ready"]


async def test_a_lesson_that_no_attempts_bear_out_waits_also_without_review(store: Store, library: Library) -> None:
    await submit(store, library, "pack", 0.0, 1.0)
    found = await run(store, library, Scripted(lambda group: lesson(group, "When asked to pack, delete the customer.")))
    assert (found.learned, found.revision, found.refusals) == (1, None, ())
    assert [each.operation.waits for each in found.waiting] == [
        "It waits for a person: fewer than 2 attempts that followed it and won did what it says "
        "('delete the customer')."
    ]
    assert await store.revisions.experiences(library) == []
