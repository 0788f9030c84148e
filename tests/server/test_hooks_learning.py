"""Daily use, a session at a time: hooks tell of sessions, each is learned from, and a later prompt holds the lesson."""

from __future__ import annotations

from pathlib import Path

from explib.models.json_value import Json
from explib.settings.program import Settings
from explib_server.application import Application
from explib_server.compose import open_application
from explib_server.hooks.capture import Capture
from explib_server.hooks.door import answer
from explib_server.hooks.events import event_of
from explib_server.hooks.spool import Spool
from explib_server.projects import project_of

LESSON = "When you are about to run `make test`, run `make fixtures` first."
TASKS = (
    "Add a discount for members to the price list.",
    "Show the delivery date on the confirmation.",
    "Round the tax in the invoice to whole cents.",
    "Let customers filter the catalogue by colour.",
    "Rename street to address in the profile.",
    "Send a reminder when a basket is left.",
    "Sort the reviews by their date.",
    "Refuse coupons that have run out.",
    "Count how often each banner is shown.",
    "Write the stock of each shelf into the report.",
    "Cache the list of countries for an hour.",
    "Hide products that nobody can order.",
)
WAYS = (("make test",), ("make test", "make fixtures", "make test"), ("make fixtures", "make test"))
"""What agents do who don't know that tests need the fixtures, who find out, and who know."""


def session(task: str, commands: tuple[str, ...]) -> dict[str, object]:
    """What opencode's plugin tells at the end of a session."""
    parts: list[Json] = [_called("write", "e0", {"filePath": "shop.py", "content": task}, "Wrote file.", 0)]
    for at, command in enumerate(commands):
        fails = command == "make test" and "make fixtures" not in commands[:at]
        shown = "Error: fixtures are missing: no build/fixtures\nmake: *** [test] Error 2" if fails else "3 passed"
        parts.append(_called("bash", f"c{at}", {"command": command}, shown, 2 if fails else 0))
    done: Json = {"type": "text", "text": "It is done."}
    said: Json = [
        {"info": {"id": "m1", "role": "user"}, "parts": [{"type": "text", "text": task}]},
        {"info": {"id": "m2", "role": "assistant", "finish": "stop"}, "parts": [*parts, done]},
    ]
    return {"session_id": f"ses-{task}", "messages": said}


def _called(tool: str, identity: str, given: Json, shown: str, code: int) -> Json:
    state: Json = {"status": "completed", "input": given, "output": shown, "metadata": {"exit": code}}
    return {"type": "tool", "tool": tool, "callID": identity, "state": state}


CORRECTION = "No, run make check, never pytest by hand."


def corrected() -> dict[str, object]:
    """A session in which the person says how it is done here."""
    done: Json = {"type": "text", "text": "It is done."}

    def turn(at: int, said: str, command: str) -> list[Json]:
        ran = _called("bash", f"c{at}", {"command": command}, "3 passed", 0)
        edit = _called("write", f"e{at}", {"filePath": "shop.py", "content": said}, "Wrote file.", 0)
        return [
            {"info": {"id": f"u{at}", "role": "user"}, "parts": [{"type": "text", "text": said}]},
            {"info": {"id": f"a{at}", "role": "assistant", "finish": "stop"}, "parts": [edit, ran, done]},
        ]

    return {"session_id": "ses-c", "messages": [*turn(1, TASKS[0], "pytest"), *turn(2, CORRECTION, "make check")]}


async def learned(application: Application) -> None:
    """Learn from what is ready, as the service does whenever something comes."""
    worker = await application.learning.worker()
    await worker.learn_ready()


async def test_after_a_dozen_sessions_the_next_prompt_holds_the_lesson(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    async with open_application(Settings(embedder="none")) as application:
        capture = Capture(application, settle_seconds=0.0)
        for number, task in enumerate(TASKS):
            told = {**session(task, WAYS[number % len(WAYS)]), "cwd": str(tmp_path)}
            Spool().keep(event_of("turn-end", "opencode", told))
            await capture.take_up()
            await learned(application)
        library = await application.library(project_of(tmp_path, application.settings).library)
        lessons = await application.store.revisions.experiences(library)
        assert [(lesson.content, lesson.status) for lesson in lessons] == [(LESSON, "active")], "and no twin of it"
        [released] = await application.store.proposals.all(library, "waiting", "approved")
        assert (released.state, released.decided_by) == ("approved", "learner"), "it waited only for a second attempt"
        prompt = {"prompt": "Make the search ignore accents in names.", "session_id": "next", "cwd": str(tmp_path)}
        said = await answer(application, event_of("prompt", "opencode", prompt))
        assert LESSON in str(said.get("context"))


async def test_what_a_person_corrected_once_is_in_the_next_prompt(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    async with open_application(Settings(embedder="none")) as application:
        capture = Capture(application, settle_seconds=0.0)
        Spool().keep(event_of("turn-end", "opencode", {**corrected(), "cwd": str(tmp_path)}))
        await capture.take_up()
        await learned(application)
        prompt = {"prompt": TASKS[1], "session_id": "next", "cwd": str(tmp_path)}
        said = await answer(application, event_of("prompt", "opencode", prompt))
        assert CORRECTION.rstrip(".") in str(said.get("context"))
