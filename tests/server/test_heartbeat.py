"""The heartbeat: what is late says why and what helps, in a terminal of 80 columns and on one line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from server.cli_cases import Explib, explib

from explib.models.activity import MOST_COUNTED, Activity
from explib.settings.program import Settings
from explib.storage.store import database_file
from explib_server.__main__ import main
from explib_server.render.heartbeat import heartbeat, heartbeat_text, status_line, waits_for
from explib_server.render.times import DAY, HOUR, MINUTE, ago

__all__ = ["explib"]
NOW = 1_796_125_097.0  # Dec 1 2026
JUST, LONG_AGO = NOW - 200, NOW - 28 * DAY
ALIVE = Activity(
    lessons=6, captured_at=JUST, graded_at=JUST, learned_at=NOW - 3 * HOUR, asked_at=JUST, served_at=JUST, served=2
)
FAILED = "to be tried again: The endpoint refused the key (401): set EXPLIB_MODEL_API_KEY."

LATE = [
    (Activity(), "captured", "nothing was captured yet"),
    (Activity(captured_at=LONG_AGO), "captured", "nothing was captured since Nov 3: no client was used, or its hooks"),
    (Activity(captured_at=NOW - 4 * DAY, asked_at=JUST), "captured", "no attempt has come since Nov 27"),
    (Activity(captured_at=JUST, ungraded=2), "graded", "attempts arrive without rewards: 2 attempts so far"),
    (Activity(captured_at=JUST, graded_at=LONG_AGO, ungraded=MOST_COUNTED), "graded", "1,000 or more attempts since"),
    (Activity(captured_at=JUST, graded_at=JUST, attempts=12, graded=12, tasks=12), "learned",
     "12 attempts wait: each task has one attempt and no decision is believed yet"),
    (Activity(captured_at=JUST, graded_at=JUST, attempts=12, graded=12, tasks=3), "learned",
     "12 attempts wait: no decision is believed yet"),
    (Activity(captured_at=JUST, graded_at=JUST, attempts=90, graded=80, tasks=30), "learned",
     "90 attempts wait: no way of acting stands out from chance yet"),
    (Activity(captured_at=JUST, ready=3, ready_since=NOW - 2 * HOUR, looked_at=LONG_AGO), "learned",
     "3 groups wait (the first came 2 h ago), and no learner takes them up"),
    (Activity(captured_at=JUST, ready=3, ready_since=NOW - 2 * HOUR, failing=FAILED), "learned",
     "the learner fails: The endpoint refused the key (401): set EXPLIB_MODEL_API_KEY."),
    (Activity(captured_at=JUST, dead=1, dead_reason="no JSON"), "learned", "1 group was given up: no JSON"),
    (Activity(captured_at=JUST, proposals=2, proposed_at=NOW - 2 * DAY), "learned", "2 proposals wait for a person"),
    (Activity(lessons=1, captured_at=JUST), "served", "nobody has asked for a lesson yet"),
    (Activity(lessons=1, captured_at=JUST, asked_at=JUST), "served", "no lesson fits what is asked"),
]  # fmt: skip


@pytest.mark.parametrize(("activity", "name", "cause"), LATE)
def test_what_is_late_says_why_and_what_helps(activity: Activity, name: str, cause: str) -> None:
    pulses = heartbeat(activity, NOW)
    [late] = [pulse for pulse in pulses if pulse.late]
    assert late.name == name
    assert cause in late.cause
    assert late.cure
    assert waits_for(pulses) == ("" if name == "served" else f"{late.cause}; {late.cure}")
    assert max(map(len, heartbeat_text(pulses, NOW).splitlines())) <= 80
    assert len(status_line(activity, NOW)) <= 80


@pytest.mark.parametrize(
    "activity",
    [
        ALIVE,
        Activity(captured_at=JUST, graded_at=JUST, ungraded=4),  # a reward may be under way
        Activity(captured_at=JUST, ready=900, ready_since=NOW - 2 * HOUR, looked_at=JUST),  # many, and it is at it
        Activity(captured_at=JUST, refused_at=JUST, refusal="a secret in it"),
        Activity(captured_at=JUST, asked_at=JUST),  # there is nothing to serve
    ],
)
def test_what_goes_its_way_is_not_late(activity: Activity) -> None:
    assert [pulse for pulse in heartbeat(activity, NOW) if pulse.late] == []


def test_a_heartbeat_is_a_line_for_each_pulse() -> None:
    assert heartbeat_text(heartbeat(ALIVE, NOW), NOW).splitlines() == [
        "captured  3 min ago",
        "graded    3 min ago",
        "learned   3 h ago",
        "refused   never",
        "served    3 min ago     2 lessons",
    ]
    assert status_line(ALIVE, NOW) == "explib: 6 lessons · 2 served now · last learned 3 h ago"
    assert status_line(Activity(), NOW) == "explib: 0 lessons · nothing was captured yet"


@pytest.mark.parametrize(
    ("passed", "says"),
    [
        (-5.0, "just now"),
        (59.0, "just now"),
        (MINUTE, "1 min ago"),
        (2 * HOUR - 1, "1 h ago"),
        (3 * DAY, "3 d ago"),
        (28 * DAY, "Nov 3"),
        (400 * DAY, "Oct 27, 2025"),
    ],
)
def test_a_time_is_told_by_its_distance_and_an_old_one_by_its_date(passed: float, says: str) -> None:
    assert ago(NOW - passed, NOW) == says


def test_the_status_begins_with_the_heartbeat_and_has_it_in_json(explib: Explib) -> None:
    said = explib("status")
    assert said.out.startswith("captured  never         late: nothing was captured yet\n")
    assert "waits for:" not in said.out
    found = json.loads(explib("status", "--json").out)
    assert [pulse["name"] for pulse in found["heartbeat"]] == ["captured", "graded", "learned", "refused", "served"]
    assert found["heartbeat"][0]["late"]
    assert found["following"]["seen"] == 0


def test_the_line_is_the_same_with_and_without_the_whole_program(
    explib: Explib, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def quick() -> str:
        monkeypatch.setattr(sys, "argv", ["explib", "status", "--line"])
        main()
        return capsys.readouterr().out

    assert quick() == explib("status", "--line").out == "explib: 0 lessons · nothing was captured yet\n"
    explib("experiences", "add", "When it rains, take the bus.", "--reason", "so it is")
    assert quick() == explib("status", "--line").out == "explib: 1 lesson · nothing was captured yet\n"
    file = database_file(Settings().database_url)
    assert file is not None
    file.write_text("no database" * 100)
    with pytest.raises(SystemExit):
        quick()
    assert "not an SQLite database" in capsys.readouterr().err


def test_the_lessons_of_farther_layers_count_and_off_is_said(
    explib: Explib, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    explib("experiences", "add", "When it rains, take the bus.", "--reason", "so it is", "--library", "default")
    (tmp_path / "shop" / ".git").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "shop")
    assert "served here too: 1 lesson of default" in explib("status").out
    for line in ("explib: 1 lesson · nothing was captured yet\n", "explib: off here (explib on)\n"):
        monkeypatch.setattr(sys, "argv", ["explib", "status", "--line"])
        main()
        assert capsys.readouterr().out == line == explib("status", "--line").out
        explib("off")
        capsys.readouterr()


@pytest.mark.process
def test_the_line_waits_for_nothing_that_takes_long_to_import() -> None:
    heavy = "{'pydantic', 'sqlalchemy', 'typer', 'rich', 'numpy', 'mcp', 'asyncio', 'platformdirs'}"
    script = f"import sys; import explib_server.render.line; print(sorted({heavy} & set(sys.modules)))"
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert said.stdout == "[]\n"
