"""`explib import --sessions` and `explib reward`: what a person does on the first day, in this process."""

from __future__ import annotations

import asyncio
import shutil
import time
from dataclasses import replace
from pathlib import Path
from typing import TypedDict

import pytest
from mcp import Client
from server.cli_cases import Explib, explib, one_line
from typing_extensions import Unpack

from explib.errors import InvalidInput
from explib.models.libraries import LibrarySettings
from explib.models.submissions import RawSubmission
from explib.models.trajectories import AttemptFilter, RewardSource, Trajectory
from explib.settings.program import Settings
from explib.storage.store import open_store
from explib_server.cli.reward import reward_said
from explib_server.compose import open_application
from explib_server.importers.intake import Intake
from explib_server.importers.records import BadRecord, Record
from explib_server.importers.sessions.seen import SessionsSeen
from explib_server.importers.tally import Tally
from explib_server.mcp.server import build_server
from explib_server.projects.state import known_folders, switch

__all__ = ["explib"]
SESSIONS = Path(__file__).parents[1] / "data" / "sessions"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A person's home with sessions of two clients."""
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    for variable in ("CLAUDE_CONFIG_DIR", "CODEX_HOME", "GEMINI_CLI_HOME", "COPILOT_HOME"):
        monkeypatch.delenv(variable, raising=False)
    for source, place in (
        ("claude-code/turns.jsonl", ".claude/projects/-home-ada-pump"),
        ("codex/rollout-turns.jsonl", ".codex/sessions/2026/12/01"),
    ):
        (tmp_path / place).mkdir(parents=True)
        shutil.copy(SESSIONS / source, tmp_path / place)
    return tmp_path


def attempts(*libraries: str) -> list[Trajectory]:
    async def read() -> list[Trajectory]:
        async with open_store(Settings().database_url) as store:
            found = [await store.libraries.get(name) for name in libraries]
            return [each for library in found for each in await store.trajectories.best(library, 0.0, 100)]

    return asyncio.run(read())


def test_sessions_are_shown_first_and_then_stored_with_their_rewards(explib: Explib, home: Path) -> None:
    shown = explib("import", "--sessions", "all", "--dry-run")
    counted = "2 sessions, 9 turns, 6 graded (inferred 4, test 2), 7 groups"
    assert counted in shown.out
    assert "into 1 library: default (9); cost: 0 tokens" in shown.out
    assert "not on this machine, so of no project: /home/ada/pump (--library" in shown.out
    stored = explib("import", "--sessions", "all")
    assert stored.code == 0
    assert counted in stored.out
    assert "9 trajectories stored (6 graded)" in stored.out
    assert {each.reward_source for each in attempts("default")} == {"test", "inferred"}
    again = explib("import", "--sessions", "all", "--no-learn")
    assert "0 trajectories stored (0 graded), 9 equal to stored ones" in again.out


def test_a_session_goes_to_the_library_of_its_project(
    explib: Explib, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = home / "pump"
    project.mkdir()
    (project / ".explib.toml").write_text('library = "pumps"\n')
    for path in home.rglob("*.jsonl"):
        path.write_text(path.read_text().replace("/home/ada/pump", str(project)))
    said = explib("import", "--sessions", "codex", "--no-learn")
    assert "into 1 library: pumps (4)" in said.out
    assert known_folders() == {"pumps": str(project)}
    monkeypatch.chdir(project)
    assert "in pumps has reward 0.5, by you: Thanks! Now say what you did." in explib("reward", "0.5").out
    (project / ".explib.toml").write_text("capture = false\n")
    assert "4 turns left out: capture is off" in explib("import", "--sessions", "codex", "--no-learn").out


def test_turns_from_while_their_folder_was_off_are_left_out(home: Path) -> None:
    switch(home.resolve(), off=True)
    switch(home.resolve(), off=False)
    now = time.time()
    turns = [
        replace(record(None, f"turn:codex:s:{at}"), folder=str(home), span=(now + at, now + at + 9))
        for at in (-60, -5, 60)
    ]
    kept = SessionsSeen(Settings()).destined(turns)
    assert [each.idempotency_key for each in kept if isinstance(each, Record)] == [
        "turn:codex:s:-60",
        "turn:codex:s:60",
    ]


def test_a_person_says_how_an_attempt_went_and_it_stays(explib: Explib, home: Path) -> None:
    explib("import", "--sessions", "codex", "--no-learn")
    said = explib("reward", "last", "bad", "--because", "it talked too much")
    assert "in default has reward 0, by you: Thanks!" in said.out
    explib("import", "--sessions", "codex", "--no-learn")
    [graded] = [each for each in attempts("default") if each.reward_source == "person"]
    assert (graded.reward, graded.feedback) == (0.0, "it talked too much")
    assert f"{graded.id} in default has reward 1, by you" in explib("reward", graded.id, "good").out
    assert "'soso' is no reward: say good, bad, or a number" in one_line(explib("reward", "soso"))
    assert "outside this library's range" in one_line(explib("reward", "7"))


def test_good_and_bad_are_the_ends_of_the_librarys_range() -> None:
    settings = LibrarySettings(reward_min=-1.0, reward_max=3.0)
    assert [reward_said(text, settings) for text in ("good", "bad", "0.5")] == [3.0, -1.0, 0.5]
    with pytest.raises(InvalidInput):
        reward_said("", settings)


async def test_the_prompts_good_and_bad_store_the_persons_reward() -> None:
    async with Client(build_server(Settings(embedder="none"))) as client:
        unstored = (await client.get_prompt("bad", {"reason": "grams"})).model_dump_json()
        assert "submit_trajectory" in unstored
        stored = await client.call_tool("submit_trajectory", {"task": "weigh it", "trajectory": "I did", "reward": 1})
        attempt = str((stored.structured_content or {})["trajectory_id"])
        told = (await client.get_prompt("bad", {"reason": "grams"})).model_dump_json()
        assert attempt in told
        refused = await client.call_tool("report_reward", {"trajectory_id": attempt, "reward": 1})
        assert refused.is_error
        assert "A person gave this reward" in refused.model_dump_json()
        await client.get_prompt("good", {})
    async with open_store(Settings().database_url) as store:
        [head] = await store.trajectories.heads(await store.libraries.get("default"), [attempt])
    assert (head.reward, head.reward_source, head.feedback) == (1.0, "person", "grams")


class Kept(TypedDict, total=False):
    reward_source: RewardSource
    feedback: str


def record(reward: float | None, key: str = "turn:codex:s:1", **more: Unpack[Kept]) -> Record:
    return Record(
        task="weigh it", trajectory="I did", position="turn 1", idempotency_key=key, reward=reward, **more
    )  # fmt: skip


async def test_records_are_stored_together_and_of_one_attempt_the_last_one_counts() -> None:
    async with open_application(Settings(embedder="none")) as application:
        tally = Tally()
        records = [record(number % 2, f"k{number}") for number in range(150)]
        await Intake(application, "many", tally).take_all([*records, record(0.5, "k0"), BadRecord("log:9", "bad")])
        library = await application.library("many")
        number, newest = await application.store.trajectories.listed(library, AttemptFilter(), 200)
    assert (number, tally.stored, tally.corrected["reward"], tally.bad) == (150, 150, 1, 1)
    assert newest[-1].reward == 0.5


async def test_an_import_that_is_stopped_counts_what_it_has_stored() -> None:
    async with open_application(Settings(embedder="none")) as application:
        tally, given = Tally(), iter(range(10**6))
        records = (record(1.0, f"k{number}") for number in given)
        storing = asyncio.create_task(Intake(application, "many", tally).take_all(records))
        while not tally.stored:
            await asyncio.sleep(0)
        storing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await storing
        number, _ = await application.store.trajectories.listed(await application.library("many"), AttemptFilter(), 1)
    assert number == tally.stored


async def test_a_turn_that_its_agent_submitted_is_graded_and_not_stored_again() -> None:
    async with open_application(Settings(embedder="none")) as application:
        library = await application.library()
        own = await application.submit(library, RawSubmission("weigh it", "I did", 1.0))
        tally = Tally()
        seen = record(0.0, reward_source="test", feedback="failed")
        for trajectory_id, reward in ((own.trajectory_id, 0.0), (own.trajectory_id, None), ("t_none", 0.0)):
            await Intake(application, "default", tally).take(replace(seen, submitted_id=trajectory_id, reward=reward))
        [head] = await application.store.trajectories.heads(library, [own.trajectory_id])
    assert (head.reward, head.reward_source, head.feedback) == (0.0, "test", "failed")
    assert (tally.corrected["reward"], tally.known, tally.stored) == (1, 1, 1)


async def test_what_a_session_shows_is_a_share_of_the_librarys_range() -> None:
    async with open_application(Settings(embedder="none")) as application:
        library = await application.store.libraries.ensure("wide", LibrarySettings(reward_min=0.0, reward_max=100.0))
        await Intake(application, "wide", Tally()).take(record(1.0, reward_source="test"))
        newest = await application.store.trajectories.newest(library)
    assert newest is not None
    assert newest.reward == 100.0


async def test_a_prompt_whose_words_a_client_split_asks_for_the_conversations_task() -> None:
    async with Client(build_server(Settings(embedder="none"))) as client:
        for arguments in ({}, {"task": "weigh"}, {"task": "weigh", "library": "the"}):
            said = (await client.get_prompt("solve_with_experience", arguments)).model_dump_json()
            assert "Call get_experiences" in said, arguments
            assert "'default'" in said
        assert "Task:" in (await client.get_prompt("solve_with_experience", {"task": "weigh it"})).model_dump_json()
        assert (
            "the last one that the user gave" in (await client.get_prompt("reflect_and_submit", {})).model_dump_json()
        )
