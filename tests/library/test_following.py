"""From served to followed, on both engines."""

from __future__ import annotations

import pytest
from library.evidence_cases import attempt, drawn

from explib.evidence.following import NOT_SEEN, Following, Side, together
from explib.models.decisions import UNCLEAR, Code, CodebookEntry, CodebookUpdate, Decision, Option
from explib.models.libraries import Library
from explib.models.revisions import Operation
from explib.models.submissions import Submission
from explib.models.trajectories import Step
from explib.storage.revisions.proposal import Proposal
from explib.storage.store import Store

OPTIONS = (Option("a", "call `weigh` first"), Option("b", "do not"))
CODEBOOK = CodebookUpdate((CodebookEntry(Decision("d1", "k1", "grammar", "you call `ship`", OPTIONS)),))


async def taught(store: Store, library: Library) -> Library:
    """e1 comes from a decision, e2 from none."""
    learned = Operation("ADD", "why", content="When you ship, weigh first.", decision_id="d1", option="a")
    written = Operation("ADD", "why", content="When it rains, take the bus.")
    await store.revisions.commit(
        Proposal(library, "learned", "learner", "contrast", (learned, written), codebook=CODEBOOK)
    )
    return await store.libraries.get(library.name)


async def handed_in(store: Store, library: Library, reward: float | None, *served: bool) -> str:
    """An attempt that names the retrieval which served it these lessons."""
    retrieval = drawn(*served)
    store.retrievals.record_behind(library, retrieval)
    await store.retrievals.flush()
    return (await store.trajectories.submit(library, attempt(retrieval, reward))).trajectory_id


async def coded(store: Store, library: Library, letters: dict[str, str]) -> None:
    codes = tuple(Code("d1", trajectory_id, letter) for trajectory_id, letter in letters.items())
    update = CodebookUpdate(codes=codes)
    await store.revisions.commit(Proposal(library, "coded", "learner", "contrast", codebook=update))


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
async def test_a_lesson_is_seen_by_attempts_that_name_what_served_it_and_followed_by_their_codes(
    store: Store, library: Library
) -> None:
    library = await taught(store, library)
    followed = [await handed_in(store, library, reward, True, True) for reward in (1.0, 0.5, None)]
    otherwise = await handed_in(store, library, 0.0, True, True)
    unclear = await handed_in(store, library, 1.0, True, False)
    withheld = await handed_in(store, library, 0.0, False, True)
    await handed_in(store, library, 1.0, True, False)  # its situation was not met
    unserved = Submission("ship", (Step("assistant", "done"),), 1.0)
    elsewhere = (await store.trajectories.submit(library, unserved)).trajectory_id
    letters = dict.fromkeys((*followed, withheld, elsewhere), "a") | {otherwise: "b", unclear: UNCLEAR}
    await coded(store, library, letters)
    ways = await store.followings.of(library, await store.revisions.experiences(library))
    assert ways["e1"] == Following(6, 5, Side(3, 2, 0.75), Side(1, 1, 0.0))
    assert ways["e2"] == Following(seen=5)


async def test_what_another_version_was_served_as_is_not_counted(store: Store, library: Library) -> None:
    library = await taught(store, library)
    await handed_in(store, library, 1.0, True)
    change = Operation("MODIFY", "why", content="When you ship or post, weigh first.", target="e1")
    await store.revisions.commit(Proposal(library, "by hand", "ann", "person", (change,)))
    assert await store.followings.of(library, await store.revisions.experiences(library)) == {}


def test_lessons_together_weigh_by_the_attempts_that_have_a_reward() -> None:
    one = Following(5, 4, Side(3, 2, 0.75), Side(1, 1, 0.0))
    other = Following(2, 2, Side(2, 1, 0.0), Side())
    assert together([one, other]) == Following(7, 6, Side(5, 3, 0.5), Side(1, 1, 0.0))
    assert together([]) == NOT_SEEN
