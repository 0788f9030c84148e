"""With review on, nothing is served that no person approved: tried with whatever learners and reviewers may do."""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from hypothesis import given, settings
from hypothesis import strategies as st

from explib.errors import ExplibError
from explib.models.libraries import Library, LibrarySettings
from explib.models.revisions import Operation
from explib.settings.program import Settings
from explib.storage.revisions.proposal import Proposal
from explib_server.application import Application
from explib_server.compose import open_application
from explib_server.curation.curator import By, Curator, Decision
from explib_server.render.listing import listing
from explib_server.render.pages import experience_page, library_page

WORDS = ("rivers", "bridges", "engines", "gardens", "lanterns", "violins")
TEXTS = st.sampled_from([f"When {word} come up, think of {word} of the {age} kind." for word in WORDS for age in "xyz"])
IDS = st.sampled_from(["e1", "e2", "e3", "e4"])
ADDS = st.builds(Operation, st.just("ADD"), st.just("why"), content=TEXTS)
MODIFIES = st.builds(Operation, st.just("MODIFY"), st.just("why"), content=TEXTS, target=IDS)
MERGES = st.builds(
    Operation, st.just("MERGE"), st.just("why"), content=TEXTS, target=IDS, merged=IDS.map(lambda identity: (identity,))
)
OTHERS = st.builds(
    Operation, st.sampled_from(["DELETE", "KEEP"]), st.just("why"), target=IDS, status=st.sampled_from([None, "active"])
)
PROPOSED = st.lists(st.one_of(ADDS, ADDS, MODIFIES, MERGES, OTHERS), min_size=1, max_size=4).map(tuple)


@dataclass(frozen=True)
class Learn:
    """A learner's batch."""

    operations: tuple[Operation, ...]


@dataclass(frozen=True)
class Decide:
    """A person's decision on one of those that wait."""

    place: int
    decision: Decision


@dataclass(frozen=True)
class GoBack:
    """A person's way back to a revision."""

    number: int


Step: TypeAlias = Learn | Decide | GoBack
DECISIONS = st.builds(Decide, st.integers(0, 5), st.sampled_from(["approve", "approve", "reject"]))
STEPS = st.lists(
    st.one_of(st.builds(Learn, PROPOSED), DECISIONS, DECISIONS, st.builds(GoBack, st.integers(0, 6))),
    min_size=4,
    max_size=14,
)


class Reviewed:
    """A reviewed library, and the texts that a person has approved."""

    def __init__(self, application: Application) -> None:
        self.application = application
        self.curator = Curator(application.store, application.experiences)
        self.approved: set[str] = set()

    async def library(self) -> Library:
        return await self.application.store.libraries.get("reviewed")

    async def step(self, step: Step) -> None:
        """Take it; what is refused is no step."""
        library = await self.library()
        with suppress(ExplibError, IndexError):
            match step:
                case Learn(operations):
                    learner = Proposal(library, "learned", "learner", "model", operations)
                    await self.application.store.revisions.commit(learner)
                case Decide(place, decision):
                    waiting = await self.application.store.proposals.all(library, "waiting")
                    proposed = waiting[place % max(1, len(waiting))]
                    await self.curator.review(library, proposed.id, decision, By("ann"))
                    self.approved |= {proposed.operation.content or ""} if decision == "approve" else set()
                case GoBack(number):
                    await self.curator.revert(library, number, By("ann"))

    async def shown(self) -> list[str]:
        """Every text that agents get to see by some way: tools, resources, history."""
        library = await self.library()
        store = self.application.store
        known = await store.revisions.experiences(library, retired=True)
        past = [await store.revisions.at(library, number) for number in range(library.revision + 1)]
        served = await self.application.fetch(library, "think of " + " ".join(WORDS))
        listed = await listing(store, library, None, 200, None)
        pages = [await experience_page(self.application, library, each.id) for each in known]
        texts = [served.text, library_page(library, known, {}), *pages]
        texts += [each.content for each in listed.experiences]
        return texts + [each.content for experiences in past for each in experiences]


@given(steps=STEPS)
@settings(max_examples=25, deadline=None)
def test_nothing_is_served_on_any_way_that_no_person_approved(steps: list[Step]) -> None:
    async def play(folder: Path) -> None:
        database = f"sqlite+aiosqlite:///{folder / 'library.db'}"
        async with open_application(Settings(database_url=database, embedder="none")) as application:
            await application.store.libraries.ensure("reviewed", LibrarySettings(review=True, exploration=False))
            reviewed = Reviewed(application)
            first = tuple(Operation("ADD", "why", content=f"When {word} come up, look twice.") for word in WORDS[:4])
            for step in (Learn(first), *(Decide(0, "approve") for _ in first), *steps):
                await reviewed.step(step)
            shown = await reviewed.shown()
        for word in WORDS:
            for age in "xyz":
                text = f"When {word} come up, think of {word} of the {age} kind."
                assert text in reviewed.approved or not any(text in each for each in shown), text

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(play(Path(folder)))


async def test_what_a_person_approved_is_served(tmp_path: Path) -> None:
    database = f"sqlite+aiosqlite:///{tmp_path / 'library.db'}"
    async with open_application(Settings(database_url=database, embedder="none")) as application:
        await application.store.libraries.ensure("reviewed", LibrarySettings(review=True, exploration=False))
        reviewed = Reviewed(application)
        await reviewed.step(Learn((Operation("ADD", "why", content="When rivers come up, think."),)))
        await reviewed.step(Decide(0, "approve"))
        assert reviewed.approved == {"When rivers come up, think."}
        assert all("When rivers come up, think." in each for each in await reviewed.shown())
