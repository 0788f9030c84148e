from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from io import StringIO
from pathlib import Path

import pytest
from library.evidence_cases import attempt, drawn
from rich.console import Console

from explib.errors import NotFound
from explib.models.decisions import UNCLEAR, Code, CodebookEntry, CodebookUpdate, Decision, Option, Verdict
from explib.models.libraries import Library, LibrarySettings
from explib.models.revisions import Citation, Operation
from explib.models.submissions import Submission
from explib.models.trajectories import Step
from explib.settings.program import Settings
from explib.storage.revisions.proposal import Proposal
from explib_server.application import Application
from explib_server.compose import open_application
from explib_server.render.decisions import observations, verdict_line
from explib_server.render.evidence import library_evidence
from explib_server.render.evidence_table import evidence_view
from explib_server.render.pages import lesson_fields, lesson_page
from explib_server.render.status import library_status, standing, status_text

OPTIONS = (Option("a", "call `reserve` first"), Option("b", "do not call `reserve` before it"))
DECISION = Decision("d1", "k1", "grammar", "you call `ship`", OPTIONS)
RIVAL = Decision("d2", "k2", "grammar", "you start", (Option("a", "sleep first"), Option("b", "do not sleep")))
BELIEVED = Verdict("d1", "believed", 0.99, "a", 0.5, 0.4, 0.6, 1.0, 2, 2, 0, 4, 2, rivals=("d2",))
LESSON = "When you call `ship`, call `reserve` first."
NUMBERS = "+.50 of the reward (.40 to .60), 2 against 2 attempts, 4 lone"


@asynccontextmanager
async def shown(
    folder: Path, verdict: Verdict | None = BELIEVED, *, review: bool = False
) -> AsyncIterator[Application]:
    """A library with one lesson, from two attempts that followed, two that did otherwise and one that is unclear."""
    database = f"sqlite+aiosqlite:///{folder / 'library.db'}"
    async with open_application(Settings(database_url=database, embedder="none")) as application:
        library = await application.store.libraries.ensure("default", LibrarySettings(review=review))
        ids = [
            await submitted(application, library, place, reward) for place, reward in enumerate((1, 0.9, 0, 0.5, None))
        ]
        letters = zip(ids, ("a", "a", "b", "b", UNCLEAR), strict=True)
        codes = tuple(Code("d1", attempt, letter) for attempt, letter in letters)
        stances = zip(ids, ("for", "for", "for", "against"), strict=False)
        cited = tuple(Citation(attempt, "for" if stance == "for" else "against") for attempt, stance in stances)
        operation = Operation(
            "ADD", "It pays.", content=LESSON, citations=cited, status="active", decision_id="d1", option="a"
        )
        codebook = CodebookUpdate((CodebookEntry(DECISION, verdict), CodebookEntry(RIVAL)), codes)
        await application.store.revisions.commit(
            Proposal(library, "learned", "learner", "contrast", (operation,), codebook=codebook)
        )
        yield application


async def submitted(application: Application, library: Library, place: int, reward: float | None) -> str:
    submission = Submission(f"Ship order {place}.", (Step("assistant", f"done {place}"),), reward=reward)
    return (await application.store.trajectories.submit(library, submission)).trajectory_id


async def test_an_experience_shows_its_decision_who_followed_and_who_contradicts(tmp_path: Path) -> None:
    async with shown(tmp_path) as application:
        page = await lesson_page(application, await application.library(), "e1")
    assert "When you call `ship`:\n- call `reserve` first (this lesson)\n- do not call" in page
    assert f"Believed: {NUMBERS}." in page
    assert "- d2: when you start" in page
    followed, others, unclear = (
        page.split(f"- {side}: ")[1].split("\n- ")[0] for side in ("followed", "did otherwise", "cannot be told")
    )
    assert followed.startswith("2 attempts, mean reward 0.95")
    assert "contradicting" not in followed
    assert others.count("contradicting") == 1
    assert "(0.5, contradicting)" in others
    assert "no reward" in unclear


async def test_a_proposal_shows_the_same_before_it_is_approved(tmp_path: Path) -> None:
    async with shown(tmp_path, review=True) as application:
        library = await application.library()
        page = await lesson_page(application, library, "p1")
        with pytest.raises(NotFound):
            await lesson_page(application, library, "p7")
    assert page.startswith("# default p1 (waiting)\np1: ADD When you call `ship`")
    assert "explib experiences review p1 approve|reject" in page
    assert f"Believed: {NUMBERS}." in page
    assert "- followed: 2 attempts, mean reward 0.95" in page


async def test_a_list_has_the_numbers_and_the_status_what_is_believed(tmp_path: Path) -> None:
    async with shown(tmp_path) as application:
        library = await application.library()
        experiences = await application.store.revisions.experiences(library)
        assert await observations(application.store, library, experiences) == {"e1": NUMBERS}
        status = await library_status(application, None)
    assert status.decisions == {"named": 2, "believed": 1}
    assert status.waits_for == ""
    assert "decisions: 1 believed, 2 named" in status_text(status)


async def test_a_lesson_that_was_served_shows_who_saw_it_who_followed_and_how_that_went(tmp_path: Path) -> None:
    async with shown(tmp_path) as application:
        store, library = application.store, await application.library()
        page = await lesson_page(application, library, "e1")
        assert page.split("## Since it is served\n")[1].startswith("Served 0 times")
        assert "Seen by" not in page
        assert "known to have seen" not in page
        letters: list[Code] = []
        for letter, reward in (("a", 1.0), ("a", None), ("b", 0.5), (None, 0.0)):
            retrieval = drawn(True)
            store.retrievals.record_behind(library, retrieval)
            await store.retrievals.flush()
            stored = await store.trajectories.submit(library, attempt(retrieval, reward))
            letters += [Code("d1", stored.trajectory_id, letter)] if letter else []
        coding = CodebookUpdate(codes=tuple(letters))
        await store.revisions.commit(Proposal(library, "coded", "learner", "contrast", codebook=coding))
        page = await lesson_page(application, library, "e1")
        text = (await standing(application, None)).text()
        report = await library_evidence(store, library)
        fields = json.loads(json.dumps(await lesson_fields(application, library, "e1")))
    way = "2 followed (mean reward 1.00 of 1), 1 did otherwise (mean reward 0.50 of 1)"
    assert f"Seen by 4 attempts, of which 3 met its situation: {way}." in page
    assert text.endswith(f"lessons seen: 4 times, with their situation met 3 times\n  {way}")
    assert fields["evidence"]["following"] == asdict(report.experiences[0].following)
    console = Console(width=80, record=True, file=StringIO())
    console.print(evidence_view(report))
    [row] = [line for line in console.export_text().splitlines() if line.startswith("e1") and " of " in line]
    assert row.split() == ["e1", "4", "4", "3", "2", "1.00", "of", "1", "1", "0.50", "of", "1"]


def test_a_verdict_is_said_in_words_also_where_it_has_turned() -> None:
    assert verdict_line(BELIEVED, "a") == NUMBERS
    assert verdict_line(BELIEVED, "b") == f"the attempts speak for another option: {NUMBERS}"
    assert verdict_line(None, "a") == "not judged yet"
