"""The commands as a user gives them: in this process where that shows the same, as a program where it doesn't."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

import pytest
from server.cli_cases import Explib, Said, explib, one_line

from explib.models.json_value import Json
from explib.settings.program import Settings
from explib.storage.store import open_store
from explib_server.cli import Commands
from explib_server.importers.intake import Intake
from explib_server.importers.records import BadRecord, Record

__all__ = ["explib"]

LESSON = "weigh"


def program(*arguments: str) -> Said:
    """The same, as a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "explib_server", *arguments],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    return Said(done.returncode, done.stdout, done.stderr)


def call(number: int, tool: str) -> list[Json]:
    request: Json = {"id": f"c{number}", "type": "function", "function": {"name": tool, "arguments": "{}"}}
    return [
        {"role": "assistant", "content": None, "tool_calls": [request]},
        {"role": "tool", "tool_call_id": f"c{number}", "content": "OK"},
    ]


def records(groups: int = 6) -> list[Json]:
    """Groups in which who weighed before shipping won, and who didn't lost; in the last one all win."""
    made: list[Json] = []
    for group in range(groups + 1):
        for attempt in range(4):
            won = attempt % 2 == 0 or group == groups
            tools = ("weigh", "ship") if won else ("ship",)
            steps = [each for number, tool in enumerate(tools) for each in call(number, tool)]
            made.append(
                {"task": f"ship order {group}", "trajectory": steps, "reward": float(won), "agent": f"agent {attempt}"}
            )
    return made


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "log.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records()), encoding="utf-8")
    return path


def state() -> dict[str, object]:
    """Everything that a command could have changed."""

    async def read() -> dict[str, object]:
        async with open_store(Settings().database_url) as store:
            library = await store.libraries.get("default")
            return {
                "overview": await store.libraries.overview(library),
                "groups": await store.groups.all(library),
                "experiences": await store.revisions.experiences(library, retired=True),
                "history": await store.revisions.history(library),
                "refusals": await store.revisions.refusals(library),
            }

    return asyncio.run(read())


def counts(said: Said) -> dict[str, int]:
    """What an import says became of the records."""
    found = re.search(r"^(\d+) trajector(?:y|ies) stored.*, (\d+) equal to stored ones, (\d+) bad, ", said.out)
    assert found, said
    return dict(zip(("stored", "known", "bad"), map(int, found.groups()), strict=True))


def test_importing_twice_changes_nothing(explib: Explib, log: Path) -> None:
    first = explib("import", str(log))
    assert (first.code, counts(first)) == (0, {"stored": 28, "known": 0, "bad": 0})
    before = state()
    again = explib("import", str(log))
    assert (again.code, counts(again)) == (0, {"stored": 0, "known": 28, "bad": 0})
    assert state() == before


def test_bad_lines_are_reported_with_their_place_and_the_others_are_stored(explib: Explib, tmp_path: Path) -> None:
    good = '{"task": "pack", "trajectory": "packed", "reward": 1}'
    bad = [
        "{no json",
        '{"task": "pack", "trajectory": "packed", "reward": 7}',
        '{"task": "pack"}',
        '{"task": "pack", "trajectory": "packed", "reward": "high"}',
    ]
    path = tmp_path / "mixed.jsonl"
    path.write_text("\n".join((good, *bad)), encoding="utf-8")
    said = explib("import", str(path))
    assert said.code == 1
    assert counts(said) == {"stored": 1, "known": 0, "bad": 4}
    assert [line.split(": ")[0] for line in said.err.splitlines()] == [
        f"mixed.jsonl:{number}" for number in range(2, 6)
    ]
    assert "range of 0 to 1" in said.err
    assert json.loads(explib("status", "--json").out)["trajectories"] == 1


def test_one_wrong_thing_many_times_is_told_once_with_its_number(explib: Explib, tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    good = '{"messages": [{"role": "user", "content": "pack"}, {"role": "assistant", "content": "packed"}]}'
    path.write_text("\n".join([good, *(f'{{"messages": {number}}}' for number in range(300))]), encoding="utf-8")
    said = explib("import", str(path))
    [line] = said.err.splitlines()
    assert line.startswith("log.jsonl:2: trajectory.messages is of type int")
    assert line.endswith("(300 like this one)")
    assert counts(said) == {"stored": 1, "known": 0, "bad": 300}


def test_importing_again_corrects_what_is_there_and_says_so(explib: Explib, tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    lines = [
        {"messages": [{"role": "user", "content": f"pack {trial}"}, {"role": "assistant", "content": "packed"}],
         "case": "c", "grade": trial, "colour": "red"}
        for trial in (0, 1)
    ]  # fmt: skip
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    first = explib("import", str(path))
    assert "none of them has a reward that was found: see --reward-field" in first.out
    again = explib("import", str(path), "--group-by", "case", "--reward-field", "grade")
    assert again.out.startswith("0 trajectories stored (0 graded), 2 corrected (group 2, reward 2), 0 equal")
    assert "1 ready" in explib("status").out
    same = explib("import", str(path), "--group-by", "case", "--reward-field", "grade")
    assert counts(same) == {"stored": 0, "known": 2, "bad": 0}


def test_a_dry_import_shows_attempts_and_groups_and_stores_nothing(explib: Explib, tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("prompt,response,score,id\n" + "Pack,packed,1,a\nPack,lost,0,a\n" * 8, encoding="utf-8")
    said = explib("import", str(path), "--dry-run", "--group-by", "id")
    assert (said.code, said.err) == (0, "")
    shown = said.out.splitlines()
    assert shown[:4] == [
        "table.csv:2: reward 1, group:a", "  task: Pack", "  2 steps, tools: none, 0 errors", "  answer: packed"
    ]  # fmt: skip
    assert shown[-2:] == ["would store 16 attempts in 1 group: 1 of 16", "rewards: 1 (8), 0 (8)"]
    assert len(shown) == 10 * 4 + 2
    assert explib("libraries", "list").out.startswith("no libraries yet")


def test_ctrl_c_says_what_is_stored(explib: Explib, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Stopped(Intake):
        async def take(self, *together: Record | BadRecord) -> None:
            await Intake.take(self, *together)
            raise KeyboardInterrupt

    monkeypatch.setattr("explib_server.importers.intake.AT_ONCE", 3)
    monkeypatch.setattr("explib_server.cli.imports.Intake", Stopped)
    said = explib("import", str(log))
    assert said.code == 130
    assert said.out.startswith("stopped: 3 trajectories stored (3 graded)")
    assert "import again to go on" in said.out


def test_an_import_makes_its_library_and_leaves_the_default_alone(explib: Explib, log: Path) -> None:
    assert explib("import", str(log), "--library", "airline").code == 0
    assert json.loads(explib("status", "--json", "--library", "airline").out)["trajectories"] == 28
    assert "There is no library default yet" in explib("status", "--json").err


def test_leases_are_released_by_hand(explib: Explib, log: Path) -> None:
    assert explib("import", str(log)).code == 0
    assert explib("learn", "--once", "--release").out.startswith("nothing was leased\n")

    async def lease() -> None:
        async with open_store(Settings().database_url, lambda: time.time() + 1e9) as store:
            assert await store.leases.acquire("learn:1", "a clock that was ahead", 30.0) is not None

    asyncio.run(lease())
    assert "1 × a lease that is dated in the future (learn:1)" in explib("doctor").out
    assert "released learn:1, held by a clock that was ahead" in explib("learn", "--release").out
    assert "dated in the future" not in explib("doctor").out


def test_a_line_that_names_its_library_goes_there(explib: Explib, tmp_path: Path) -> None:
    path = tmp_path / "two.jsonl"
    lines: list[Json] = [
        {"task": "pack", "trajectory": "packed", "library": "airline"},
        {"task": "pack", "trajectory": "packed"},
    ]
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    assert explib("import", str(path)).code == 0
    for name in ("airline", "default"):
        assert json.loads(explib("status", "--json", "--library", name).out)["trajectories"] == 1


def test_an_import_of_nothing_makes_no_library(explib: Explib) -> None:
    assert "cannot be read" in one_line(explib("import", "/no/such/file.jsonl", "--library", "airline"))
    assert explib("libraries", "list").out.startswith("no libraries yet")


def test_a_port_that_another_has_is_one_line_that_says_so(explib: Explib) -> None:
    with socket.create_server(("127.0.0.1", 0)) as another:
        port = another.getsockname()[1]
        said = one_line(explib("serve", "--transport", "http", "--port", str(port)))
    assert said.startswith(f"explib: Cannot listen on 127.0.0.1:{port} (Address already in use)")


def test_secrets_are_counted_at_the_import(explib: Explib, tmp_path: Path) -> None:
    path = tmp_path / "secret.jsonl"
    secret = "sk-ant-" + "api03-" + "a1B2c3D4" * 6
    path.write_text(json.dumps({"task": "pack", "trajectory": f"used {secret}"}), encoding="utf-8")
    assert " 1 secret redacted" in explib("import", str(path)).out


def test_learning_once_says_what_was_learned_and_what_waits(explib: Explib, log: Path) -> None:
    explib("import", str(log))
    said = explib("learn", "--once")
    assert said.code == 0
    assert "ADD [e1] (active)" in said.out
    assert LESSON in said.out
    assert "default: 7 groups learned, 0 waiting, revision 1\n" in said.out
    before = state()
    again = explib("learn", "--once")
    assert (again.code, "default: 0 groups learned, 0 waiting, revision 1\n" in again.out) == (0, True)
    assert state() == before


def test_a_dry_run_shows_what_would_be_done_and_changes_nothing(explib: Explib, log: Path) -> None:
    explib("import", str(log))
    before = state()
    said = explib("learn", "--dry-run")
    assert said.code == 0
    assert "would apply 1 operation." in said.out
    assert LESSON in said.out
    assert state() == before
    assert "7 groups learned" in explib("learn").out


def test_dead_groups_are_asked_for_again_by_hand(explib: Explib) -> None:
    explib("status")
    assert explib("learn", "--retry-dead").out.startswith("ready again: 0 dead groups\n")


def test_the_status_is_json_for_a_script_and_lines_for_a_person(explib: Explib, log: Path) -> None:
    explib("import", str(log))
    explib("learn")
    found = json.loads(explib("status", "--json").out)
    assert (found["library"], found["revision"], found["trajectories"], found["graded"]) == ("default", 1, 28, 28)
    assert found["groups"] == {"learned": 7}
    said = explib("status").out
    assert "default: revision 1" in said
    assert "groups: 7 learned" in said


def test_a_service_that_does_not_run_is_said_and_none_is_started(
    explib: Explib, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = "service: none, each client's server works alone: EXPLIB_SERVICE is off\n"
    assert explib("service", "status").out == alone
    assert explib("service", "stop").out == alone
    assert explib("status").out.endswith(alone)
    monkeypatch.setenv("EXPLIB_SERVICE", "auto")
    assert "service: none runs, the next client starts one" in explib("service", "status").out
    assert explib("service", "status", "--json").out == "null\n"


def test_experiences_are_listed_and_one_is_shown_with_its_attempts(explib: Explib, log: Path) -> None:
    assert explib("experiences", "list").out == "no experiences yet\n"
    explib("import", str(log))
    explib("learn")
    [listed] = json.loads(explib("experiences", "list", "--json").out)
    assert (listed["id"], listed["status"], listed["analyst"]) == ("e1", "active", "contrast")
    assert explib("experiences", "list").out == f"[e1]. {listed['content']}\n    {listed['observed']}\n"
    assert listed["observed"].startswith("+1.00 of the reward (.98 to 1.01), 12 against 12 attempts")
    shown = explib("experiences", "show", "e1").out
    assert listed["content"] in shown
    assert "Believed: +1.00 of the reward" in shown
    assert "- followed: 16 attempts, mean reward 1.00" in shown
    assert "- did otherwise: 12 attempts, mean reward 0.00" in shown
    assert "contradicting" not in shown
    assert "## Revision 1" in shown


def test_the_history_lists_the_revisions(explib: Explib, log: Path) -> None:
    assert explib("history").out == "no revisions yet\n"
    explib("import", str(log))
    explib("learn")
    [revision] = json.loads(explib("history", "--json").out)
    assert (revision["number"], revision["author"], len(revision["groups"])) == (1, "learner", 7)
    [line] = explib("history").out.splitlines()
    assert line.startswith("1  ")
    assert "1 ADD" in line


def test_the_doctor_prints_each_setting_with_its_source_and_never_the_key(
    explib: Explib, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config = tmp_path / "config.toml"
    config.write_text('group_size = 7\nlibrary = "from-the-file"\ntoken_budget_per_day = "none"\n', encoding="utf-8")
    monkeypatch.setenv("EXPLIB_CONFIG", str(config))
    monkeypatch.setenv("EXPLIB_LIBRARY", "from-the-environment")
    monkeypatch.setenv("EXPLIB_MODEL_API_KEY", "sk-very-secret")
    said = explib("doctor")
    assert said.code == 0
    assert "sk-very-secret" not in said.out + said.err
    lines = [line.strip() for line in said.out.splitlines()]
    assert "library = from-the-environment  (environment EXPLIB_LIBRARY)" in lines
    assert f"group_size = 7  ({config})" in lines
    assert f"token_budget_per_day = unset  ({config})" in lines
    assert "review = off  (default)" in lines
    assert "model_api_key = (set)  (environment EXPLIB_MODEL_API_KEY)" in lines
    for name in Settings.model_fields:
        assert sum(line.startswith(f"{name} = ") for line in lines) == 1
    assert [line[:4] for line in lines[-6:]] == ["INFO", "OK  ", "OK  ", "INFO", "OK  ", "INFO"]
    assert "the server answers with 4 tools" in lines[-2]


def test_the_doctor_makes_no_database_and_no_library_as_it_looks(explib: Explib, tmp_path: Path) -> None:
    assert "INFO  no database yet: the first use creates" in explib("doctor").out
    assert not (tmp_path / "library.db").exists()
    explib("libraries", "create", "another")
    assert "INFO  library default does not exist yet: the first use creates it\n" in explib("doctor").out
    assert explib("libraries", "list").out.startswith("another")
    explib("libraries", "create", "default")
    assert "OK    library default, revision 0\n" in explib("doctor").out


def test_the_doctor_tries_the_embedder(explib: Explib, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "by words only" in explib("doctor").out
    monkeypatch.setenv("EXPLIB_EMBEDDER", "wordllama")
    assert "wordllama-256 (256 dimensions)" in explib("doctor").out


def test_the_doctor_says_what_fails_and_how_to_mend_it(
    explib: Explib, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.db"
    broken.write_text("no database, whatever its name says" * 50, encoding="utf-8")
    monkeypatch.setenv("EXPLIB_DATABASE_URL", f"sqlite+aiosqlite:///{broken}")
    said = explib("doctor")
    assert said.code == 1
    assert "FAIL  The file is not an SQLite database" in said.out


def test_where_there_are_no_libraries_learning_says_so(explib: Explib) -> None:
    said = explib("learn", "--once")
    assert (said.code, said.out) == (
        0,
        "there are no libraries yet, so there is nothing to learn: the first submission makes one\n",
    )


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("status", "--library", "nope"), "There is no library 'nope'. Known: "),
        (("learn", "--once", "--library", "nope"), "There is no library 'nope'. Known: "),
        (("import", "/no/such/file.jsonl"), "cannot be read (No such file or directory)"),
        (("import", "/no/such/file.jsonl", "--format", "nope"), "There is no format 'nope'"),
        (("import", "/no/such/file.jsonl", "--library", "No Name"), "'No Name' cannot name a library"),
        (
            ("db", "copy", "here", "there"),
            "The database URL (of EXPLIB_DATABASE_URL or `explib db copy`) can't be read",
        ),
    ],
)
def test_an_error_is_one_line_that_says_what_to_do(explib: Explib, arguments: tuple[str, ...], says: str) -> None:
    assert says in one_line(explib(*arguments))


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("EXPLIB_GROUP_SIZE", "many", "EXPLIB_GROUP_SIZE must be 2 to 1,000"),
        ("EXPLIB_EMBEDDER", "nope", "EXPLIB_EMBEDDER must be one of wordllama, none"),
        ("EXPLIB_LIBRARY", "No Name", "cannot name a library"),
        ("EXPLIB_ANALYST", "model", "set EXPLIB_MODEL"),
        ("EXPLIB_DATABASE_URL", "mysql://somewhere/else", "EXPLIB_DATABASE_URL has the unsupported scheme 'mysql'"),
    ],
)
def test_a_wrong_setting_is_one_line_that_names_it(
    explib: Explib, monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str
) -> None:
    monkeypatch.setenv(name, value)
    assert says in one_line(explib("status"))


@pytest.mark.parametrize("content", ['library = "x\n', "nonsense = 1\n", "\udcff"], ids=["broken", "unknown", "binary"])
def test_a_wrong_config_file_is_one_line_that_names_it(
    explib: Explib, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str
) -> None:
    config = tmp_path / "config.toml"
    config.write_bytes(content.encode("utf-8", "surrogateescape"))
    monkeypatch.setenv("EXPLIB_CONFIG", str(config))
    assert str(config) in one_line(explib("status"))


@pytest.mark.parametrize("value", ["", "none"])
def test_no_budget_is_a_value_that_can_be_set(explib: Explib, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("EXPLIB_TOKEN_BUDGET_PER_DAY", value)
    assert "no limit" in explib("status").out


def test_as_a_program_it_says_errors_on_stderr_and_ends_with_1() -> None:
    assert "no library 'nope'" in one_line(program("status", "--library", "nope"))


def test_as_a_program_it_lists_its_commands() -> None:
    said = program("--help")
    assert said.code == 0
    for name in Commands.places:
        assert f"│ {name} " in said.out, name


@pytest.mark.parametrize(
    ("first", "second"), [("--once", "--watch"), ("--watch", "--dry-run"), ("--dry-run", "--retry-dead")]
)
def test_ways_of_learning_that_contradict_each_other_are_refused(explib: Explib, first: str, second: str) -> None:
    said = explib("learn", first, second)
    assert (said.code, said.out) == (2, "")
    assert first in said.err
    assert second in said.err


def test_the_version_is_that_of_the_package(explib: Explib) -> None:
    assert explib("--version") == Said(0, f"explib {version('explib')}\n", "")
