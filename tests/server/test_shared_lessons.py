"""A lesson of several projects is proposed for the person's library, once."""

from __future__ import annotations

from pathlib import Path

from explib.models.libraries import LibrarySettings
from explib.models.revisions import Operation
from explib.settings.program import Settings
from explib.storage.revisions.proposal import Proposal
from explib_server.application import Application
from explib_server.compose import open_application
from explib_server.curation.curator import By, curator_of
from explib_server.projects.shared import propose_shared
from explib_server.projects.state import remember_folder

COMMON = "When you call ship, call weigh before it and print the label."
OWN = "When the shop closes, count the parcels."


async def learn(application: Application, name: str, *lessons: str) -> None:
    library = await application.store.libraries.ensure(name, LibrarySettings())
    adding = tuple(Operation("ADD", "because", content=lesson, status="active") for lesson in lessons)
    await application.store.revisions.commit(Proposal(library, "by hand", "test", "contrast", adding))


async def test_what_two_projects_say_waits_for_the_person_and_what_one_says_does_not() -> None:
    async with open_application(Settings(embedder="none")) as application:
        person = await application.library()
        await learn(application, "shop", COMMON, OWN)
        await learn(application, "depot", COMMON.replace("print", "Print"))
        assert await propose_shared(application) == []  # nobody knows that they are projects
        for name in ("shop", "depot"):
            remember_folder(name, Path("/work") / name)
        assert await propose_shared(application) == ["p1"]
        assert await propose_shared(application) == []
        [waiting] = await application.store.proposals.all(person, "waiting")
        assert waiting.operation.content in {COMMON, COMMON.replace("print", "Print")}
        assert "it holds in depot and in shop" in waiting.operation.reason
        await curator_of(application).review(person, "p1", "reject", By("ann"))
        assert await propose_shared(application) == []
