"""Runs over the cases beside the checkout, where they are; each kind has its own test in test_import_formats.py."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from explib.models.trajectories import Step
from explib.trajectories import parse_trajectory
from explib_learner.grammar.failures import failed
from explib_server.importers.logs import read, read_scores
from explib_server.importers.records import BadRecord, Record
from explib_server.importers.sources import ImportRun, Source

ABOVE = Path(__file__).resolve().parents[3:5]
"""The folder of the checkout, and that of a worktree's."""
CASES = next((folder for above in ABOVE if (folder := above / "shared" / "cases" / "formats").is_dir()), Path("none"))
pytestmark = pytest.mark.skipif(not CASES.is_dir(), reason="there are no shared cases beside this checkout")
KINDS = sorted(path.parent.name for path in CASES.glob("*/expected.json")) if CASES.is_dir() else []


def steps_of(record: Record) -> tuple[Step, ...]:
    return parse_trajectory(record.trajectory, 10**9)


def is_within(number: int, wanted: int | list[int]) -> bool:
    return wanted[0] <= number <= wanted[1] if isinstance(wanted, list) else number == wanted


def check(record: Record, wanted: dict[str, Any]) -> None:
    steps = steps_of(record)
    tools = list(dict.fromkeys(call.name for step in steps for call in step.calls))
    assert record.task.replace("\n[image]", "") in (wanted["task"], wanted.get("task_also_ok"))
    assert is_within(len(steps), wanted["steps"]), [(step.role, step.text, step.calls) for step in steps]
    assert record.reward in (wanted["reward"], wanted.get("reward_also_ok", wanted["reward"]))
    assert tools == wanted["tools"]
    assert sum(step.role == "tool" and failed(step.text, flagged=step.is_error) for step in steps) == wanted["errors"]
    for name in ("model", "agent", "answer"):
        if name in wanted:
            assert getattr(record, name) == wanted[name], name
    assert wanted.get("feedback_mentions", "") in (record.feedback or "")


def found(paths: list[str], scores: Path | None = None) -> tuple[list[Record], list[BadRecord]]:
    import_run = ImportRun()
    if scores is not None:
        read_scores(Source(scores, scores.name, import_run))
    items = list(read(paths, import_run))
    return [item for item in items if isinstance(item, Record)], [item for item in items if isinstance(item, BadRecord)]


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_of_log_is_read_as_its_case_says(kind: str) -> None:
    folder = CASES / kind
    wanted = json.loads((folder / "expected.json").read_text())
    given = wanted.get("files") or [wanted["import"], *wanted.get("also", [])]
    for name in given:
        records, bad = found([str(folder / name)])
        assert len(records) == len(wanted["attempts"]), (name, bad)
        for record, attempt in zip(records, wanted["attempts"], strict=True):
            check(record, attempt)
        keys = [record.group or record.task for record in records]
        groups = {key: [at for at, other in enumerate(keys) if other == key] for key in keys}
        assert list(groups.values()) == wanted["same_group"] or "grouping" in wanted
        assert [problem.position for problem in bad] == wanted.get("unreadable", [])
    everything, _ = found([str(folder / name) for name in given])
    if "also" in wanted and kind != "table":
        assert len({record.idempotency_key for record in everything}) == len(wanted["attempts"])


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_of_scores_grades_what_its_case_says(kind: str) -> None:
    folder = CASES / kind
    wanted = json.loads((folder / "expected.json").read_text())
    if "reward_from" not in wanted:
        return
    records, _ = found([str(folder / wanted["import"])], folder / wanted["reward_from"]["file"])
    assert [record.reward for record in records] == [1.0]
    if "also_old" in wanted:
        (old,), _ = found([str(folder / wanted["also_old"]["file"])])
        assert is_within(len(steps_of(old)), wanted["also_old"]["steps"])
        tools = list(dict.fromkeys(call.name for step in steps_of(old) for call in step.calls))
        assert tools == wanted["also_old"]["tools"]
