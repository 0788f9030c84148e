from __future__ import annotations

from dataclasses import replace

from learner.model_cases import experience
from learner.scripted_analyst import Scripted, lesson
from learner.test_pipeline import run, submit

from explib.models.experiences import Support
from explib.models.libraries import Library, LibrarySettings
from explib.models.revisions import Citation, Operation, ProposedOperation, Refusal
from explib.storage.revisions.proposal import Proposal
from explib.storage.store import Store
from explib_learner.checks.rejected_before import earlier_rejections, reject_repeats

TEXT = "When a customer cancels, verify the payment method first."
CITED = tuple(Citation(f"t{number}", "for") for number in range(8))
ADD = Operation("ADD", "because", content=TEXT, citations=CITED[:3])
WAITING = ProposedOperation("p1", ADD, (), "model", None, "waiting", 0.0)
REJECTED = replace(WAITING, state="rejected", decided_by="ann", reason="too vague")
RETIRED = replace(experience("e3", TEXT), status="retired", support=Support(2, 1, 1), updated_revision=7)


def test_what_waits_is_not_proposed_again_however_much_speaks_for_it() -> None:
    again = replace(ADD, citations=CITED)
    assert reject_repeats([again], earlier_rejections([WAITING], [])) == (
        (),
        (Refusal(again, "it waits for review already, as p1"),),
    )


def test_what_waited_only_for_attempts_is_released_by_them() -> None:
    thin = replace(WAITING, operation=replace(ADD, waits="fewer than 2 attempts did what it says"))
    declined = earlier_rejections([thin], [])
    assert reject_repeats([thin.operation], declined)[0] == ()
    assert reject_repeats([ADD], declined) == ((replace(ADD, releases=("p1",)),), ())
    assert reject_repeats([ADD], earlier_rejections([thin], [], review=True))[0] == (), "there a person decides on all"


def test_what_was_rejected_or_retired_comes_back_with_twice_the_evidence() -> None:
    for declined in (earlier_rejections([REJECTED], []), earlier_rejections([], [RETIRED])):
        kept, [refusal] = reject_repeats([replace(ADD, citations=CITED[:5])], declined)
        assert kept == ()
        assert refusal.reason.endswith("it may come back when it rests on 6 attempts, not on 5")
        assert reject_repeats([replace(ADD, citations=CITED[:6])], declined)[1] == ()


def test_the_reason_says_who_turned_it_down_and_why() -> None:
    assert reject_repeats([ADD], earlier_rejections([REJECTED], []))[1][0].reason.startswith(
        "ann rejected it as p1 (too vague): "
    )
    [refusal] = reject_repeats([ADD], earlier_rejections([], [RETIRED]))[1]
    assert refusal.reason.startswith("e3 said the same and was retired in revision 7: ")


def test_another_lesson_another_target_and_new_evidence_for_what_is_kept_pass() -> None:
    delete = Operation("DELETE", "r", target="e1")
    declined = earlier_rejections([WAITING, replace(REJECTED, operation=delete)], [RETIRED])
    fine = (
        replace(ADD, content="When a search gives nothing, drop the least certain filter."),
        Operation("DELETE", "r", target="e2"),
        Operation("KEEP", "r", target="e1"),
        Operation("MODIFY", "r", target="e1", content="When cancelling, look at the fare."),
    )
    assert reject_repeats(fine, declined) == (fine, ())
    assert [each.operation for each in reject_repeats([delete], declined)[1]] == [delete]


def test_an_experience_that_is_served_stands_in_nobodys_way() -> None:
    assert earlier_rejections([], [experience("e1", TEXT)]) == ()


async def test_with_review_on_a_run_learns_its_groups_and_its_lessons_wait(store: Store) -> None:
    library = await store.libraries.ensure("reviewed", LibrarySettings(review=True))
    await submit(store, library, "ship it", 0.0, 1.0)
    did = await run(store, library, Scripted(lesson))
    assert (did.learned, did.revision, [each.id for each in did.waiting]) == (1, None, ["p1"])
    [group] = await store.groups.all(library)
    assert (group.state, group.reason) == ("learned", "learned: waits for review with what else its batch proposed (1)")
    assert await store.revisions.experiences(library, retired=True) == []
    await submit(store, library, "ship it", 0.5, 0.25, who="b")
    again = await run(store, library, Scripted(lesson))
    assert again.waiting == ()
    assert [refusal.reason for refusal in again.refusals] == ["it waits for review already, as p1"]


async def test_what_a_person_retired_the_learner_does_not_bring_back_at_once(store: Store, library: Library) -> None:
    await submit(store, library, "ship it", 0.0, 1.0)
    await run(store, library, Scripted(lesson))
    current = await store.libraries.get(library.name)
    await store.revisions.commit(
        Proposal(current, "wrong", "ann", "person", (Operation("DELETE", "wrong", target="e1"),))
    )
    await submit(store, library, "ship it", 0.5, who="b")
    did = await run(store, library, Scripted(lesson))
    assert did.learned == 1
    assert "e1 said the same and was retired in revision 2" in did.refusals[0].reason
    await submit(store, library, "ship it", 0.75, who="c")
    assert (await run(store, library, Scripted(lesson))).revision == 3
