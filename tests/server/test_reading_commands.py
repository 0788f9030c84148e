"""Commands that only read: each of the whole tree makes nothing, and where nothing is known all say so alike."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from server.cli_cases import Explib, explib, one_line

from explib_server.cli import app
from explib_server.projects.state import known_folders

__all__ = ["explib"]

MAKES = {
    "serve": "clients work with what it serves",
    "ui": "a person works with the page",
    "hook": "clients call it; capture stores attempts",
    "learn": "what it learns is stored",
    "import": "stores attempts",
    "practice": "stores its rollouts",
    "demo": "plays in databases of its own, which end with it",
    "attach": "writes clients' configuration",
    "experiences add": "adds a lesson",
    "libraries create": "makes a library",
    "token create": "a token for a library that isn't there makes it",
    "off": "notes the folder",
    "on": "takes the note back",
    "db upgrade": "makes the tables of a server's new database",
    "db restore": "fills a new database",
    "db copy": "fills a new database",
}
"""The commands that may make a file, a database or a library, and why. Whatever is not here may not."""
LOOKING = ["learn --dry-run", "import --dry-run {log}", "attach codex --print", "status --json", "status --line"]
"""Ways of those that only look, and other ways of those that read."""
TELLING = {
    "status", "status --json", "status --line", "evidence", "experiences list", "experiences show e1", "history",
    "diff 0", "attempts list", "attempts show t_1", "export --format json",
}  # fmt: skip
"""Those that say what makes the library, in the same words with a database and without."""
GIVEN = {
    "before": "0", "number": "1", "experience_id": "e1", "review_id": "p1", "decision": "approve", "opinion": "up",
    "text": "x", "name": "default", "settings": "max_words=40", "attempt_id": "t_1", "token_id": "k1", "words": "good",
    "attempt": "t_1", "reward": "1", "key": "k", "file": "{folder}/saved.db",
}  # fmt: skip
"""A value of each required argument and option."""
MORE = {"attempts delete": " t_1 --yes", "libraries delete": " --yes", "db prune": " --older-than 1"}


def commands(group: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every command under a group with the words that call it."""
    for name in group.list_commands(None):
        command = group.get_command(None, name)
        if hasattr(command, "list_commands"):
            yield from commands(command, f"{path}{name} ")
        else:
            yield f"{path}{name}", command


def reading() -> Iterator[str]:
    """A call of each command that isn't in the table, with what it requires."""
    for name, command in commands(typer.main.get_command(app)):
        if name not in MAKES:
            required = [each for each in command.params if each.required]
            values = [(f"--{each.name} " * (each.param_type_name == "option")) + GIVEN[each.name] for each in required]
            yield " ".join([name, *values]) + MORE.get(name, "")


def files(folder: Path) -> set[Path]:
    """All that a person would find; what SQLite keeps beside an open database is not counted."""
    roots = [folder, Path.home(), Path(os.environ["XDG_STATE_HOME"])]
    return {path for root in roots for path in root.rglob("*") if not path.name.endswith(("-wal", "-shm"))}


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file to import, in a home that holds nothing else, while the working folder is a project."""
    (Path.cwd() / ".git").mkdir()

    async def answers(*_: object) -> bool:
        return True

    monkeypatch.setattr("explib_server.cli.doctor._check_server", answers)  # a process: see test_doctor
    path = tmp_path / "log.jsonl"
    path.write_text('{"task": "pack", "trajectory": "packed"}')
    return path


@pytest.mark.parametrize("command", [*reading(), *LOOKING])
def test_a_command_that_reads_makes_nothing(explib: Explib, log: Path, tmp_path: Path, command: str) -> None:
    words = command.format(log=log, folder=tmp_path).split()
    before = files(tmp_path)
    without = explib(*words)
    assert files(tmp_path) == before
    explib("libraries", "create", "another")
    said = explib(*words)
    assert "Traceback" not in without.err + said.err
    assert explib("libraries", "list").out == "another  0 experiences\n"
    assert known_folders() == {}
    if command in TELLING:
        first = said.err.splitlines()[0]
        assert f"of {Path.cwd()} yet: it is made when an agent first works with it (`explib attach CLIENT`)" in first
        assert first.endswith("Known: another (--library).")
        assert (said.code, said.err.replace("Known: another", "Known: none yet")) == (without.code, without.err)


@pytest.mark.parametrize("command", ["reward good", "revert 1", "experiences retire e1", "experiences vote e1 up"])
def test_who_changes_what_is_not_there_is_told_what_makes_it(explib: Explib, log: Path, command: str) -> None:
    assert "There is no database yet" in one_line(explib(*command.split()))
    explib("libraries", "create", "another")
    assert f"of {Path.cwd()} yet: it is made when an agent" in one_line(explib(*command.split()))


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("diff e1", "'A' of `explib diff`: 'e1' is no whole number. See `explib diff --help`."),
        ("history --limit 0", "'--limit' of `explib history`: 0 is less than 1."),
        ("ui --port 99999", "'--port' of `explib ui`: 99999 is more than 65535."),
        ("token sign t_1 much --key k", "'reward' of `explib token sign`: 'much' is no number."),
        ("experiences vote e1 maybe", "'maybe' is not one of 'up', 'down'. See"),
    ],
)
def test_a_value_that_a_command_cannot_take_is_one_line_of_plain_words(explib: Explib, command: str, says: str) -> None:
    assert says in one_line(explib(*command.split()))
