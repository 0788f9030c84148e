"""What hooks tell is stored: once, whoever tells it how often, and whatever happens in between."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

import pytest
from waiting import until

from explib.errors import StorageFull
from explib.models.json_value import Json
from explib.models.submissions import RawSubmission
from explib.models.trajectories import Trajectory
from explib.settings.program import Settings
from explib.tasks import cancel_and_wait
from explib_server.application import Application
from explib_server.compose import open_application
from explib_server.hooks.afterwards import Afterwards
from explib_server.hooks.capture import LATE_SECONDS, Capture
from explib_server.hooks.door import answer
from explib_server.hooks.events import event_of
from explib_server.hooks.spool import Spool
from explib_server.projects import Project
from explib_server.projects.state import switch

Line: TypeAlias = dict[str, Json]
SESSION = "0b6f9a52-6a3c-4c1e-9d55-3f0c6a1b2c3d"
REQUEST = "Make the parser accept empty lines."


@pytest.fixture
async def application() -> AsyncIterator[Application]:
    async with open_application(Settings(embedder="none", library="shop")) as opened:
        yield opened


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / ".claude"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path


def turn(number: int, request: str = REQUEST, *, exit_code: int | None = 0) -> list[Line]:
    """One request in Claude Code's transcript: an edit, a test run unless it has no exit code, and the last words."""
    edit: Json = {"file_path": "/nowhere/parser.py", "old_string": "a", "new_string": "b"}
    said: list[tuple[str, Json]] = [("user", request), *_called(f"e{number}", "Edit", edit, "The file was updated.")]
    if exit_code is not None:
        shown = f"Exit code {exit_code}\n1 failed" if exit_code else "1 passed"
        said += _called(f"c{number}", "Bash", {"command": "pytest -q"}, shown, is_error=exit_code != 0)
    said.append(("assistant", [{"type": "text", "text": "Done."}]))
    return [_line(number, at, role, content) for at, (role, content) in enumerate(said)]


def _called(identity: str, name: str, given: Json, shown: str, *, is_error: bool = False) -> list[tuple[str, Json]]:
    result: Json = {"type": "tool_result", "tool_use_id": identity, "content": shown, "is_error": is_error}
    return [("assistant", [{"type": "tool_use", "id": identity, "name": name, "input": given}]), ("user", [result])]


def _line(number: int, at: int, role: str, content: Json) -> Line:
    message: Line = {"role": role, "content": content, "id": f"m{number}-{at}", "model": "sonnet"}
    own: Line = {"uuid": f"u{number}-{at}", "promptId": f"p{number}", "isSidechain": False, "message": message}
    moment = datetime.fromtimestamp(time.time(), UTC).isoformat()
    where: Line = {"sessionId": SESSION, "cwd": "/nowhere", "timestamp": moment}
    return {**own, **where, "type": role, "toolUseResult": {"stdout": "", "interrupted": False}}


def written(home: Path, *turns: list[Line], cut: int = 0) -> Path:
    """A transcript where Claude Code keeps it, without its last `cut` bytes."""
    path = home / ".claude" / "projects" / "-nowhere" / f"{SESSION}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(line) + "\n" for lines in turns for line in lines)
    path.write_text(text[: len(text) - cut])
    return path


def ended(path: Path, client: str = "claude-code", **more: object) -> None:
    """The hook at the end of a turn."""
    fields = {"session_id": SESSION, "transcript_path": str(path), "cwd": str(path.parent), **more}
    Spool().keep(event_of("turn-end", client, fields))


async def stored(application: Application) -> list[Trajectory]:
    """The attempts of the library, oldest first."""
    library = await application.store.libraries.find("shop")
    if library is None:
        return []
    groups = await application.store.groups.all(library)
    held = await application.store.groups.with_attempts(library, groups)
    return sorted((each.trajectory for group in held for each in group.attempts), key=lambda each: each.created_at)


async def test_a_turn_is_stored_with_its_reward_and_the_next_request_grades_the_one_before(
    application: Application, home: Path
) -> None:
    capture, first = Capture(application, settle_seconds=0), turn(0, exit_code=None)
    ended(written(home, first))
    await capture.take_up()
    [attempt] = await stored(application)
    assert (attempt.task, attempt.reward, attempt.agent) == (REQUEST, None, "claude-code")
    assert Spool().waiting() == []
    ended(written(home, first, turn(1, "No, that is wrong: it must skip them.")))
    await capture.take_up()
    before, after = await stored(application)
    assert (before.id, before.reward, before.reward_source) == (attempt.id, 0.0, "inferred")
    assert (after.reward, after.reward_source, after.group_id) == (1.0, "test", before.group_id)


async def test_a_transcript_that_is_no_session_of_the_persons_is_refused(
    application: Application, home: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kept = written(home, turn(0))
    forged = kept.rename(tmp_path / "forged.jsonl")
    kept.symlink_to(forged)
    for path in (forged, kept):
        ended(path)
        await Capture(application, settle_seconds=0).take_up()
    assert await stored(application) == []
    assert Spool().waiting() == []
    assert caplog.text.count("is neither where a client keeps its sessions nor a file of yours below your home") == 2
    mine = forged.rename(Path.home() / "moved.jsonl")
    ended(mine)
    await Capture(application, settle_seconds=0).take_up()
    assert len(await stored(application)) == 1


async def test_what_could_not_be_stored_stays_in_the_spool(
    application: Application, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(_library: object, _raw: RawSubmission, _session: object = None) -> None:
        raise StorageFull

    ended(written(home, turn(0)))
    capture = Capture(application, settle_seconds=0)
    with monkeypatch.context() as broken:
        broken.setattr(application, "submit", full)
        with pytest.raises(StorageFull):
            await capture.take_up()
    assert len(Spool().waiting()) == 1
    await capture.take_up()
    assert len(await stored(application)) == 1
    assert Spool().waiting() == []


async def test_a_session_counts_once_though_two_clients_run_the_hook_and_a_new_service_reads_it_again(
    application: Application, home: Path
) -> None:
    path = written(home, turn(0))
    ended(path)
    ended(path, hookEventName="Stop")  # VS Code runs Claude Code's hooks too
    await Capture(application, settle_seconds=0).take_up()
    ended(path)
    await Capture(application, settle_seconds=0).take_up()
    assert [attempt.agent for attempt in await stored(application)] == ["claude-code"]


async def test_a_line_that_is_half_written_is_read_when_it_is_whole(application: Application, home: Path) -> None:
    capture, first = Capture(application, settle_seconds=0), turn(0)
    ended(written(home, first, cut=40))
    await capture.take_up()
    ended(written(home, first))
    await capture.take_up()
    [attempt] = await stored(application)
    assert attempt.answer == "Done."


async def test_a_transcript_may_come_late_and_one_that_never_comes_is_given_up(
    application: Application, home: Path
) -> None:
    capture, path = Capture(application, settle_seconds=0), written(home)
    path.unlink()
    ended(path)
    await capture.take_up()
    assert len(Spool().waiting()) == 1
    written(home, turn(0))
    await capture.take_up()
    assert (len(await stored(application)), Spool().waiting()) == (1, [])
    path.unlink()
    Spool().keep(
        {"event": "turn-end", "client": "codex", "session": "gone", "transcript": str(path), "at": LATE_SECONDS}
    )
    await capture.take_up()
    assert Spool().waiting() == []


async def test_the_session_of_a_client_without_transcripts_comes_with_the_event(
    application: Application, home: Path
) -> None:
    messages: Json = [
        {"info": {"id": "m1", "role": "user", "sessionID": "ses_1"}, "parts": [{"type": "text", "text": REQUEST}]},
        {"info": {"id": "m2", "role": "assistant", "modelID": "m"}, "parts": [{"type": "text", "text": "Done."}]},
    ]
    Spool().keep(event_of("turn-end", "opencode", {"session_id": "ses_1", "cwd": str(home), "messages": messages}))
    await Capture(application, settle_seconds=0).take_up()
    [attempt] = await stored(application)
    assert (attempt.task, attempt.agent, Spool().waiting()) == (REQUEST, "opencode", [])


async def test_what_no_hook_told_of_is_found_but_nothing_from_before_the_client_was_attached(
    application: Application, home: Path
) -> None:
    path = written(home, turn(0))
    capture = Capture(application, settle_seconds=0)
    await capture.sweep()  # no client is attached
    Spool().attach("claude-code")
    os.utime(path, (1_000, 1_000))
    await capture.sweep()
    assert await stored(application) == []
    written(home, turn(0))
    await capture.sweep()
    assert len(await stored(application)) == 1


@pytest.mark.parametrize("name", ["shop", "explib-model-k3x"])
async def test_nothing_is_stored_where_capture_is_off_nor_of_an_agent_that_works_for_the_learner(
    application: Application, home: Path, name: str
) -> None:
    folder = home / name
    folder.mkdir()
    (folder / ".explib.toml").write_text(f"capture = {str(name != 'shop').lower()}")
    path = written(home, turn(0))
    path.write_text(path.read_text().replace('"/nowhere"', json.dumps(str(folder))))
    ended(path)
    await Capture(application, settle_seconds=0).take_up()
    assert (await stored(application), Spool().waiting()) == ([], [])


async def test_what_is_done_while_a_folder_is_off_stays_out_when_it_is_on_again(
    application: Application, home: Path
) -> None:
    turns, folder = [turn(0)], Path("/nowhere")
    ended(written(home, *turns))
    await Capture(application, settle_seconds=0).take_up()
    for number, off in ((1, True), (2, False)):
        switch(folder, off=off)
        turns.append(turn(number, f"Add the {number}th column to the report."))
        ended(written(home, *turns))
        await Capture(application, settle_seconds=0).take_up()
    assert [attempt.task for attempt in await stored(application)] == [REQUEST, "Add the 2th column to the report."]


async def test_two_sessions_at_once_in_one_project_are_two_and_lose_nothing(
    application: Application, home: Path
) -> None:
    capture, turns = Capture(application, settle_seconds=0), [turn(0), turn(1, "Now write the tests for that.")]
    for count in (1, 2):
        path = written(home, *turns[:count])
        other = path.with_name("0b6f9a52-0000.jsonl")
        other.write_text(path.read_text().replace(SESSION, "0b6f9a52-0000"))
        ended(path)
        ended(other, session_id="0b6f9a52-0000")
        await asyncio.gather(capture.take_up(), Capture(application, settle_seconds=0).take_up())
    attempts = await stored(application)
    assert {each.redactions for each in attempts} == {0}
    keys = sorted(str(each.idempotency_key) for each in attempts)
    assert keys == [f"turn:claude-code:{session}:p{n}" for session in ("0b6f9a52-0000", SESSION) for n in (0, 1)]


async def test_what_hooks_of_other_versions_tell_is_taken_as_far_as_it_is_known(
    application: Application, home: Path
) -> None:
    path = written(home, turn(0))
    Spool().keep({"event": "turn-paused", "client": "claude-code", "transcript": str(path), "next": {"year": 1}})
    await Capture(application, settle_seconds=0).take_up()
    assert (len(await stored(application)), Spool().waiting()) == (1, [])
    for message in ({"event": "turn-paused"}, {"event": "prompt"}, {"event": "tool", "tool": 7}, {}):
        assert await answer(application, message) == {}


async def test_what_is_no_event_leaves_the_spool_and_holds_up_nothing(application: Application, home: Path) -> None:
    ended(written(home, turn(0)))
    (Spool().events / "0.json").write_text('{"half')
    (Spool().events / "1.json").write_text('{"client": "codex", "transcript": 7, "at": "now"}')
    await Capture(application, settle_seconds=0).take_up()
    assert (len(await stored(application)), Spool().waiting()) == (1, [])


async def test_a_session_that_begins_has_earlier_ones_of_its_project_looked_at(
    application: Application, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[Path | None] = []

    async def look(_self: Afterwards, project: Project) -> None:
        looked.append(project.root)

    monkeypatch.setattr(Afterwards, "look", look)
    (home / "shop" / ".git").mkdir(parents=True)
    capture = Capture(application, settle_seconds=0)
    capture.begin(event_of("session-start", "claude-code", {"cwd": str(home / "shop")}))
    running = asyncio.create_task(capture.run())
    await until(lambda: bool(looked))
    await cancel_and_wait(running)
    assert [root and root.name for root in looked] == ["shop"]
