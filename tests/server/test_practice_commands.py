from __future__ import annotations

import json
from pathlib import Path

import pytest
from waiting import until

from explib_server.practice import commands
from explib_server.practice.commands import Ended, filled, fresh_copy, grade_of, located, run_bounded, told_by
from explib_server.projects.file import project_file

SECONDS = 20.0


async def ran(folder: Path, script: str, seconds: float = SECONDS, given: str | None = None) -> Ended:
    return await run_bounded(["/bin/sh", "-c", script], folder, {"NAME": "Ada"}, seconds, given)


async def test_a_command_gets_its_folder_its_environment_and_its_input(tmp_path: Path) -> None:
    ended = await ran(tmp_path, 'pwd; echo "$NAME"; cat', given="words")
    assert ended.out.split() == [str(tmp_path), "Ada", "words"]
    assert ended.problem == ""


async def test_one_that_dies_says_how(tmp_path: Path) -> None:
    assert (await ran(tmp_path, "echo no key >&2; exit 3")).problem == "it ended with exit code 3: no key"


async def test_one_that_hangs_is_stopped_with_all_that_it_started(tmp_path: Path) -> None:
    ended = await ran(tmp_path, "sleep 100 & echo $! > child; wait", seconds=0.5)
    assert "not done after 0.5 s" in ended.problem
    child = int((tmp_path / "child").read_text())
    await until(lambda: _has_ended(child))


def _has_ended(process: int) -> bool:
    """Also where nobody has taken its exit code yet."""
    try:
        return Path(f"/proc/{process}/stat").read_text().split()[2] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


async def test_one_that_writes_without_end_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "MOST_FILE_BLOCKS", 100)
    ended = await ran(tmp_path, "yes")
    assert "larger file than is allowed" in ended.problem
    assert 0 < len(ended.out) <= 102_400


@pytest.mark.parametrize(
    ("code", "out", "reward"),
    [
        (0, "", 1.0),
        (1, "2 tests failed", 0.0),
        (2, "make: *** [test] Error", 0.0),
        (0, "fine\n0.75\n", 0.75),
        (1, "reward: .5", 0.5),
        (0, "7", None),
        (0, "score = nan", None),
        (0, "1.2.3", None),
        (127, "", None),
        (-9, "0.5", None),
    ],
)
def test_a_check_grades_by_its_number_or_its_exit_code(code: int, out: str, reward: float | None) -> None:
    scored = grade_of(Ended(code, out, ""), 0.0, 1.0)
    assert scored.reward == reward
    assert scored.note or reward is not None


def test_a_check_that_was_stopped_gives_no_reward() -> None:
    assert grade_of(Ended(-9, "1", "", "it was not done"), 0.0, 1.0).reward is None


def test_the_prompt_goes_into_the_command_or_to_its_input() -> None:
    assert filled("claude -p {prompt} --json", "a b") == (["claude", "-p", "a b", "--json"], None)
    assert filled("./agent", "a b") == (["./agent"], "a b")
    long = "x" * 200_000
    assert filled("claude -p {prompt}", long) == (["claude", "-p"], long)


def test_a_copy_is_without_the_check_and_with_the_tasks_own_files(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    (folder / "inside").mkdir(parents=True)
    for name in ("check.sh", "tasks.jsonl", "inside/check.sh"):
        (folder / name).write_text(name)
    fresh_copy(folder, tmp_path / "copy", ["check.sh", "tasks.jsonl"], {"a/b.txt": str(folder / "tasks.jsonl")})
    found = {str(path.relative_to(tmp_path / "copy")) for path in (tmp_path / "copy").rglob("*") if path.is_file()}
    assert found == {"inside/check.sh", "a/b.txt", ".explib.toml"}
    assert not project_file(tmp_path / "copy", tmp_path / "copy").capture


def test_files_that_a_command_names_are_found_from_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my agent.py").touch()
    monkeypatch.chdir(tmp_path)
    assert located("python3 './my agent.py' {prompt}") == f"python3 '{tmp_path}/my agent.py' '{{prompt}}'"


def test_a_stream_of_json_tells_messages_tokens_and_dollars() -> None:
    lines: list[dict[str, object]] = [
        {"type": "system", "subtype": "init"},
        {"type": "assistant", "message": {"role": "assistant", "content": [{"type": "text", "text": "Done."}]}},
        {
            "type": "result",
            "result": "Done.",
            "total_cost_usd": 0.02,
            "usage": {"input_tokens": 10, "cache_read_input_tokens": 5, "output_tokens": 7},
        },
    ]
    told = told_by("\n".join(map(json.dumps, lines)))
    assert (len(told.messages), told.answer, told.tokens_in, told.tokens_out, told.usd) == (1, "Done.", 15, 7, 0.02)


def test_plain_words_are_the_agents_answer() -> None:
    told = told_by("I have\nadded it.\n")
    assert told.messages == [{"role": "assistant", "content": "I have\nadded it."}]
    assert (told.answer, told.usd) == ("I have\nadded it.", None)
