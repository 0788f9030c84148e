"""Reading logs in tests."""

from __future__ import annotations

from pathlib import Path

from server.import_cases import Found

from explib.trajectories import parse_trajectory
from explib_learner.grammar.failures import failed
from explib_server.importers.logs import read
from explib_server.importers.records import BadRecord, Options, Record
from explib_server.importers.sources import ImportRun


def items(*given: Path | str, options: Options | None = None, format_name: str = "auto") -> list[Record | BadRecord]:
    return list(read([str(name) for name in given], ImportRun(options or Options()), format_name))


def records(*given: Path | str, options: Options | None = None) -> list[Record]:
    found = items(*given, options=options)
    assert all(isinstance(record, Record) for record in found), found
    return [record for record in found if isinstance(record, Record)]


def problems(*given: Path | str, options: Options | None = None) -> list[str]:
    return [item.reason for item in items(*given, options=options) if isinstance(item, BadRecord)]


def facts(record: Record) -> Found:
    steps = parse_trajectory(record.trajectory, 10**9)
    return Found(
        steps=len(steps),
        reward=record.reward,
        tools=tuple(dict.fromkeys(call.name for step in steps for call in step.calls)),
        errors=sum(step.role == "tool" and failed(step.text, flagged=step.is_error) for step in steps),
        model=record.model,
        agent=record.agent,
        answer=record.answer,
        feedback=record.feedback,
    )
