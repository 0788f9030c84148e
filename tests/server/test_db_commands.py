"""`explib db …` as a user gives it: each says what it did, and ends with 1 where something is wrong."""

from __future__ import annotations

import json
import re
import sqlite3
from pathlib import Path

import pytest
from server.cli_cases import Explib, explib, one_line

from explib.settings.program import Settings
from explib.storage.store import database_file

__all__ = ["explib"]

ATTEMPT = '{"task": "book a flight", "trajectory": "looked, then booked", "reward": %s, "idempotency_key": "%s"}'


@pytest.fixture
def imported(explib: Explib, tmp_path: Path) -> Explib:
    lines = tmp_path / "runs.jsonl"
    lines.write_text("\n".join(ATTEMPT % (number % 2, number) for number in range(4)), encoding="utf-8")
    assert explib("import", str(lines)).code == 0
    return explib


def attempts(explib: Explib) -> object:
    return json.loads(explib("status", "--json").out)["trajectories"]


def test_a_backup_comes_back_into_a_new_database(
    imported: Explib, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = tmp_path / "saved.db"
    assert f"explib db restore {saved}" in imported("db", "backup", str(saved)).out
    again = imported("db", "backup", str(saved))
    assert (again.code, "exists already" in again.err) == (1, True)
    monkeypatch.setenv("EXPLIB_DATABASE_URL", f"sqlite+aiosqlite:///{tmp_path / 'restored.db'}")
    assert "4 trajectories" in imported("db", "restore", str(saved)).out
    assert attempts(imported) == 4
    twice = imported("db", "restore", str(saved))
    assert (twice.code, "is not empty" in twice.err) == (1, True)


def test_a_copy_names_what_it_copied(imported: Explib, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = Settings().database_url, f"sqlite+aiosqlite:///{tmp_path / 'copy.db'}"
    assert "1 groups" in imported("db", "copy", source, target).out
    nowhere = tmp_path / "no-such.db"
    missing = imported("db", "copy", f"sqlite+aiosqlite:///{nowhere}", f"sqlite+aiosqlite:///{tmp_path / 'other.db'}")
    assert re.search(f"no database yet.*{nowhere}", one_line(missing))
    assert {path.name for path in tmp_path.glob("*.db")} == {"library.db", "copy.db"}
    same = imported("db", "copy", source, source)
    assert (same.code, "same database" in same.err) == (1, True)
    monkeypatch.setenv("EXPLIB_DATABASE_URL", target)
    assert attempts(imported) == 4


def test_the_check_ends_with_1_where_something_is_broken(imported: Explib) -> None:
    assert imported("db", "check", "--deep").out == "OK: no problems found\n"
    file = database_file(Settings().database_url)
    assert file is not None
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE groups SET size = 9")
    connection.close()
    said = imported("db", "check")
    assert (said.code, "a group whose size differs from its trajectories" in said.out) == (1, True)
    [found] = json.loads(imported("db", "check", "--json").out)
    assert found["count"] == 1


def test_pruning_wants_to_know_how_old(imported: Explib, monkeypatch: pytest.MonkeyPatch) -> None:
    unsaid = imported("db", "prune")
    assert (unsaid.code, "--older-than" in unsaid.err) == (1, True)
    assert imported("learn", "--once").code == 0
    assert imported("db", "prune", "--older-than", "1").out == "Deleted the steps of 0 trajectories.\n"
    assert imported("db", "prune", "--older-than", "0").out == "Deleted the steps of 4 trajectories.\n"
    monkeypatch.setenv("EXPLIB_RETENTION_DAYS", "30")
    assert imported("db", "prune").out == "Deleted the steps of 0 trajectories.\n"


def test_an_upgrade_says_which_database(imported: Explib) -> None:
    assert "up to date: SQLite" in imported("db", "upgrade").out
