from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explib.errors import InvalidInput, InvalidTask
from explib.models.libraries import Library, LibrarySettings
from explib.models.revisions import Operation
from explib.retrieval.embedding import Embedder
from explib.retrieval.ranking import blended, relevances
from explib.retrieval.retriever import INTRODUCTION, NOTHING, Retriever, Served
from explib.retrieval.wordllama import WordllamaEmbedder
from explib.storage.revisions.proposal import Proposal
from explib.storage.store import Store, open_store
from explib.text.words import estimate_tokens

LESSONS = (
    "When a parcel is heavy, weigh it before you choose the carrier.",
    "When a refund is due, read the policy of the shop first.",
    "When a customer is angry, apologise before you explain.",
    "When the database is locked, wait and try again.",
    "When a test fails at random, look for a shared clock.",
)
SMALL = LibrarySettings(serve_tokens=100, exploration=False)
"""Room for the introduction and three of the lessons."""
WITH_AND_WITHOUT = pytest.mark.parametrize("embedder", [WordllamaEmbedder(), None], ids=["wordllama", "lexical"])


async def commit(store: Store, library: Library, *operations: Operation) -> Library:
    """The library as of the new revision."""
    current = await store.libraries.get(library.name)
    await store.revisions.commit(Proposal(current, "test", "me", "contrast", operations))
    return await store.libraries.get(library.name)


async def filled(store: Store, settings: LibrarySettings, *contents: str) -> Library:
    library = await store.libraries.ensure("filled", settings)
    return await commit(store, library, *(Operation("ADD", "why", content=each) for each in contents))


def ids(served: Served) -> list[str]:
    return [known.id for known, _ in served.experiences]


def relevances_in(served: Served) -> list[float]:
    return [relevance for _, relevance in served.experiences]


@WITH_AND_WITHOUT
async def test_everything_is_served_when_it_fits_the_most_relevant_first(
    store: Store, embedder: Embedder | None
) -> None:
    library = await filled(store, LibrarySettings(exploration=False), *LESSONS)
    served = await Retriever(store, embedder).serve(library, "A customer wants a refund, what is the policy?")
    assert sorted(ids(served)) == ["e1", "e2", "e3", "e4", "e5"]
    assert ids(served)[0] == "e2"
    assert relevances_in(served) == sorted(relevances_in(served), reverse=True)
    assert all(0 <= relevance <= 1 for relevance in relevances_in(served))


@WITH_AND_WITHOUT
async def test_the_best_are_served_when_not_all_fit(store: Store, embedder: Embedder | None) -> None:
    library = await filled(store, SMALL, *LESSONS)
    server = Retriever(store, embedder)
    served = await server.serve(library, "the test fails at random, perhaps by its clock")
    assert ids(served)[0] == "e5"
    assert 0 < len(ids(served)) < len(LESSONS)
    assert estimate_tokens(served.text) <= SMALL.serve_tokens


async def test_one_that_is_too_long_for_the_budget_does_not_hide_the_others(store: Store) -> None:
    library = await filled(store, SMALL, "When a refund is due, " + "refund, " * 200, *LESSONS)
    served = await Retriever(store, None).serve(library, "refund")
    assert "e1" not in ids(served)
    assert ids(served)[0] == "e3"


async def test_a_limit_takes_the_best(store: Store) -> None:
    library = await filled(store, LibrarySettings(exploration=False), *LESSONS)
    server = Retriever(store, WordllamaEmbedder())
    task = "an angry customer"
    everything = await server.serve(library, task)
    assert ids(await server.serve(library, task, limit=2)) == ids(everything)[:2]
    assert len(ids(await server.serve(library, task, limit=99))) == len(LESSONS)


async def test_candidates_are_marked_in_the_text_and_others_are_not(store: Store) -> None:
    library = await store.libraries.ensure("filled", LibrarySettings(exploration=False))
    library = await commit(
        store,
        library,
        Operation("ADD", "why", content=LESSONS[0], status="candidate"),
        Operation("ADD", "why", content=LESSONS[1], status="active"),
    )
    served = await Retriever(store, None).serve(library, "weigh the parcel")
    assert served.text.splitlines() == [INTRODUCTION, f"[e1]. {LESSONS[0]} (candidate)", f"[e2]. {LESSONS[1]}"]


async def test_the_index_follows_a_revision_that_another_store_makes(store: Store, url: str) -> None:
    library = await filled(store, LibrarySettings(exploration=False), *LESSONS[:2])
    server = Retriever(store, WordllamaEmbedder())
    before = await server.serve(library, "an angry customer")
    async with open_store(url) as other:
        library = await commit(
            other,
            library,
            Operation("ADD", "why", content=LESSONS[2]),
            Operation("MODIFY", "why", target="e1", content=LESSONS[3]),
        )
    after = await server.serve(library, "an angry customer")
    assert (before.retrieval.revision, after.retrieval.revision) == (1, 2)
    assert ids(after)[0] == "e3"
    assert {known.id: known.content for known, _ in after.experiences}["e1"] == LESSONS[3]
    locked = await server.serve(library, "database is locked")
    assert ids(locked)[0] == "e1"


@WITH_AND_WITHOUT
async def test_retired_experiences_vanish(store: Store, embedder: Embedder | None) -> None:
    library = await filled(store, LibrarySettings(exploration=False), *LESSONS)
    server = Retriever(store, embedder)
    assert "e2" in ids(await server.serve(library, "refund"))
    library = await commit(store, library, Operation("DELETE", "wrong", target="e2"))
    served = await server.serve(library, "refund")
    assert sorted(ids(served)) == ["e1", "e3", "e4", "e5"]
    assert "e2" not in {each.experience_id for each in served.retrieval.servings}


@WITH_AND_WITHOUT
async def test_the_record_says_what_was_served_and_what_was_withheld(store: Store, embedder: Embedder | None) -> None:
    library = await filled(store, SMALL.model_copy(update={"exploration": True}), *LESSONS)
    served = await Retriever(store, embedder).serve(library, "when a customer is due a test refund", limit=2)
    await store.retrievals.flush()
    record = await store.retrievals.get(library, served.retrieval.id)
    assert record.servings == served.retrieval.servings
    assert (record.task, record.revision) == ("when a customer is due a test refund", 1)
    assert [each.experience_id for each in record.servings if each.served] == ids(served)
    assert len(record.servings) == 2
    assert all(each.probability == 0.5 for each in record.servings)


async def test_what_was_served_is_recorded_before_the_store_closes(url: str) -> None:
    async with open_store(url) as store:
        library = await filled(store, LibrarySettings(exploration=False), *LESSONS)
        served = await Retriever(store, None).serve(library, "refund")
    async with open_store(url) as store:
        recorded = await store.retrievals.get(library, served.retrieval.id)
        assert recorded.servings == served.retrieval.servings


async def test_another_process_waits_for_a_record_that_is_just_being_written(store: Store, url: str) -> None:
    library = await filled(store, LibrarySettings(exploration=False), *LESSONS)
    async with open_store(url) as other:
        served = await Retriever(store, None).serve(library, "refund")
        await other.retrievals.awaited(library, served.retrieval.id)
        assert (await other.retrievals.get(library, served.retrieval.id)).task == "refund"
        for never in ("r_0", "whatever", "r_00000000000aaaaaaaaaa"):
            await other.retrievals.awaited(library, never)


async def test_an_empty_library_says_so_and_is_recorded(store: Store, library: Library) -> None:
    served = await Retriever(store, WordllamaEmbedder()).serve(library, "anything")
    assert served.text == NOTHING
    await store.retrievals.flush()
    assert (await store.retrievals.get(library, served.retrieval.id)).servings == ()


@pytest.mark.parametrize(
    ("task", "found"),
    [("注文を返金してください", "e2"), ("请给客户退款", "e3"), ("배송 주소를 바꿔 주세요", "e4"), ("ขอคืนเงิน", "e5")],
    ids=["japanese", "chinese", "korean", "thai"],
)
async def test_other_scripts_are_found_by_their_words(store: Store, task: str, found: str) -> None:
    library = await filled(
        store,
        LibrarySettings(exploration=False),
        LESSONS[0],
        "返金を頼まれたら、まず規約を確認する。",
        "客户要求退款时，先查看政策。",
        "배송 주소를 바꿀 때는 먼저 고객을 확인한다.",
        "เมื่อลูกค้าขอคืนเงิน ให้อ่านนโยบายก่อน",
    )
    served = await Retriever(store, None).serve(library, task)
    assert ids(served)[0] == found
    assert relevances_in(served)[0] > relevances_in(served)[1]


@pytest.mark.parametrize("task", ['"', "NEAR(a b)", "a AND OR NOT", "col:x*", "'; DROP TABLE experiences", "😀", "-"])
async def test_no_task_is_taken_for_a_search_expression(store: Store, task: str) -> None:
    library = await filled(store, LibrarySettings(exploration=False), *LESSONS)
    served = await Retriever(store, None).serve(library, task)
    assert len(ids(served)) == len(LESSONS)


async def test_the_words_of_another_library_are_not_found(store: Store) -> None:
    await filled(store, LibrarySettings(exploration=False), *LESSONS)
    library = await store.libraries.ensure("apart", LibrarySettings(exploration=False))
    library = await commit(store, library, Operation("ADD", "why", content="When a refund is due, ask."))
    served = await Retriever(store, None).serve(library, "refund")
    assert [known.content for known, _ in served.experiences] == ["When a refund is due, ask."]


async def test_bad_requests_say_what_to_do(store: Store, library: Library) -> None:
    server = Retriever(store, None)
    with pytest.raises(InvalidTask, match="task is empty"):
        await server.serve(library, " \n")
    with pytest.raises(InvalidInput, match="limit must be at least 1"):
        await server.serve(library, "x", limit=0)


SHARES = st.lists(st.tuples(st.floats(0, 1.7), st.floats(-1, 1, width=32)), min_size=1, max_size=8)


@given(SHARES)
def test_relevance_is_between_nothing_and_all(shares: list[tuple[float, float]]) -> None:
    coverage, cosines = np.array([each[0] for each in shares]), np.array([each[1] for each in shares])
    for scores in (blended(coverage, cosines), blended(coverage, None)):
        assert all(0 <= score <= 1 for score in relevances(scores))


@given(SHARES)
def test_what_is_before_another_on_both_sides_is_not_less_relevant(shares: list[tuple[float, float]]) -> None:
    coverage, cosines = np.array([each[0] for each in shares]), np.array([each[1] for each in shares])
    scores = blended(coverage, cosines).tolist()
    for (words, meaning), score in zip(shares, scores, strict=True):
        for (other_words, other_meaning), other in zip(shares, scores, strict=True):
            if words >= other_words and meaning >= other_meaning:
                assert score >= other


def test_nothing_blended_is_nothing() -> None:
    nothing = np.zeros(0)
    assert len(blended(nothing, None)) == len(blended(nothing, np.zeros(0, np.float32))) == 0
