"""One belief in a lesson: report, serving, the lift that is told, the veto and the life cycle read the same sums."""

from __future__ import annotations

import random

import pytest
from library.evidence_cases import attempt, drawn

from explib.evidence.belief import FEWEST_SUBMITTERS
from explib.evidence.ledger import experience_key
from explib.evidence.policy import ClassTotals, first_means, library_shift, serving_probability
from explib.evidence.posterior import posterior
from explib.evidence.sums import NOTHING
from explib.evidence.verdicts import lift_summary
from explib.models.libraries import Library, LibrarySettings
from explib.models.revisions import Operation
from explib.retrieval.retriever import Retriever
from explib.storage.revisions.proposal import Proposal
from explib.storage.store import Store
from explib_learner.lifecycle import Lifecycle
from explib_server.render.evidence import library_evidence

BOTH_ENGINES = pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
E1 = experience_key("e1", 1)
HONEST = tuple(f"honest {number}" for number in range(FEWEST_SUBMITTERS + 5))


async def commit(store: Store, *operations: Operation, author: str = "me") -> tuple[str, ...]:
    """The reasons of what was refused."""
    library = await store.libraries.ensure("default", LibrarySettings())
    committed = await store.revisions.commit(Proposal(library, "test", author, "contrast", operations))
    return tuple(refusal.reason for refusal in committed.refusals)


async def rewarded(store: Store, library: Library, *submitters: str, forger: str | None = None) -> None:
    """A reward from each, of retrievals that serve e1 by a fair coin; the forger's praise it, the others are chance."""
    dice = random.Random(1)
    for number, submitter in enumerate(submitters):
        served = dice.random() < 0.5
        retrieval = drawn(served, task=f"task {number}")
        store.retrievals.record_behind(library, retrieval)
        reward = float(served) if submitter == forger else float(dice.random() < 0.5)
        await store.retrievals.flush()
        await store.trajectories.submit(library, attempt(retrieval, reward, submitter=submitter))


@BOTH_ENGINES
async def test_one_busy_forger_is_believed_nowhere(store: Store) -> None:
    await commit(store, Operation("ADD", "why", content="When it says word1, do as rule 1 says.", status="active"))
    library = await store.libraries.get("default")
    await rewarded(store, library, *(HONEST * 2), *(["forger"] * 80), forger="forger")
    account = (await store.evidence.of(library, [E1]))[E1]
    assert lift_summary(account.sums).label == "proven"
    believed = lift_summary(account.believed)
    [reported] = (await library_evidence(store, library)).experiences
    assert (reported.label, reported.helps, reported.lift) == (
        believed.label,
        believed.belief.helps,
        believed.interval,
    )
    answers = [await Retriever(store, None).serve(library, f"word1 {number}") for number in range(12)]
    [serving] = answers[0].retrieval.servings
    totals = ClassTotals()
    totals.add(account.believed, 0, 1)
    shift = library_shift({"C": totals}, first_means(0, 0), NOTHING, 0)
    belief = posterior(account.believed, prior=shift.mean)
    assert serving.probability == pytest.approx(serving_probability(belief), abs=1e-4)
    assert next(lift for served in answers for lift in served.lifts.values()) == believed.interval
    assert await Lifecycle(store).look(library) == []
    assert await commit(store, Operation("DELETE", "useless", target="e1"), author="learner") == ()
