"""What a person decides while attaching: who reads the sessions, and what they wrote for agents before."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from explib.errors import InvalidSetting
from explib.settings.program import Settings
from explib_server.cli import attach as command
from explib_server.clients.instructions import bullets, instructions
from explib_server.clients.learning import COMMANDS, LearnWith, reader

RULES = """# Rules

- Use **pnpm**,
  never npm.
* Weigh flour
1. Run the tests

```
- no bullet
```
Text - and no bullet.
"""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for variable in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "CLAUDE_CONFIG_DIR", "EXPLIB_ANALYST", "EXPLIB_CONFIG"):
        monkeypatch.delenv(variable, raising=False)
    project = tmp_path / "project"
    project.mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("EXPLIB_DATABASE_URL", f"sqlite+aiosqlite:///{tmp_path}/library.db")
    monkeypatch.chdir(project)
    return tmp_path


def run(*arguments: str, typed: str | None = None) -> Result:
    app = typer.Typer()
    app.command("attach")(command.attach)
    return CliRunner().invoke(app, ["claude-code", *arguments], input=typed)


def written(home: Path) -> dict[str, str]:
    path = home / ".config" / "explib" / "config.toml"
    return tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def test_without_a_terminal_nobody_is_asked_and_statistics_read(home: Path) -> None:
    said = run().stdout
    assert "statistics alone" in said
    assert "first lesson" in said
    assert written(home) == {}


def test_a_persons_own_agent_reads_where_they_say_so_and_the_price_is_said(home: Path) -> None:
    said = run("--learn-with", "claude").stdout
    assert "1,000 tokens a session" in said
    assert written(home) == {"analyst": "model", "model_command": COMMANDS[LearnWith.claude]}
    assert reader(Settings()) is LearnWith.claude
    assert "Claude Code" in run("--no-hooks").stdout, "said once, it holds"
    run("--learn-with", "statistics")
    assert written(home) == {"analyst": "contrast"}
    assert reader(Settings()) is LearnWith.statistics


def test_a_model_that_is_not_configured_cannot_be_chosen_and_nothing_is_written(home: Path) -> None:
    result = run("--learn-with", "model")
    assert isinstance(result.exception, InvalidSetting)
    assert "EXPLIB_MODEL" in str(result.exception)
    assert list(home.glob(".claude*")) == []


def test_other_settings_of_the_file_stay(home: Path) -> None:
    path = home / ".config" / "explib" / "config.toml"
    path.parent.mkdir(parents=True)
    path.write_text('# mine\nlibrary = "airline"\n', encoding="utf-8")
    run("--learn-with", "codex")
    assert path.read_text(encoding="utf-8").startswith('# mine\nlibrary = "airline"\n')
    assert reader(Settings()) is LearnWith.codex


def test_at_a_terminal_the_question_offers_what_is_installed_until_it_is_answered(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "_at_a_terminal", lambda: True)
    monkeypatch.setattr("shutil.which", lambda program: "/bin/claude" if program == "claude" else None)
    said = run(typed="codex\nclaude\n").stdout
    assert "codex is none of them" in said
    assert reader(Settings()) is LearnWith.claude
    assert "Who may read" not in run("--no-hooks").stdout


def test_bullets_are_items_of_lists_with_what_continues_them_and_no_code() -> None:
    assert list(bullets(RULES)) == ["Use pnpm, never npm.", "Weigh flour", "Run the tests"]


def test_every_file_of_rules_is_read_and_each_text_is_said_once(home: Path) -> None:
    project = home / "project"
    for name in ("CLAUDE.md", "AGENTS.md", ".cursor/rules/a.mdc"):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(f"- same\n- of {name}\n", encoding="utf-8")
    found = [(each.file, each.text) for each in instructions(project)]
    assert found == [
        ("CLAUDE.md", "same"),
        ("CLAUDE.md", "of CLAUDE.md"),
        ("AGENTS.md", "of AGENTS.md"),
        (".cursor/rules/a.mdc", "of .cursor/rules/a.mdc"),
    ]


def test_bullets_become_lessons_of_the_person_and_what_is_refused_says_why(home: Path) -> None:
    (home / "project" / "AGENTS.md").write_text(f"- Run `make check` first\n- {'word ' * 60}\n", encoding="utf-8")
    said = run("--instructions").stdout
    assert "1. Run `make check` first  (AGENTS.md)" in said
    assert "1 lesson added to library" in said
    assert "2. not added: " in said
