from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from explib.models.libraries import Library, LibrarySettings
from explib.models.submissions import Submission
from explib.models.trajectories import Step, ToolCall
from explib.settings.program import Settings
from explib.text.words import estimate_tokens
from explib_server.application import Application
from explib_server.compose import open_application

TASK = "Rebook the flight of Ada from Graz to Porto."
LIKE = "Rebook the flight of Bruno from Graz to Porto."


@asynccontextmanager
async def opened(folder: Path, *, past_success: bool = True) -> AsyncIterator[tuple[Application, Library]]:
    database = f"sqlite+aiosqlite:///{folder / 'library.db'}"
    async with open_application(Settings(database_url=database, embedder="none")) as application:
        settings = LibrarySettings(past_success=past_success, serve_tokens=300)
        yield application, await application.store.libraries.ensure("default", settings)


async def submitted(application: Application, library: Library, task: str, tool: str, reward: float) -> None:
    steps = (
        Step("user", task),
        Step("assistant", "", (ToolCall("c1", tool, {"to": "Porto"}),)),
        Step("tool", "seats " * 2_000, answers_call="c1"),
    )
    await application.store.trajectories.submit(library, Submission(task, steps, reward=reward))


async def test_where_no_lesson_fits_the_most_similar_success_is_shown_within_the_budget(tmp_path: Path) -> None:
    async with opened(tmp_path) as (application, library):
        await submitted(application, library, LIKE, "change_flight", 1.0)
        await submitted(application, library, LIKE + " Now.", "cancel_flight", 0.2)
        await submitted(application, library, "Write a poem about rain.", "write", 1.0)
        served = await application.fetch(library, TASK)
    assert "got a reward of 1 of 1" in served.text
    assert "> change_flight" in served.text
    assert "cancel_flight" not in served.text
    assert estimate_tokens(served.text) <= library.settings.serve_tokens


async def test_nothing_is_shown_where_no_success_is_similar_or_the_library_does_not_want_it(tmp_path: Path) -> None:
    async with opened(tmp_path) as (application, library):
        await submitted(application, library, "Write a poem about rain.", "write", 1.0)
        assert "got a reward" not in (await application.fetch(library, TASK)).text
    async with opened(tmp_path / "off", past_success=False) as (application, library):
        await submitted(application, library, LIKE, "change_flight", 1.0)
        assert "got a reward" not in (await application.fetch(library, TASK)).text
