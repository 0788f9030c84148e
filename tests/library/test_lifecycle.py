"""What rewards decide, driven through the store: retrievals with known draws, and the reward that each draw brings."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

import pytest
from library.evidence_cases import attempt

from explib.evidence.ledger import experience_key, revision_key
from explib.ids import new_id
from explib.models.experiences import Experience
from explib.models.libraries import Library, LibrarySettings
from explib.models.retrievals import Retrieval, Serving, Trial
from explib.models.revisions import Operation
from explib.models.submissions import Grade
from explib.retrieval.retriever import Retriever
from explib.storage.revisions.proposal import Committed, Proposal
from explib.storage.store import Store, open_store
from explib_learner.lifecycle import Lifecycle

BOTH_ENGINES = pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
LESSONS = tuple(f"When the task says word{number}, do as rule {number} says." for number in range(1, 7))
TASK = "the task says word1 and word2"


async def commit(store: Store, *operations: Operation, author: str = "learner") -> Committed:
    library = await store.libraries.ensure("default", LibrarySettings())
    return await store.revisions.commit(Proposal(library, "test", author, "contrast", operations))


async def current(store: Store) -> Library:
    return await store.libraries.get("default")


async def known(store: Store, identity: str = "e1") -> Experience:
    return await store.revisions.experience(await current(store), identity)


async def play(
    store: Store, count: int, reward: Callable[[Retrieval], float], *ids: str, tried: int | None = None
) -> list[str]:
    """Retrievals that a fair coin serves `ids` (e1) to, each with its reward; the trajectories' ids.

    Where revision `tried` is on trial, another coin says whether each follows it.
    """
    library, dice, names = await current(store), random.Random(count), ids or ("e1",)
    versions = {each.id: each.version for each in await store.revisions.experiences(library, retired=True)}
    played: list[Retrieval] = []
    for number in range(count):
        servings = tuple(Serving(each, versions[each], 1.0, 0.5, dice.random() < 0.5) for each in names)
        arms = {} if tried is None else {str(tried): dice.random() < 0.5}
        drawn = Retrieval(new_id("r"), f"task {number % 5}", 1, servings, 0.0, arms=arms)
        store.retrievals.record_behind(library, drawn)
        played.append(drawn)
    await store.retrievals.flush()
    receipts = await asyncio.gather(
        *(store.trajectories.submit(library, attempt(each, reward(each), agent=each.id)) for each in played)
    )
    return [each.trajectory_id for each in receipts]


def helps(each: Retrieval) -> float:
    return 0.8 if each.servings[0].served else 0.4


def harms(each: Retrieval) -> float:
    return 0.4 if each.servings[0].served else 0.8


async def look(store: Store) -> list[int]:
    return await Lifecycle(store).look(await current(store))


async def test_a_candidate_that_helps_is_promoted_by_a_recorded_decision(store: Store) -> None:
    await commit(store, Operation("ADD", "why", content=LESSONS[0]))
    await play(store, 60, helps)
    [number] = await look(store)
    assert (await known(store)).status == "active"
    revision = await store.revisions.get(await current(store), number)
    assert revision.author == "evidence"
    assert "Rule: P(helps) ≥ 0.9" in revision.cause
    assert "60 rewards" in revision.changes[0].operation.reason


async def test_a_harmful_one_is_retired_and_is_found_no_more(store: Store) -> None:
    await commit(store, Operation("ADD", "why", content=LESSONS[0], status="active"), author="me")
    await play(store, 80, harms)
    await look(store)
    assert (await known(store)).status == "retired"
    served = await Retriever(store, None).serve(await current(store), TASK)
    assert served.retrieval.servings == ()


async def test_corrected_rewards_bring_it_back_by_themselves(store: Store) -> None:
    await commit(store, Operation("ADD", "why", content=LESSONS[0]), author="me")
    attempts = await play(store, 80, harms)
    await look(store)
    library = await current(store)
    for each in attempts:
        found = await store.trajectories.get(library, each)
        await store.trajectories.report_reward(library, each, Grade(1.2 - found.reward))
    await look(store)
    assert (await known(store)).status == "candidate"
    assert "now P(helps) ≥ 0.2" in (await store.revisions.history(await current(store), 1))[0].cause


async def test_what_a_person_retired_stays_retired_whatever_rewards_say(store: Store) -> None:
    await commit(store, Operation("ADD", "why", content=LESSONS[0]), author="me")
    await commit(store, Operation("DELETE", "no", target="e1"), author="me")
    await play(store, 80, helps)
    assert await look(store) == []
    assert (await known(store)).status == "retired"


async def test_nothing_pinned_is_retired_without_a_person(store: Store) -> None:
    await commit(store, Operation("ADD", "why", content=LESSONS[0], status="active", pins=True), author="me")
    await play(store, 80, harms)
    assert await look(store) == []
    refused = await commit(store, Operation("DELETE", "useless", target="e1"))
    assert "pinned" in refused.refusals[0].reason
    reworded = await commit(store, Operation("MODIFY", "better", target="e1", content=LESSONS[1]))
    assert "only a person" in reworded.refusals[0].reason
    assert (await known(store)).status == "active"
    await commit(store, Operation("DELETE", "useless", target="e1"), author="me")
    assert (await known(store)).status == "retired"


async def test_the_learner_does_not_remove_what_rewards_say_helps(store: Store) -> None:
    await commit(store, Operation("ADD", "why", content=LESSONS[0]), author="me")
    await play(store, 80, helps)
    refused = await commit(store, Operation("DELETE", "useless", target="e1"))
    assert "rewards say that experience e1 helps: lift +" in refused.refusals[0].reason


async def test_few_rewards_decide_nothing_and_a_look_without_news_costs_nothing(store: Store) -> None:
    await commit(store, Operation("ADD", "why", content=LESSONS[0]), author="me")
    await play(store, 12, harms)
    assert await look(store) == []
    totals = await store.evidence.totals(await current(store))
    assert totals.judged == totals.tick == 12


async def test_nothing_is_decided_where_rewards_are_missing_by_what_was_served(store: Store) -> None:
    await commit(store, Operation("ADD", "why", content=LESSONS[0]), author="me")
    library, dice = await current(store), random.Random(1)
    for number in range(400):
        served = dice.random() < 0.5
        drawn = Retrieval(new_id("r"), f"task {number}", 1, (Serving("e1", 1, 1.0, 0.5, served),), 0.0)
        store.retrievals.record_behind(library, drawn)
        if number % 20 == 0:
            await store.retrievals.flush()
        if not served:
            await store.retrievals.flush()
            await store.trajectories.submit(library, attempt(drawn, 1.0, agent=drawn.id))
    assert await look(store) == []


@BOTH_ENGINES
async def test_looks_of_several_processes_make_one_decision(store: Store, url: str) -> None:
    await commit(store, Operation("ADD", "why", content=LESSONS[0]), author="me")
    await play(store, 80, harms)
    async with open_store(url) as other:
        made = await asyncio.gather(look(store), look(other), look(store), look(other))
    assert sum(map(len, made)) == 1
    assert (await current(store)).revision == 2


async def test_a_look_that_lost_to_a_person_looks_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    await commit(store, Operation("ADD", "why", content=LESSONS[0]), author="me")
    await play(store, 80, harms)
    before = await current(store)
    seen: list[str] = []
    get = type(store.libraries).get

    async def late(libraries: object, name: str) -> Library:
        if not seen:
            seen.append(name)
            await commit(store, Operation("ADD", "why", content=LESSONS[1]), author="me")
            return before
        return await get(store.libraries, name)

    monkeypatch.setattr(type(store.libraries), "get", late)
    assert await look(store) == [3]


async def test_a_reward_is_looked_at_in_the_background(store: Store) -> None:
    await commit(store, Operation("ADD", "why", content=LESSONS[0]), author="me")
    await play(store, 80, harms)
    lifecycle = Lifecycle(store)
    lifecycle.rewarded(await current(store))
    await lifecycle.flush()
    assert (await known(store)).status == "retired"
    await lifecycle.close()


async def trial(store: Store) -> Trial:
    [found] = await store.trials.all(await current(store))
    return found


async def modified(store: Store) -> None:
    """A person's e1 with a record, then a learner's revision 2 of it."""
    await commit(store, Operation("ADD", "why", content=LESSONS[0], status="active"), author="me")
    await play(store, 40, helps)
    await look(store)
    await commit(store, Operation("MODIFY", "better", target="e1", content=LESSONS[1]))


async def test_a_changed_experience_is_tried_by_a_coin_and_its_other_arm_serves_the_old_text(store: Store) -> None:
    await modified(store)
    library, retriever = await current(store), Retriever(store, None)
    answers = [await retriever.serve(library, TASK) for _ in range(60)]
    assert {tuple(each.retrieval.arms) for each in answers} == {("2",)}
    for each in answers:
        [serving] = each.retrieval.servings
        assert serving.version == (2 if each.retrieval.arms["2"] else 1)
        assert all(entry.content == LESSONS[serving.version - 1] for entry, _ in each.experiences)
    assert 10 < sum(each.retrieval.arms["2"] for each in answers) < 50
    assert answers[0].retrieval.servings[0].probability >= 0.5


async def test_a_revision_that_costs_reward_is_rolled_back_with_its_numbers(store: Store) -> None:
    await modified(store)
    await play(store, 120, lambda each: 0.3 if each.arms["2"] else 0.7, tried=2)
    [number] = await look(store)
    revision = await store.revisions.get(await current(store), number)
    assert "revision 2 rolled back: lift -" in revision.cause
    assert "Rule: P(helps) < 0.05" in revision.cause
    back = await known(store)
    assert (back.content, back.version, back.status) == (LESSONS[0], 3, "active")
    ended = await trial(store)
    assert (ended.state, ended.ended_at is not None) == ("rolled back", True)


@BOTH_ENGINES
async def test_a_text_that_comes_back_goes_on_with_its_record(store: Store) -> None:
    await modified(store)
    await play(store, 120, lambda each: 0.3 if each.arms["2"] else 0.7, tried=2)
    await look(store)
    keys = [experience_key("e1", version) for version in (1, 3)]
    found = await store.evidence.of(await current(store), keys)
    assert found[keys[0]] == found[keys[1]]
    assert found[keys[1]].sums.n == 40


async def test_a_revision_that_brings_reward_is_accepted_and_nothing_else_changes(store: Store) -> None:
    await modified(store)
    await play(store, 120, lambda each: 0.7 if each.arms["2"] else 0.3, tried=2)
    assert await look(store) == []
    ended = await trial(store)
    assert ended.state == "accepted"
    assert "Rule: P(helps) > 0.95" in ended.reason
    later = await Retriever(store, None).serve(await current(store), TASK)
    assert later.retrieval.arms == {}


async def test_what_only_adds_is_tried_by_its_own_draws_and_rolled_back(store: Store) -> None:
    await commit(store, *(Operation("ADD", "why", content=each) for each in LESSONS[:2]))
    running = await trial(store)
    assert (running.adds, running.replaces) == (("e1", "e2"), {})
    served = await Retriever(store, None).serve(await current(store), TASK)
    assert served.retrieval.arms == {}
    await play(store, 200, lambda each: 0.7 - 0.15 * sum(one.served for one in each.servings), "e1", "e2")
    await look(store)
    assert {(await known(store, each)).status for each in ("e1", "e2")} == {"retired"}
    assert (await trial(store)).state == "rolled back"


async def test_an_experience_whose_addition_is_on_trial_is_served_often_enough_to_tell(store: Store) -> None:
    await commit(store, Operation("ADD", "why", content=LESSONS[0]))
    await play(store, 30, harms)
    [serving] = (await Retriever(store, None).serve(await current(store), TASK)).retrieval.servings
    assert serving.probability == 0.3


@BOTH_ENGINES
async def test_a_merge_is_rolled_back_to_all_that_it_merged(store: Store) -> None:
    await commit(store, *(Operation("ADD", "why", content=each) for each in LESSONS[:2]), author="me")
    await commit(store, Operation("MERGE", "same", target="e1", content=LESSONS[2], merged=("e2",)))
    answers = [await Retriever(store, None).serve(await current(store), TASK) for _ in range(30)]
    before = [each.retrieval for each in answers if not each.retrieval.arms["2"]]
    assert before
    assert all({one.experience_id for one in each.servings} == {"e1", "e2"} for each in before)
    await play(store, 120, lambda each: 0.3 if each.arms["2"] else 0.7, tried=2)
    await look(store)
    assert [(await known(store, each)).content for each in ("e1", "e2")] == list(LESSONS[:2])
    assert (await known(store, "e2")).status == "candidate"


async def test_a_persons_revision_is_not_tried(store: Store) -> None:
    await commit(store, Operation("ADD", "why", content=LESSONS[0]), author="me")
    await commit(store, Operation("MODIFY", "better", target="e1", content=LESSONS[1]), author="me")
    assert await store.trials.all(await current(store)) == []


async def test_a_person_who_changes_what_is_on_trial_ends_the_trial(store: Store) -> None:
    await modified(store)
    await commit(store, Operation("MODIFY", "mine", target="e1", content=LESSONS[3]), author="me")
    ended = await trial(store)
    assert (ended.state, ended.reason) == ("superseded", "what it changed was changed again in revision 3")


async def test_a_learner_who_changes_it_again_is_tried_against_what_was_last_accepted(store: Store) -> None:
    await modified(store)
    await commit(store, Operation("MODIFY", "better still", target="e1", content=LESSONS[2]))
    newest, older = await store.trials.all(await current(store))
    assert older.state == "superseded"
    assert (newest.revision, newest.against) == (3, 1)
    assert [each.content for each in newest.replaces["e1"]] == [LESSONS[0]]
    await play(store, 120, lambda each: 0.3 if each.arms["3"] else 0.7, tried=3)
    await look(store)
    assert (await known(store)).content == LESSONS[0]


async def test_a_new_experience_that_is_changed_on_trial_is_tried_against_none(store: Store) -> None:
    await commit(store, Operation("ADD", "why", content=LESSONS[0]))
    await commit(store, Operation("MODIFY", "better", target="e1", content=LESSONS[1]))
    newest, _ = await store.trials.all(await current(store))
    assert newest.replaces == {"e1": ()}
    answers = [await Retriever(store, None).serve(await current(store), TASK) for _ in range(30)]
    assert all(bool(each.retrieval.servings) == each.retrieval.arms["2"] for each in answers)
    await play(store, 120, lambda each: 0.3 if each.arms["2"] else 0.7, tried=2)
    await look(store)
    assert (await known(store)).status == "retired"


@BOTH_ENGINES
async def test_trials_by_coin_are_bounded(store: Store) -> None:
    await commit(store, *(Operation("ADD", "why", content=each) for each in LESSONS), author="me")
    for number in range(1, 7):
        change = Operation("MODIFY", "better", target=f"e{number}", content=f"When it says other{number}, stop.")
        await commit(store, change)
    assert len(await store.trials.running(await current(store))) == 4


async def test_arms_are_entered_in_the_account_of_their_revision(store: Store) -> None:
    await modified(store)
    await play(store, 10, lambda _: 0.5, tried=2)
    [account] = (await store.evidence.of(await current(store), [revision_key(2)])).values()
    assert account.sums.n == 10
    assert account.sums.w == pytest.approx(2.5)
