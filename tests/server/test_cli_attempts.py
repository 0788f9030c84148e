"""`explib attempts` and `explib libraries delete`: what a wrong import or a private text is taken out by."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from server.cli_cases import Explib, Said, explib, one_line

from explib.settings.program import Settings
from explib.storage.store import database_file

__all__ = ["explib"]

PRIVATE = "the vault opens with 7-7-3"


def log(folder: Path, name: str, said: str, number: int = 4) -> Path:
    path, call = folder / name, {"id": "c1", "type": "function", "function": {"name": "weigh", "arguments": "{}"}}
    lines = [
        {
            "messages": [
                {"role": "user", "content": said},
                {"role": "assistant", "content": None, "tool_calls": [call]},
                {"role": "tool", "tool_call_id": "c1", "content": "Error: no scale"},
                {"role": "assistant", "content": f"try {at}"},
            ],
            "reward": at % 2,
            "agent": "ada",
        }
        for at in range(number)
    ]
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    return path


@pytest.fixture
def imported(explib: Explib, tmp_path: Path) -> Explib:
    for name, said in (("right.jsonl", "Weigh the crate."), ("wrong.jsonl", PRIVATE)):
        assert explib("import", str(log(tmp_path, name, said))).code == 0
    return explib


def listed(explib: Explib, *options: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(explib("attempts", "list", "--json", *options).out)
    return found


def held() -> bytes:
    """All bytes of the database's files."""
    path = database_file(Settings().database_url)
    assert path is not None
    return b"".join(each.read_bytes() for each in path.parent.glob(f"{path.name}*"))


def test_attempts_are_listed_by_what_is_known_of_them(imported: Explib) -> None:
    assert len(listed(imported)) == 8
    assert {each["task"] for each in listed(imported, "--key", "import:wrong.jsonl:")} == {PRIVATE}
    assert {each["reward"] for each in listed(imported, "--reward", ">=0.5")} == {1.0}
    assert len(listed(imported, "--group", "weigh  THE crate.", "--agent", "ada", "--since", "1d")) == 4
    assert listed(imported, "--reward", "none") == listed(imported, "--model", "m") == []
    said = imported("attempts", "list", "--limit", "3").out
    assert said.count("(environment)") == 3
    assert said.endswith("and 5 older ones: see --limit\n")
    assert "--reward 'good' is no condition" in one_line(imported("attempts", "list", "--reward", "good"))


def test_an_attempt_is_shown_with_its_steps_calls_and_errors(imported: Explib) -> None:
    [first, *_] = listed(imported, "--key", "import:right")
    page = imported("attempts", "show", str(first["id"])).out
    for part in ("Weigh the crate.", "→ weigh({}) [c1]", "3. tool to c1, failed", "4 steps, 1 error", "(environment)"):
        assert part in page
    assert "no such trajectory" in one_line(imported("attempts", "show", "t_none"))


def test_a_wrong_import_is_taken_out_to_the_last_byte(imported: Explib) -> None:
    assert PRIVATE.encode() in held()
    asked = one_line(imported("attempts", "delete", "--key", "import:wrong.jsonl:"))
    assert "4 attempts of default would be deleted for good: pass --yes" in asked
    said = imported("attempts", "delete", "--key", "import:wrong.jsonl:", "--yes")
    assert said == Said(0, "4 attempts deleted, 1 group gone with them\n", "")
    assert PRIVATE.encode() not in held()
    assert len(listed(imported)) == 4
    assert imported("db", "check", "--deep").out == "OK: no problems found\n"
    assert "Say which attempts" in one_line(imported("attempts", "delete", "--yes"))


def test_a_library_is_deleted_with_its_lessons_kept_where_that_is_asked_for(imported: Explib, tmp_path: Path) -> None:
    assert imported("experiences", "add", "When a crate is asked about, weigh it first.").code == 0
    kept = tmp_path / "kept.json"
    assert "8 attempts and 1 experience of default would be" in one_line(imported("libraries", "delete", "default"))
    assert imported("libraries", "delete", "default", "--yes", "--export", str(kept)).out == (
        f"{kept}: 1 lesson\ndefault is deleted\n"
    )
    assert PRIVATE.encode() not in held()
    assert "no library 'default'" in one_line(imported("libraries", "delete", "default", "--yes"))
    assert imported("import", str(kept)).out.startswith("1 lesson added")
    assert imported("db", "purge").out == "The file holds nothing of what was deleted.\n"
    assert imported("db", "check", "--deep").out == "OK: no problems found\n"
