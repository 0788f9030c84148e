"""Sessions that the real clients wrote, offline: each turn with its steps, reward, source, group and retrieval."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from explib.trajectories import parse_trajectory
from explib_learner.grammar.failures import failed
from explib_server.importers.records import BadRecord, Record
from explib_server.importers.sessions.transcripts import Transcript

DATA = Path(__file__).parents[1] / "data" / "sessions"
RETRIEVAL = "r_0198c2f4a1b3c9d2e4f01"
PUMP, LABEL, GERMAN, THANKS = (
    "Make the pump report litres.", "Label the pump.", "No, wrong: the label must be German.",
    "Thanks! Now say what you did.",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Right:
    """One turn as it must be read."""

    task: str
    """Its beginning."""
    steps: int
    tools: tuple[str, ...] = ()
    errors: int = 0
    reward: float | None = None
    source: str = "inferred"
    says: str = ""
    """Words of the feedback."""
    redo: bool = False
    """In the group of the turn before."""
    retrieval_id: str | None = RETRIEVAL


def told(write: str, shell: str, *, errors: int = 2, reward: float = 1.0) -> tuple[Right, ...]:
    """The four turns that each client was taken through: a check fails, then passes; a correction; thanks."""
    says = "`make test`, passed with exit code 0" if reward else "`make test`, failed with exit code 2"
    tools = tuple(dict.fromkeys((write, shell)))
    return (
        Right(PUMP, 12, tools, errors, reward, "test", says),
        Right(LABEL, 4, (write,), 0, 0.0, "inferred", "corrected it: “No, wrong: the label must be German."),
        Right(GERMAN, 6, tools, 1 if not reward else 0, 1.0, "inferred", "accepted it: “Thanks!", redo=True),
        Right(THANKS, 2),
    )


TURNS: dict[str, tuple[Right, ...]] = {
    "claude-code/turns.jsonl": (
        *told("Write", "Bash", errors=1),
        Right("Look whether anything else says gallons.", 6, ("Agent", "Bash")),
    ),
    "claude-code/interrupted.jsonl": (
        Right("Fill the tank.", 3, ("Bash",), 1, 0.0, "inferred", "interrupted the agent", retrieval_id=None),
        Right("Only look at the tank.", 4, ("Bash",), 1, 0.0, "test", "`make test`, failed", retrieval_id=None),
        Right("Write the label.", 4, ("Write",), 0, 0.0, "inferred", "asked the same again", retrieval_id=None),
        Right("Write the label.", 4, ("Write",), redo=True, retrieval_id=None),
        Right("Write the label in German.", 4, ("Write",), retrieval_id=None),
    ),
    "claude-code/agent-ab6422ef.jsonl": (),
    "claude-code/ours.jsonl": (
        Right("Weigh the parcel.", 4, ("Write",), retrieval_id="r_1a2318c6beb010ea1f0a8"),
        Right("weigh the other parcel", 2, (), 0, 1.0, "inferred", "accepted it: “Thanks”", retrieval_id=None),
        Right("Thanks", 2, retrieval_id=None),
    ),
    "codex/rollout-turns.jsonl": told("exec_command", "exec_command"),
    "codex/rollout-interrupted.jsonl": (
        Right("Fill the tank.", 3, ("exec_command",), 0, 0.0, "inferred", "interrupted the agent"),
        Right("Say what the tank holds.", 2),
    ),
    "gemini/session-turns.jsonl": told("write_file", "run_shell_command"),
    "opencode/session.json": told("write", "bash"),
    "copilot/turns/events.jsonl": told("create", "bash", errors=4, reward=0.0),
    "copilot/steered/events.jsonl": (Right("Fill the tank.", 5, ("bash",)),),
}


def client_of(name: str) -> str:
    return name.split("/", maxsplit=1)[0]


def records(path: Path, client: str) -> list[Record]:
    found = list(Transcript(path, client).attempts())
    assert not [each for each in found if isinstance(each, BadRecord)], found
    return [each for each in found if isinstance(each, Record)]


@pytest.mark.parametrize("name", TURNS)
def test_every_turn_of_a_recorded_session_is_captured_right(name: str) -> None:
    found = records(DATA / name, client_of(name))
    assert len(found) == len(TURNS[name])
    for at, (record, right) in enumerate(zip(found, TURNS[name], strict=True)):
        steps = parse_trajectory(record.trajectory, 10**9)
        assert record.task.startswith(right.task)
        assert tuple(dict.fromkeys(call.name for step in steps for call in step.calls)) == right.tools
        errors = sum(step.role == "tool" and failed(step.text, flagged=step.is_error) for step in steps)
        assert (len(steps), errors) == (right.steps, right.errors), record.task
        assert (record.reward, record.reward_source) == (right.reward, right.source), record.task
        assert right.says in (record.feedback or "")
        assert at == 0 or (record.group == found[at - 1].group) == right.redo
        assert (record.retrieval_id, record.has_ended) == (right.retrieval_id, True)
        assert record.folder == "/home/ada/pump" or client_of(name) == "gemini"
        assert "explib-lessons" not in json.dumps(record.trajectory)
    assert len({record.idempotency_key for record in found}) == len(found)


def test_the_attempt_that_the_agent_submitted_itself_is_named() -> None:
    path = DATA / "claude-code" / "ours.jsonl"
    assert [each.submitted_id for each in records(path, "claude-code")] == ["t_1a2318c6cf56e4173946e", None, None]


@pytest.mark.parametrize("name", [name for name in TURNS if name.endswith(".jsonl") and TURNS[name]])
def test_a_session_that_grows_is_read_on_to_the_same_attempts(name: str, tmp_path: Path) -> None:
    whole = (DATA / name).read_bytes()
    path = tmp_path / Path(name).name
    path.write_bytes(b"")
    transcript, latest = Transcript(path, client_of(name)), dict[str, Record]()
    for cut in (*range(0, len(whole), max(len(whole) // 7, 1)), len(whole)):
        path.write_bytes(whole[:cut])
        for found in transcript.attempts():
            assert isinstance(found, Record), found
            latest[found.idempotency_key] = found
    right = records(DATA / name, client_of(name))
    assert [(each.reward, each.group, each.task) for each in right] == [
        (latest[each.idempotency_key].reward, latest[each.idempotency_key].group, each.task) for each in right
    ]


def test_opencodes_database_gives_what_its_export_gives(tmp_path: Path) -> None:
    exported = json.loads((DATA / "opencode" / "session.json").read_text())
    path = tmp_path / "opencode.db"
    with closing(sqlite3.connect(path)) as database:
        database.executescript(
            "CREATE TABLE session (id TEXT, directory TEXT, parent_id TEXT, time_created INT);"
            "CREATE TABLE message (id TEXT, session_id TEXT, data TEXT, time_created INT);"
            "CREATE TABLE part (id TEXT, message_id TEXT, data TEXT, time_created INT);"
        )
        for at, (session, parent) in enumerate((("one", None), ("two", None), ("of an agent", "one"))):
            database.execute("INSERT INTO session VALUES (?, '/home/ada/pump', ?, ?)", (session, parent, at))
            for number, message in enumerate(exported["messages"]):
                named, data = f"{session}{number:03}", json.dumps(message["info"])
                database.execute("INSERT INTO message VALUES (?, ?, ?, ?)", (named, session, data, number))
                rows = [(f"{named}{at:03}", named, json.dumps(part), at) for at, part in enumerate(message["parts"])]
                database.executemany("INSERT INTO part VALUES (?, ?, ?, ?)", rows)
        database.commit()
    right = [
        (each.task, each.reward, each.feedback) for each in records(DATA / "opencode" / "session.json", "opencode")
    ]
    found = records(path, "opencode")
    assert [(each.task, each.reward, each.feedback) for each in found] == [*right, *right]
    assert {(each.group or "").split(":")[1] for each in found} == {"one", "two"}
