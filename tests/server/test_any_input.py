"""Whatever is typed into a tool or a command: both engines keep the same of it, or refuse it in the same words."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from mcp import Client
from postgresql_server import PostgresqlServer
from results import text_of
from server.cli_cases import Explib, explib
from sqlalchemy import Column, select

from explib.settings.program import Settings
from explib.storage.store import Store, open_store
from explib.storage.tables.experiences import experiences, votes
from explib.storage.tables.libraries import libraries
from explib.storage.tables.revisions import operations, revisions
from explib.storage.tables.trajectories import groups, trajectories
from explib_server.auth.callers import LOCAL_USER, acting_as
from explib_server.mcp.server import build_server

__all__ = ["explib"]
TEXTS = (
    "", " ", "a\0b", "\ud800x", "x\udfff", "\ufffe\U0010ffff", "x" * 201, "é" * 1_001, "w " * 60_000, "\u202ea\u2028b",
    "👩\u200d👩\u200d👧", "İıſß", "'; DROP TABLE votes; --", "%s {x} :y \\ $1", "\x1b[31m", "e٣", "e1\0", "e²",
    "e99999999999999999999", "p99999999999999999999", "a" * 64,
)  # fmt: skip
NUMBERS = (0, -1, 2**31, 2**63, -(2**63) - 1, 10**30, math.nan, math.inf, -math.inf, 1e308, -0.0, 5e-324)
LESSON = "When you ship {}, weigh parcel {} first."
CALLS: dict[str, dict[str, object]] = {
    "get_experiences": {"task": "ship", "library": "default", "limit": 3},
    "submit_trajectory": {
        "task": "ship",
        "trajectory": "did it",
        "reward": 1.0,
        "answer": "a",
        "ground_truth": "g",
        "feedback": "f",
        "group": "g",
        "library": "default",
        "agent": "me",
        "model": "m",
        "idempotency_key": "k",
        "retrieval_id": None,
    },
    "report_reward": {"reward": 1.0, "trajectory_id": "t_1", "retrieval_id": None, "feedback": "f", "signature": "s"},
    "library_status": {"library": "default"},
    "list_experiences": {"library": "default", "status": "active", "limit": 5, "after": "e1"},
    "add_experience": {"content": "When it is {}, rest.", "reason": "r", "library": "default"},
    "edit_experience": {"id": "e1", "content": LESSON, "reason": "r", "expected_version": None, "library": "default"},
    "retire_experience": {"id": "e2", "reason": "r", "expected_version": 7, "library": "default"},
    "review_experience": {"id": "e1", "decision": "approve", "reason": "r", "content": None, "library": "default"},
    "history": {"library": "default", "limit": 1, "before": 3},
    "revert": {"revision": 1, "reason": "r", "expected_revision": 99, "library": "default"},
    "vote_experience": {"id": "e1", "vote": "up", "reason": "r", "library": "default"},
    "list_libraries": {"limit": 1, "after": "a"},
    "create_library": {"name": "l{}", "settings": {}, "update": False},
    "learn_now": {"library": "default"},
    "next_analysis": {"library": "default", "call_id": "c"},
    "answer_analysis": {"call_id": "c", "response": "{}"},
}
NUMERIC = {"limit", "expected_version", "before", "revision", "expected_revision", "reward"}
SETTINGS = ("reward_min", "reward_max", "holdout", "group_size", "max_experiences", "serve_tokens", "answer_share")
KEPT = (
    "submission_key", "task", "reward", "answer", "ground_truth", "feedback", "agent", "model", "submitter", "graded_by"
)  # fmt: skip
STORED: tuple[tuple[Column[object], ...], ...] = (
    (votes.c.experience_id, votes.c.version, votes.c.voter, votes.c.up, votes.c.reason, votes.c.content),
    (experiences.c.id, experiences.c.content, experiences.c.status, experiences.c.version),
    (revisions.c.number, revisions.c.cause, revisions.c.author),
    (operations.c.number, operations.c.operation),
    (libraries.c.name, libraries.c.settings),
    (groups.c.key, groups.c.task, groups.c.size, groups.c.graded, groups.c.reward_total),
    tuple(trajectories.c[name] for name in KEPT),
)
ANY_ID = re.compile(r"\b[trk]_[0-9a-f]{21}|g_[0-9a-f]+|\d{4}-\d\d-\d\d \d\d:\d\d")
Said = tuple[str, str]


def hostile(tool: str, argument: str) -> Iterator[object]:
    if argument == "settings":
        yield from ({name: value} for name in ("objective", "learning_objective") for value in TEXTS)
        yield from ({name: value} for name in SETTINGS for value in NUMBERS)
    elif argument != "update":
        yield from NUMBERS if argument in NUMERIC else TEXTS


def calls() -> Iterator[tuple[str, dict[str, object]]]:
    """Each tool with each of its arguments in turn replaced by each hostile value; no two calls say the same."""
    number = 0
    for tool, usual in CALLS.items():
        for argument in usual:
            for value in hostile(tool, argument):
                number += 1
                filled = {
                    name: each.replace("{}", str(number)) if isinstance(each, str) and each != "{}" else each
                    for name, each in usual.items()
                    if each is not None
                }
                if tool == "submit_trajectory":
                    filled["idempotency_key"] = f"k{number}"
                if argument == "retrieval_id":
                    filled.pop("trajectory_id", None)
                yield tool, {**filled, argument: value}


async def stored(store: Store) -> list[list[str]]:
    """What is kept, without what differs from one run to the next."""
    kept = []
    async with store.database.read() as connection:
        for columns in STORED:
            found = await connection.execute(select(*columns))
            kept.append(sorted(ascii(tuple(row)) for row in found))
    return kept


async def sweep(url: str, monkeypatch: pytest.MonkeyPatch) -> tuple[list[Said], list[list[str]]]:
    monkeypatch.setenv("EXPLIB_DATABASE_URL", url)
    monkeypatch.setenv("EXPLIB_EMBEDDER", "none")
    said: list[Said] = []
    with acting_as(LOCAL_USER):  # an agent could only propose
        async with Client(build_server(Settings(), "off", "all")) as client:
            await _call_everything(client, said)
    async with open_store(url) as store:
        return said, await stored(store)


async def _call_everything(client: Client, said: list[Said]) -> None:
    for number in range(3):
        await client.call_tool("add_experience", {"content": LESSON.format(number, number)})
    for tool, arguments in calls():
        answer = await client.call_tool(tool, arguments)
        text = text_of(answer)
        said.append((tool, ANY_ID.sub("…", text)))
        assert not (answer.is_error and internal(tool, text)), (tool, ascii(arguments)[:2_000], text)


def internal(tool: str, text: str) -> bool:
    """Whether an error is a defect: the server hides it, or hands on what the database says."""
    return text == f"Error executing tool {tool}" or "explib doctor" in text


async def test_tools_keep_the_same_of_any_input_on_both_engines(
    tmp_path: Path, postgresql: PostgresqlServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_sqlite = await sweep(f"sqlite+aiosqlite:///{tmp_path / 'sweep.db'}", monkeypatch)
    with postgresql.database() as url:
        on_postgresql = await sweep(url, monkeypatch)
    assert len(on_sqlite[0]) > 1_000
    for here, there in zip(on_sqlite[0], on_postgresql[0], strict=True):
        assert here == there
    for kept, kept_too in zip(on_sqlite[1], on_postgresql[1], strict=True):
        assert kept == kept_too
    assert all(on_sqlite[1])


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
@pytest.mark.parametrize(
    "command",
    [
        ("status", "--library", "TEXT"),
        ("history", "--library", "TEXT"),
        ("history", "--limit", "9" * 30),
        ("diff", "1", "9" * 30),
        ("revert", "9" * 30),
        ("experiences", "show", "TEXT"),
        ("experiences", "add", "When you {}, rest.", "--author", "TEXT", "--reason", "TEXT"),
        ("experiences", "edit", "TEXT", "When you ship, rest."),
        ("experiences", "review", "p" + "9" * 30, "approve"),
        ("experiences", "vote", "e1", "up", "--reason", "TEXT"),
        ("experiences", "vote", "TEXT", "up"),
        ("libraries", "create", "TEXT"),
        ("libraries", "create", "airline", "objective=TEXT"),
        ("token", "create", "--library", "default", "--scope", "read", "--name", "TEXT"),
        ("token", "revoke", "TEXT"),
        ("db", "prune", "--older-than", "nan"),
        ("import", "TEXT"),
    ],
    ids=" ".join,
)
def test_a_command_does_it_or_says_in_a_line_why_not(
    url: str, command: tuple[str, ...], explib: Explib, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXPLIB_DATABASE_URL", url)
    assert explib("experiences", "add", "When you ship, weigh first.").code == 0
    for text in ("a\udcffb", "\ufffe", "x" * 300, "é" * 1_001, "e٣", "'; --", "e" + "9" * 20):
        said = explib(*(each.replace("TEXT", text).replace("{}", f"ship {len(text)}") for each in command))
        told = said.err.strip().splitlines()
        assert said.code == 0 or (told and "Traceback" not in said.err), said
        assert "explib doctor" not in said.err
        assert said.code in {0, 1, 2}
    assert explib("db", "check").code == 0


def test_text_that_is_none_is_refused_but_any_file_may_be_read(explib: Explib, tmp_path: Path) -> None:
    refused = explib("experiences", "add", "When you ship \udcff, rest.")
    assert (refused.code, refused.out) == (1, "")
    assert "is not text in UTF-8: type it again" in refused.err
    assert explib("experiences", "list").out.strip() == "no experiences yet"
    attempts = tmp_path / "of\udcff.jsonl"
    attempts.write_text('{"task": "ship", "trajectory": "did it", "reward": 1}\n')
    assert explib("import", str(attempts)).code == 0
