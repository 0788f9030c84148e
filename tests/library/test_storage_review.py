"""Libraries that people review, and libraries that go back: in the database, with others at work at the same time."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from explib.errors import Conflict, OperationRefused, RevisionConflict, UnknownProposal, UnknownRevision
from explib.models.libraries import Library, LibrarySettings
from explib.models.revisions import Citation, Operation, Refusal
from explib.models.submissions import Submission
from explib.models.trajectories import Step
from explib.settings.library import LibraryChanges
from explib.storage.revisions.proposal import Committed, Proposal
from explib.storage.store import Store, open_store

pytestmark = pytest.mark.parametrize("engine", ["sqlite", "postgresql"])

REVIEWED = LibraryChanges(review=True)


def adding(content: str, *cited: str) -> Operation:
    return Operation("ADD", "because", content=content, citations=tuple(Citation(each, "for") for each in cited))


async def commit(store: Store, library: Library, *operations: Operation) -> Committed:
    """As the learner commits."""
    current = await store.libraries.get(library.name)
    return await store.revisions.commit(Proposal(current, "learned", "learner", "model", operations, model="m"))


async def decide(store: Store, library: Library, identity: str, *, approve: bool) -> Committed:
    """As a person's decision is committed."""
    waiting = await store.proposals.get(library, identity)
    current = await store.libraries.get(library.name)
    operations = (waiting.operation,) if approve else ()
    refusals = () if approve else (Refusal(waiting.operation, "rejected by ann: too vague"),)
    return await store.revisions.commit(
        Proposal(
            current,
            "too vague",
            "ann",
            waiting.analyst,
            operations,
            refusals=refusals,
            model=waiting.model,
            reviewed=True,
            strict=True,
            decides=waiting,
        )
    )


async def trajectory(store: Store, library: Library, reward: float) -> str:
    submission = Submission("a task", (Step("assistant", f"got {reward}"),), reward=reward)
    return (await store.trajectories.submit(library, submission)).trajectory_id


async def test_what_the_learner_proposes_waits_and_changes_nothing(store: Store, library: Library) -> None:
    await commit(store, library, adding("When a, do b."))
    library = await store.libraries.change(library, REVIEWED, "ann")
    cited = await trajectory(store, library, 1.0)
    done = await commit(
        store,
        library,
        adding("When c, do d.", cited),
        Operation("MODIFY", "clearer", target="e1", content="When a, do c."),
        Operation("KEEP", "again", target="e1", citations=(Citation(cited, "for"),)),
    )
    assert [each.id for each in done.waiting] == ["p1", "p2"]
    assert [change.operation.kind for change in done.changes] == ["KEEP"]
    [known] = await store.revisions.experiences(library)
    assert (known.content, known.support.supporting) == ("When a, do b.", 1)
    first, second = await store.proposals.all(library, "waiting")
    assert (first.operation.content, first.before, first.analyst, first.model) == ("When c, do d.", (), "model", "m")
    assert second.before[0].content == "When a, do b."
    assert await store.proposals.count(library) == 2


async def test_review_that_is_turned_on_while_the_learner_works_holds_for_what_it_brings(
    store: Store, library: Library
) -> None:
    as_read = await store.libraries.get(library.name)
    await store.libraries.change(library, REVIEWED, "ann")
    brought = (adding("When a, do b."),)
    with pytest.raises(RevisionConflict):
        await store.revisions.commit(Proposal(as_read, "learned", "learner", "model", brought))
    at_the_revision = replace(as_read, revision=as_read.revision + 1)
    await store.revisions.commit(Proposal(at_the_revision, "learned", "learner", "model", brought))
    assert await store.revisions.experiences(library) == []
    assert await store.proposals.count(library) == 1


async def test_an_approved_proposal_is_a_revision_by_who_approved_it(store: Store, library: Library) -> None:
    library = await store.libraries.change(library, REVIEWED, "ann")
    await commit(store, library, adding("When a, do b."))
    done = await decide(store, library, "p1", approve=True)
    assert done.revision == 2
    [known] = await store.revisions.experiences(library)
    assert (known.id, known.content, known.analyst, known.model) == ("e1", "When a, do b.", "model", "m")
    assert (await store.revisions.get(library, 2)).author == "ann"
    decided = await store.proposals.get(library, "p1")
    assert (decided.state, decided.decided_by, decided.revision) == ("approved", "ann", 2)
    assert await store.proposals.all(library, "waiting") == []


async def test_a_rejected_proposal_is_a_revision_that_changes_nothing(store: Store, library: Library) -> None:
    library = await store.libraries.change(library, REVIEWED, "ann")
    await commit(store, library, adding("When a, do b."))
    done = await decide(store, library, "p1", approve=False)
    assert (done.revision, done.changes) == (2, ())
    revision = await store.revisions.get(library, 2)
    assert (revision.author, revision.cause, revision.changes) == ("ann", "too vague", ())
    assert revision.refusals[0].reason == "rejected by ann: too vague"
    assert await store.revisions.experiences(library, retired=True) == []
    decided = await store.proposals.get(library, "p1")
    assert (decided.state, decided.reason) == ("rejected", "too vague")


async def test_of_two_who_decide_at_once_one_does(url: str) -> None:
    async with open_store(url) as one, open_store(url) as other:
        library = await one.libraries.ensure("default", LibrarySettings(review=True))
        await commit(one, library, adding("When a, do b."))
        outcomes = await asyncio.gather(
            decide(one, library, "p1", approve=True),
            decide(other, library, "p1", approve=False),
            return_exceptions=True,
        )
        failed = [each for each in outcomes if isinstance(each, BaseException)]
        assert [type(each) for each in failed] in ([RevisionConflict], [Conflict])
        with pytest.raises(Conflict, match=r"p1 was (approved|rejected) by ann"):
            await decide(one, library, "p1", approve=True)
        assert len(await one.revisions.history(library)) == 1


async def test_what_a_person_asks_for_is_done_whole_or_not_at_all(store: Store, library: Library) -> None:
    operations = (adding("When a, do b."), Operation("DELETE", "gone", target="e9"))
    current = await store.libraries.get(library.name)
    by_hand = Proposal(current, "by hand", "ann", "person", operations, reviewed=True, strict=True)
    with pytest.raises(OperationRefused, match="there is no experience e9"):
        await store.revisions.commit(by_hand)
    assert await store.revisions.experiences(library) == []
    assert await store.revisions.refusals(library) == []
    done = await store.revisions.commit(replace(by_hand, operations=operations[:1]))
    assert done.revision == 1


async def test_proposals_are_each_librarys_own(store: Store, library: Library) -> None:
    other = await store.libraries.ensure("other", LibrarySettings(review=True))
    await commit(store, other, adding("When a, do b."))
    assert await store.proposals.count(library) == 0
    with pytest.raises(UnknownProposal, match="list_experiences"):
        await store.proposals.get(library, "p1")
    with pytest.raises(UnknownProposal):
        await store.proposals.get(other, "e1")


async def test_a_library_goes_back_to_each_of_its_revisions(store: Store, library: Library) -> None:
    cited = [await trajectory(store, library, reward) for reward in (0.0, 1.0)]
    await commit(store, library, adding("When a, do b.", cited[0]), adding("When c, do d."))
    await commit(store, library, Operation("MODIFY", "better", target="e1", content="When a, do c."))
    await commit(store, library, Operation("MERGE", "same", target="e1", merged=("e2",), content="When a or c, do b."))
    await commit(store, library, Operation("KEEP", "again", target="e1", citations=(Citation(cited[1], "against"),)))
    await commit(store, library, Operation("DELETE", "wrong", target="e1"), adding("When x, do y."))
    for number in (2, 0, 4, 1, 5, 3):
        current = await store.libraries.get(library.name)
        done = await store.revisions.revert(current, number, "ann", f"back to {number}")
        assert done.revision == current.revision + 1
        now = await store.libraries.get(library.name)
        wanted = {each.id: (each.content, each.status, each.support) for each in await store.revisions.at(now, number)}
        found = {each.id: (each.content, each.status, each.support) for each in await store.revisions.experiences(now)}
        assert found == wanted
        counts = {each: len(await store.revisions.citations(now, each)) for each in found}
        assert counts == {
            each.id: each.support.supporting + each.support.contradicting
            for each in await store.revisions.at(now, number)
        }
        assert (await store.revisions.get(now, now.revision)).author == "ann"
    again = await store.libraries.get(library.name)
    assert (await store.revisions.revert(again, 3, "ann", "again")).revision is None
    with pytest.raises(UnknownRevision, match="1 to 11, so there is no"):
        await store.revisions.revert(again, 99, "ann", "too far")


async def test_a_library_that_was_larger_than_it_may_be_now_does_not_go_back(store: Store, library: Library) -> None:
    await commit(store, library, adding("When a, do b."), adding("When c, do d."))
    await commit(store, library, Operation("DELETE", "w", target="e1"), Operation("DELETE", "w", target="e2"))
    await store.libraries.change(library, LibraryChanges(max_experiences=1), "ann")
    with pytest.raises(OperationRefused, match="the library is full"):
        await store.revisions.revert(await store.libraries.get(library.name), 1, "ann", "back")
    assert await store.revisions.experiences(library) == []


async def test_going_back_from_an_old_reading_is_a_conflict(url: str) -> None:
    async with open_store(url) as one, open_store(url) as other:
        library = await one.libraries.ensure("default", LibrarySettings())
        await commit(one, library, adding("When a, do b."))
        as_read = await other.libraries.get("default")
        await commit(one, library, adding("When c, do d."))
        with pytest.raises(RevisionConflict):
            await other.revisions.revert(as_read, 0, "ann", "empty it")
        assert len(await one.revisions.experiences(library)) == 2
