"""Serving by evidence: what chance decides, what is written down of it, and what rewards change."""

from __future__ import annotations

import math
from collections import Counter
from itertools import combinations

import pytest

from explib.evidence.ledger import experience_key
from explib.evidence.sums import NOTHING as ZERO
from explib.evidence.sums import ScoreSums
from explib.models.decisions import CodebookEntry, CodebookUpdate, Decision, Option, Verdict
from explib.models.libraries import Library, LibrarySettings
from explib.models.revisions import Operation
from explib.models.submissions import Grade, Submission
from explib.models.trajectories import Step
from explib.retrieval.lifts import Lifts
from explib.retrieval.retriever import NOTHING_FITS, NOTHING_THIS_TIME, Retriever, Served
from explib.retrieval.sessions import MOST, SessionRetrievals
from explib.retrieval.shortlist import uniforms
from explib.retrieval.wordllama import WordllamaEmbedder
from explib.storage.revisions.proposal import Proposal
from explib.storage.store import Store, open_store

LESSONS = tuple(f"When the task says word{number}, do as rule {number} says." for number in range(1, 9))
TASK = "the task says word1 and word2"


async def filled(store: Store, settings: LibrarySettings, *contents: str) -> Library:
    library = await store.libraries.ensure("filled", settings)
    operations = tuple(Operation("ADD", "why", content=each) for each in contents)
    await store.revisions.commit(Proposal(library, "test", "me", "contrast", operations))
    return await store.libraries.get("filled")


def ids(served: Served) -> set[str]:
    return {entry.id for entry, _ in served.experiences}


async def rewarded(store: Store, library: Library, served: Served, reward: float) -> None:
    await store.retrievals.flush()
    steps = (Step("assistant", "done"),)
    submission = Submission(served.retrieval.task, steps, reward, retrieval_id=served.retrieval.id)
    await store.trajectories.submit(library, submission)


async def test_each_is_served_by_its_own_coin_and_all_of_it_is_written_down(store: Store) -> None:
    library = await filled(store, LibrarySettings(), *LESSONS)
    retriever = Retriever(store, None)
    answers = [await retriever.serve(library, TASK) for _ in range(300)]
    for served in answers:
        assert {each.experience_id for each in served.retrieval.servings} == {f"e{n}" for n in range(1, 9)}
        assert {each.experience_id for each in served.retrieval.servings if each.served} == ids(served)
        assert all(each.probability == 0.5 for each in served.retrieval.servings)
    counts = Counter(known for served in answers for known in ids(served))
    together = sum({"e1", "e2"} <= ids(served) for served in answers)
    assert all(abs(count - 150) < 4 * math.sqrt(75) for count in counts.values())
    assert abs(together - 75) < 4 * math.sqrt(56)


async def test_without_exploration_all_that_fits_is_served_for_certain(store: Store) -> None:
    library = await filled(store, LibrarySettings(exploration=False, holdout=0.5), *LESSONS)
    retriever = Retriever(store, None)
    for _ in range(20):
        served = await retriever.serve(library, TASK)
        assert len(ids(served)) == len(LESSONS)
        assert all(each.probability == 1.0 for each in served.retrieval.servings)
        assert (served.retrieval.holdout, served.retrieval.held_out) == (0.0, False)


async def test_nothing_is_cut_after_the_draws(store: Store) -> None:
    library = await filled(store, LibrarySettings(), *LESSONS)
    retriever = Retriever(store, None)
    for _ in range(50):
        served = await retriever.serve(library, TASK, limit=3)
        assert len(served.retrieval.servings) == 3
        assert {"e1", "e2"} <= {each.experience_id for each in served.retrieval.servings}


async def test_the_held_out_share_gets_nothing_and_is_told_so(store: Store) -> None:
    library = await filled(store, LibrarySettings(holdout=0.3), *LESSONS)
    retriever = Retriever(store, None)
    answers = [await retriever.serve(library, TASK) for _ in range(300)]
    held_out = [served for served in answers if served.retrieval.held_out]
    assert abs(len(held_out) - 90) < 4 * math.sqrt(63)
    assert all(served.text == NOTHING_THIS_TIME and not served.experiences for served in held_out)
    assert all(served.retrieval.servings for served in held_out)
    assert all(served.retrieval.holdout == 0.3 for served in answers)


async def test_what_brought_reward_is_served_more_often_also_in_another_process(store: Store, url: str) -> None:
    library = await filled(store, LibrarySettings(), *LESSONS[:2])
    retriever = Retriever(store, None)
    async with open_store(url) as elsewhere:
        other = Retriever(elsewhere, None)
        await other.serve(library, TASK)
        for number in range(60):
            served = await retriever.serve(library, f"{TASK} {number}")
            await rewarded(store, library, served, float("e1" in ids(served)))
            retriever.rewarded(library)
            await retriever.flush()
        chances = {}
        for one in (retriever, other):
            one.rewarded(library)
            await one.flush()
            last = await one.serve(library, TASK)
            chances[one] = {each.experience_id: each.probability for each in last.retrieval.servings}
    assert chances[retriever]["e1"] > 0.95
    assert chances[retriever] == chances[other]


async def test_a_lift_is_shown_when_it_means_something_and_in_the_librarys_rewards(store: Store) -> None:
    library = await filled(store, LibrarySettings(reward_min=0, reward_max=100), *LESSONS[:1])
    retriever = Retriever(store, None)
    shown = []
    for number in range(60):
        served = await retriever.serve(library, f"{TASK} {number}")
        shown += [lift for lift in served.lifts.values() if number < 30]
        await rewarded(store, library, served, 100.0 * ("e1" in ids(served)))
        retriever.rewarded(library)
        await retriever.flush()
    assert not shown
    later = [await retriever.serve(library, TASK) for _ in range(20)]
    lift = next(lift for served in later for lift in served.lifts.values())
    assert -100 <= lift.low < lift.mean <= lift.high <= 100
    assert lift.mean > 20


async def test_no_lift_is_shown_where_rewards_are_missing_by_what_was_served(store: Store) -> None:
    library = await filled(store, LibrarySettings(), *LESSONS[:1])
    retriever = Retriever(store, None)
    for number in range(300):
        served = await retriever.serve(library, f"{TASK} {number}")
        if ids(served):
            await rewarded(store, library, served, number % 2)
    await store.retrievals.flush()
    served = await retriever.serve(library, "one more")
    await rewarded(store, library, served, 1.0)
    again = Retriever(store, None)
    assert not any([(await again.serve(library, TASK)).lifts for _ in range(20)])


async def test_a_modified_experience_starts_anew_and_its_predecessors_record_is_kept(store: Store) -> None:
    library = await filled(store, LibrarySettings(), *LESSONS[:1])
    retriever = Retriever(store, None)
    for number in range(30):
        served = await retriever.serve(library, f"{TASK} {number}")
        await rewarded(store, library, served, float("e1" in ids(served)))
    change = Operation("MODIFY", "better", target="e1", content=LESSONS[1])
    await store.revisions.commit(Proposal(library, "test", "me", "contrast", (change,)))
    library = await store.libraries.get(library.name)
    [serving] = (await retriever.serve(library, TASK)).retrieval.servings
    assert serving.version == 2
    assert 0.5 <= serving.probability < 0.97  # by what the library has shown, not by its own rewards
    old = (await store.evidence.of(library, [experience_key("e1", 1)]))[experience_key("e1", 1)]
    assert old.sums.n == 30


async def test_a_repeated_call_of_a_session_is_the_same_retrieval_until_something_is_submitted(store: Store) -> None:
    library = await filled(store, LibrarySettings(), *LESSONS)
    retriever = Retriever(store, None)
    first = await retriever.serve(library, TASK, session="s")
    assert await retriever.serve(library, TASK.upper(), session="s") is first
    others = [
        await retriever.serve(library, TASK, session="another"),
        await retriever.serve(library, TASK, limit=3, session="s"),
        await retriever.serve(library, "word3", session="s"),
        await retriever.serve(library, TASK),
    ]
    assert len({each.retrieval.id for each in (first, *others)}) == 5
    await store.retrievals.flush()
    retriever.submitted(first.retrieval.id)
    assert (await retriever.serve(library, TASK, session="s")).retrieval.id != first.retrieval.id


async def test_a_new_revision_is_a_new_retrieval(store: Store) -> None:
    library = await filled(store, LibrarySettings(), *LESSONS[:2])
    retriever = Retriever(store, None)
    first = await retriever.serve(library, TASK, session="s")
    await store.revisions.commit(
        Proposal(library, "test", "me", "contrast", (Operation("ADD", "why", content=LESSONS[2]),))
    )
    library = await store.libraries.get(library.name)
    assert (await retriever.serve(library, TASK, session="s")).retrieval.id != first.retrieval.id


async def test_a_late_reward_and_its_correction_reach_the_next_draws(store: Store) -> None:
    library = await filled(store, LibrarySettings(), *LESSONS[:1])
    retriever = Retriever(store, None)
    served = await retriever.serve(library, TASK)
    await store.retrievals.flush()
    receipt = await store.trajectories.submit(
        library, Submission(TASK, (Step("assistant", "x"),), retrieval_id=served.retrieval.id)
    )
    better = float(bool(ids(served)))
    seen = []
    for reward in (better, 1 - better, better):
        await store.trajectories.report_reward(library, receipt.trajectory_id, Grade(reward))
        retriever.rewarded(library)
        await retriever.flush()
        seen.append((await retriever.serve(library, TASK)).retrieval.servings[0].probability)
    assert seen[0] == pytest.approx(seen[2])
    assert seen[0] > 0.5 > seen[1]


def test_draws_are_repeatable_uniform_and_independent_of_others_and_of_other_retrievals() -> None:
    assert uniforms("r_1", "experiences", 2) == uniforms("r_1", "experiences", 5)[:2]
    drawn = [[*uniforms(f"r_{n}", "experiences", 3), *uniforms(f"r_{n}", "holdout", 1)] for n in range(4_000)]
    assert all(0 <= each < 1 for numbers in drawn for each in numbers)
    means = [sum(values) / len(drawn) for values in zip(*drawn, strict=True)]
    assert all(abs(mean - 0.5) < 4 * math.sqrt(1 / 12 / len(drawn)) for mean in means)
    following = [*drawn[1:], drawn[0]]
    for one, other in combinations(range(4), 2):
        assert abs(_product(drawn, drawn, one, other)) < 4 * (1 / 12) / math.sqrt(len(drawn))
    for each in range(4):
        assert abs(_product(drawn, following, each, each)) < 4 * (1 / 12) / math.sqrt(len(drawn))


def _product(these: list[list[float]], those: list[list[float]], one: int, other: int) -> float:
    """The mean product of what lies over a half."""
    pairs = zip(these, those, strict=True)
    return sum((mine[one] - 0.5) * (yours[other] - 0.5) for mine, yours in pairs) / len(these)


def test_lifts_hold_the_newest_version_and_older_ones_beside_it() -> None:
    lifts, one, two = Lifts(), ScoreSums(1, 2, 1, 9), ScoreSums(-1, 2, 1, 9, slack=0.1)
    lifts.put(experience_key("e7", 2), two)
    lifts.put(experience_key("e7", 1), one)
    lifts.put(experience_key("e9000", 3), one)
    assert lifts.of("e7", 2) == two
    assert lifts.of("e7", 1) == one
    assert lifts.of("e9000", 3) == one
    lifts.put(experience_key("e9000", 4), two)
    assert lifts.of("e9000", 3) == one
    assert lifts.of("e9000", 4) == two
    assert [lifts.of(*each) for each in (("e1", 1), ("e7", 3), ("e99999", 1))] == [ZERO] * 3


def test_repeats_are_bounded() -> None:
    repeats: SessionRetrievals[int] = SessionRetrievals()
    for number in range(MOST + 1):
        repeats.put(("session", number, "task"), None, f"r{number}", number)
    assert repeats.get(("session", 0, "task"), None) is None
    assert repeats.get(("session", MOST, "task"), None) == MOST
    assert repeats.retrieval_for(("session", 0, "task")) is None


def test_the_newest_retrieval_of_a_task_is_the_open_one_until_something_is_submitted() -> None:
    repeats: SessionRetrievals[int] = SessionRetrievals()
    repeats.put(("session", 1, "task"), 3, "r1", 1)
    repeats.put(("session", 1, "task"), 5, "r2", 2)
    assert repeats.get(("session", 1, "task"), 3) is None
    assert repeats.retrieval_for(("session", 1, "task")) == "r2"
    repeats.forget("r1")
    assert repeats.get(("session", 1, "task"), 5) == 2
    repeats.forget("r2")
    assert repeats.retrieval_for(("session", 1, "task")) is None


async def test_what_a_person_wrote_is_served_nearly_always_from_the_first_retrieval_on(store: Store) -> None:
    library = await store.libraries.ensure("filled", LibrarySettings())
    adding = tuple(Operation("ADD", "why", content=each, pins=True) for each in LESSONS)
    await store.revisions.commit(Proposal(library, "test", "me", "contrast", adding))
    library = await store.libraries.get("filled")
    [served] = [await Retriever(store, None).serve(library, TASK)]
    chances = [each.probability for each in served.retrieval.servings]
    assert len(chances) == len(LESSONS)
    assert min(chances) >= 0.97
    assert sum(1 - chance for chance in chances) <= 0.5


async def test_a_lesson_of_a_believed_decision_is_served_as_its_verdict_says_until_a_voter_doubts_it(
    store: Store,
) -> None:
    library = await store.libraries.ensure("filled", LibrarySettings())
    options = (Option("a", "look first"), Option("b", "do not"))
    decision = Decision("d1", "look", "grammar", "you change an address", options, tools=("update_address",))
    verdict = Verdict("d1", "believed", 0.99, "a", 0.2, 0.1, 0.3, 0.99, 9, 7, groups=3, lone=0, witnesses=5)
    adding = (Operation("ADD", "why", content=LESSONS[0], decision_id="d1", option="a"),)
    codebook = CodebookUpdate(entries=(CodebookEntry(decision, verdict),))
    await store.revisions.commit(Proposal(library, "test", "learner", "contrast", adding, codebook=codebook))
    library = await store.libraries.get("filled")
    [serving] = (await Retriever(store, None).serve(library, TASK)).retrieval.servings
    assert serving.probability == 0.97
    await store.votes.cast(library, "e1", "ann", up=False)
    [serving] = (await Retriever(store, None).serve(library, TASK)).retrieval.servings
    assert serving.probability == 0.5


async def test_a_lesson_of_tools_that_are_not_in_play_is_left_out_and_one_of_those_that_are_comes_first(
    store: Store,
) -> None:
    library = await store.libraries.ensure("filled", LibrarySettings(exploration=False))
    options = (Option("a", "look first"), Option("b", "do not"))
    entries = [
        CodebookEntry(Decision(f"d{n}", tool, "grammar", "s", options, tools=(tool,)), None)
        for n, tool in enumerate(("cancel_order", "update_address"), start=1)
    ]
    contents = ("When the task says word1, call cancel_order last.", "When it is late, call update_address first.")
    adding = tuple(
        Operation("ADD", "why", content=each, decision_id=f"d{n}", option="a") for n, each in enumerate(contents, 1)
    )
    adding += (Operation("ADD", "why", content="When unsure, pass `Ticket_Id`."),)
    codebook = CodebookUpdate(entries=tuple(entries))
    await store.revisions.commit(Proposal(library, "test", "learner", "contrast", adding, codebook=codebook))
    library = await store.libraries.get("filled")
    retriever = Retriever(store, None)

    async def order(task: str, *tools: str) -> list[str]:
        return [entry.id for entry, _ in (await retriever.serve(library, task, tools=tools)).experiences]

    assert await order("word1") == ["e1", "e2", "e3"]
    assert await order("word1", "Update_Address", "other") == ["e2", "e3"]
    assert await order("word1 then cancel_order", "update_address") == ["e1", "e2", "e3"]
    assert (await order("word9", "ticket_id"))[0] == "e3"


async def test_a_task_of_another_kind_gets_nothing_and_is_told_so(store: Store) -> None:
    library = await filled(
        store,
        LibrarySettings(exploration=False),
        "When a passenger wants to cancel, check the fare rules before you cancel the reservation.",
        "When bags are added, compute the price by membership level.",
    )
    retriever = Retriever(store, WordllamaEmbedder())
    assert len(ids(await retriever.serve(library, "Please cancel my flight to Denver"))) == 2
    unrelated = await retriever.serve(library, "Explain photosynthesis")
    assert (unrelated.text, unrelated.retrieval.servings) == (NOTHING_FITS, ())
    assert ids(await retriever.serve(library, "Explain photosynthesis", tools=["cancel"])) == set()
