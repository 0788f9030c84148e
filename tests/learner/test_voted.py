from __future__ import annotations

import pytest
from learner.scripted_analyst import Scripted, lesson

from explib.evidence.votes import VoteCount
from explib.models.libraries import Library
from explib.models.revisions import Operation
from explib.models.submissions import Submission
from explib.models.trajectories import Step
from explib.retrieval.embedding import Embedder
from explib.retrieval.wordllama import WordllamaEmbedder
from explib.storage.revisions.proposal import Proposal
from explib.storage.store import Store
from explib_learner.checks.voted_down import reject_voted_down
from explib_learner.pipeline import Pipeline

PAY = "When booking a flight, confirm the dates with the user before paying."
REWORDED = "Confirm dates with the user before you pay for a flight booking."
SHUFFLED = "Before paying when booking a flight, confirm the dates with the user."
OTHER = "When booking a hotel, confirm the price with the user before paying."
REJECTED = VoteCount("e1", PAY, "rejected", "nobody asked for it")


def adding(content: str) -> Operation:
    return Operation("ADD", "because", content=content)


async def test_a_rewording_of_what_was_turned_down_is_refused_with_the_voters_reason() -> None:
    proposals = (adding(REWORDED), adding(OTHER), Operation("DELETE", "wrong", target="e9"))
    kept, refused = await reject_voted_down(proposals, [REJECTED], WordllamaEmbedder())
    assert kept == proposals[1:]
    [refusal] = refused
    assert refusal.operation == proposals[0]
    assert refusal.reason == "it says nearly the same as e1, which 3 voters turned down: nobody asked for it"


@pytest.mark.parametrize("embedder", [None, WordllamaEmbedder()])
async def test_the_same_words_in_another_order_are_refused_with_and_without_an_embedder(
    embedder: Embedder | None,
) -> None:
    kept, refused = await reject_voted_down([adding(SHUFFLED), adding(OTHER)], [REJECTED], embedder)
    assert [each.content for each in kept] == [OTHER]
    assert [each.operation.content for each in refused] == [SHUFFLED]


async def test_a_proposal_close_to_what_voters_back_passes() -> None:
    backed = VoteCount("e2", REWORDED, "backed")
    kept, refused = await reject_voted_down([adding(REWORDED)], [REJECTED, backed], WordllamaEmbedder())
    assert (len(kept), refused) == (1, ())


async def test_the_learner_records_why_it_did_not_learn_it_again(store: Store, library: Library) -> None:
    await store.revisions.commit(Proposal(library, "test", "me", "contrast", (adding(PAY),)))
    for voter in "abc":
        await store.votes.cast(library, "e1", voter, up=False, reason="nobody asked for it")
    for reward in (0.0, 1.0):
        await store.trajectories.submit(library, Submission("book", (Step("assistant", f"{reward}"),), reward=reward))
    lease = await store.leases.acquire("learn", "me", 30)
    assert lease is not None
    proposing = Scripted(lambda group: lesson(group, REWORDED))
    run = await Pipeline(store, proposing.analyst(), WordllamaEmbedder()).run(library, lease)
    assert (run.learned, run.revision) == (1, None)
    [refusal] = await store.revisions.refusals(library)
    assert (refusal.operation.content, refusal.reason) == (
        REWORDED,
        "it says nearly the same as e1, which 3 voters turned down: nobody asked for it",
    )
