"""One answer from several libraries: what is served from each, and that a reward counts in each."""

from __future__ import annotations

import asyncio

import pytest

from explib.models.libraries import Library, LibrarySettings
from explib.models.revisions import Operation
from explib.models.submissions import Grade, Submission
from explib.models.trajectories import AttemptFilter, Step
from explib.retrieval.retriever import Retriever, Served
from explib.storage.maintenance.check import check
from explib.storage.revisions.proposal import Proposal
from explib.storage.store import Store
from explib.text.words import estimate_tokens

pytestmark = pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
TASK = "ship the parcel"


async def make(store: Store, name: str, *lessons: str, **settings: object) -> Library:
    library = await store.libraries.ensure(name, LibrarySettings.model_validate({"exploration": False, **settings}))
    adding = tuple(Operation("ADD", "because", content=lesson, status="active") for lesson in lessons)
    if adding:
        await store.revisions.commit(Proposal(library, "by hand", "test", "contrast", adding))
    return await store.libraries.get(name)


async def submit(store: Store, library: Library, served: Served, reward: float | None) -> str:
    await store.retrievals.flush()
    fields = Submission(TASK, (Step("assistant", "shipped"),), reward=reward, retrieval_id=served.retrieval.id)
    return (await store.trajectories.submit(library, fields)).trajectory_id


async def rewards(store: Store, served: Served, *libraries: Library) -> list[float | None]:
    return [(await store.retrievals.get(library, served.retrieval.id)).reward for library in libraries]


async def test_layers_are_served_nearest_first_under_one_sentence_with_ids_of_their_own(store: Store) -> None:
    shop = await make(store, "shop", "When shipping, weigh the parcel.")
    mine = await make(store, "mine", "When shipping, say when it arrives.")
    team = await make(store, "team", "When shipping, insure the parcel.")
    empty = await make(store, "empty")
    served = await Retriever(store, None).serve(shop, TASK, farther=[mine, empty, team])
    assert served.text.splitlines()[1:] == [
        "[e1]. When shipping, weigh the parcel.",
        "[mine/e1]. When shipping, say when it arrives.",
        "[team/e1]. When shipping, insure the parcel.",
    ]
    assert [part.library.name for part in served.farther] == ["mine", "team"]
    limited = await Retriever(store, None).serve(shop, TASK, limit=2, farther=[mine, empty, team])
    assert [part.library.name for part in limited.farther] == ["mine"]


async def test_an_answer_keeps_one_budget_and_a_place_for_the_farther_layers(store: Store) -> None:
    lessons = [f"When shipping parcel {number}, look at shelf {number} and at the list." for number in range(40)]
    shop = await make(store, "shop", *lessons, serve_tokens=300)
    mine = await make(store, "mine", *lessons[:20])
    served = await Retriever(store, None).serve(shop, TASK, farther=[mine])
    assert estimate_tokens(served.text) <= 300
    assert len(served.experiences) > len(served.farther[0].experiences) > 0


async def test_where_the_nearest_has_nothing_the_farther_ones_answer(store: Store) -> None:
    shop, mine = await make(store, "shop"), await make(store, "mine", "When shipping, weigh the parcel.")
    retriever = Retriever(store, None)
    assert "[mine/e1]" in (await retriever.serve(shop, TASK, farther=[mine])).text
    assert "No experiences yet" in (await retriever.serve(shop, TASK)).text


async def test_a_reward_counts_in_every_layer_in_its_own_range_and_so_does_its_correction(store: Store) -> None:
    shop = await make(store, "shop", "When shipping, weigh the parcel.", reward_min=-1, reward_max=1)
    mine = await make(store, "mine", "When shipping, say when it arrives.")
    served = await Retriever(store, None).serve(shop, TASK, farther=[mine])
    trajectory = await submit(store, shop, served, None)
    assert await rewards(store, served, shop, mine) == [None, None]
    receipt = await store.trajectories.report_reward(shop, trajectory, Grade(0.0))
    assert [library.name for library in receipt.scored] == ["shop", "mine"]
    assert await rewards(store, served, shop, mine) == [0.5, 0.5]
    await store.trajectories.report_reward(shop, trajectory, Grade(1.0))
    assert await rewards(store, served, shop, mine) == [1.0, 1.0]
    assert (await store.evidence.totals(mine)).rewards == 1
    assert await check(store.database, deep=True) == []


async def test_attempts_in_two_layers_under_one_retrieval_count_with_their_mean_in_both(store: Store) -> None:
    shop = await make(store, "shop", "When shipping, weigh the parcel.")
    mine = await make(store, "mine", "When shipping, say when it arrives.")
    served = await Retriever(store, None).serve(shop, TASK, farther=[mine])
    await asyncio.gather(submit(store, shop, served, 1.0), submit(store, mine, served, 0.0))
    assert await rewards(store, served, shop, mine) == [0.5, 0.5]
    assert await check(store.database, deep=True) == []


async def test_a_deleted_attempt_counts_in_no_layer_any_more(store: Store) -> None:
    shop = await make(store, "shop", "When shipping, weigh the parcel.")
    mine = await make(store, "mine", "When shipping, say when it arrives.")
    served = await Retriever(store, None).serve(shop, TASK, farther=[mine])
    trajectory = await submit(store, shop, served, 1.0)
    await store.deletions.attempts(shop, AttemptFilter(ids=(trajectory,)), "ann")
    assert await rewards(store, served, shop, mine) == [None, None]
    assert await check(store.database, deep=True) == []


async def test_a_layer_of_signed_rewards_counts_none_of_anothers(store: Store) -> None:
    shop = await make(store, "shop", "When shipping, weigh the parcel.")
    team = await make(store, "team", "When shipping, insure the parcel.", signed_rewards_only=True)
    served = await Retriever(store, None).serve(shop, TASK, farther=[team])
    await submit(store, shop, served, 1.0)
    assert await rewards(store, served, shop, team) == [1.0, None]


async def test_chance_decides_in_each_layer_by_itself(store: Store) -> None:
    shop = await make(store, "shop", "When shipping, weigh the parcel.", exploration=True, holdout=0.5)
    mine = await make(store, "mine", "When shipping, weigh the parcel.", exploration=True, holdout=0.5)
    retriever = Retriever(store, None)
    answers = [await retriever.serve(shop, TASK, farther=[mine]) for _ in range(60)]
    both = {(served.retrieval.held_out, served.farther[0].retrieval.held_out) for served in answers}
    assert both == {(False, False), (False, True), (True, False), (True, True)}


async def test_a_session_that_asks_again_gets_the_same_until_a_layer_has_moved_on(store: Store) -> None:
    shop = await make(store, "shop", "When shipping, weigh the parcel.")
    mine = await make(store, "mine", "When shipping, say when it arrives.")
    retriever = Retriever(store, None)
    first = await retriever.serve(shop, TASK, session="s", farther=[mine])
    assert await retriever.serve(shop, TASK, session="s", farther=[mine]) is first
    mine = await make(store, "mine", "When shipping, insure the parcel.")
    again = await retriever.serve(shop, TASK, session="s", farther=[mine])
    assert "[mine/e2]" in again.text
