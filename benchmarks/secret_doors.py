"""Secrets × doors: tokens of every kind are handed in by each door, and looked for in all that is kept or given out.

    .venv/bin/python benchmarks/secret_doors.py [--show] [--json FILE]

A token of each of about a hundred providers goes in by each door: fields of submissions, tools over MCP, names, a
model's answers and errors. Then every value of every row of the database, packed steps included, of a backup of it,
the lossless export of its library and all that was logged is searched for its last ten characters.
"""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import sys
import tempfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path
from typing import NamedTuple

from fake_secrets import tokens
from mcp import Client
from measuring import keep, parser, show

from explib.models.submissions import RawSubmission
from explib.settings.program import Settings
from explib.storage.maintenance.backup import backup
from explib_learner.model.chat import ChatAnswer, ChatRequest
from explib_learner.model.recorded import RecordedChat
from explib_server.application import Application
from explib_server.auth.callers import shown_name
from explib_server.cli.doctor import TRIAL
from explib_server.compose import open_application
from explib_server.curation.curator import By, curator_of
from explib_server.exporters import lossless
from explib_server.exporters.contents import contents
from explib_server.mcp.server import build_server
from explib_server.telemetry.logs import set_up_logs

ENDING = 10
SUBMITTED = ("answer", "ground_truth", "feedback", "group", "agent", "model", "idempotency_key")


class Row(NamedTuple):
    """A door: tokens that went in by it, and those of them that were found in each place."""

    door: str
    tried: int
    database: int
    backup: int
    export: int
    log: int


class Echo:
    """A model that answers with what it is told to."""

    def __init__(self) -> None:
        self.says = ""

    async def ask(self, _request: ChatRequest) -> ChatAnswer:
        return ChatAnswer(self.says, 1, 1)

    async def close(self) -> None:
        """Nothing is open."""


def drawn() -> Iterator[str]:
    """One new token of each kind."""
    return (token for _, token in tokens())


async def by_submission(application: Application, doors: dict[str, list[str]]) -> None:
    """Every text of a submission, each with a token of its own."""
    library = await application.library()
    named = ("task", "step", "output", "argument", "name of an argument", *SUBMITTED)
    for values in zip(*(drawn() for _ in named), strict=True):
        by = dict(zip(named, values, strict=True))
        for door, token in by.items():
            doors.setdefault(door, []).append(token)
        called = {"command": f"tool {by['argument']}", by["name of an argument"]: "x"}
        steps = [
            {"role": "assistant", "content": f"I use {by['step']} now."},
            {"role": "assistant", "tool_calls": [{"id": "c", "function": {"name": "bash", "arguments": called}}]},
            {"role": "tool", "tool_call_id": "c", "content": json.dumps({"out": f"key:\n{by['output']}\n"})},
        ]
        further = {name: by[name] if name == "idempotency_key" else f"with {by[name]}" for name in SUBMITTED}
        await application.submit(library, RawSubmission(f"Use {by['task']} for it.", steps, **further))


async def by_tools(doors: dict[str, list[str]]) -> None:
    """What agents and people say over MCP."""
    async with Client(build_server(Settings(), "off", "all")) as client:
        calls = {
            "get_experiences": lambda token: {"task": f"pack with {token}"},
            "add_experience": lambda token: {"content": f"When packing, use {token} for the seal.", "reason": token},
            "edit_experience": lambda token: {"id": "e1", "content": f"When shipping, use {token}.", "reason": token},
            "retire_experience": lambda token: {"id": "e1", "reason": f"it says {token}"},
            "vote_experience": lambda token: {"id": "e1", "vote": "up", "reason": f"it says {token}"},
            "create_library": lambda token: {"name": "other", "objective": f"use {token}", "update": True},
            "library_status": lambda token: {"library": token},
        }
        for tool, arguments in calls.items():
            for token in drawn():
                doors.setdefault(tool, []).append(token)
                await client.call_tool(tool, arguments(token))


async def by_others(application: Application, doors: dict[str, list[str]]) -> None:
    """Names of tokens and of authors, a person's reasons, and what a model answers."""
    library, store, model = await application.library(), application.store, Echo()
    curator, chat = curator_of(application), RecordedChat(model, store.model_calls, None, 1, store.clock)
    for number, (name, author, reason, answer) in enumerate(zip(drawn(), drawn(), drawn(), drawn(), strict=True)):
        for door, token in {
            "name of a token": name,
            "author": author,
            "reason": reason,
            "a model's answer": answer,
        }.items():
            doors.setdefault(door, []).append(token)
        await store.tokens.create(shown_name(f"ci {name}"), "read", None, None)
        by = By(f"ann {author}", f"since {reason}")
        text = f"When sealing parcels, press for {number + 2} seconds."
        await curator.edit(library, "e1", text, by)
        model.says = json.dumps({"lesson": f"use {answer}"})
        await chat.ask(TRIAL)


def database_text(path: Path) -> str:
    """Every value of every row; packed steps unpacked."""
    with sqlite3.connect(path) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        rows = (row for table in tables for row in connection.execute(f'SELECT * FROM "{table}"'))
        return "\n".join(_text(value) for row in rows for value in row)


def _text(value: object) -> str:
    if isinstance(value, bytes):
        if value[:1] == b"z":
            value = zlib.decompress(value[1:])
        return value.decode("utf-8", "replace")
    return str(value)


async def measured() -> tuple[list[Row], Mapping[str, Sequence[str]]]:
    """A row a door, and what was kept of it."""
    log, doors = StringIO(), dict[str, list[str]]()
    with redirect_stderr(log):
        set_up_logs(Settings(log_level="DEBUG"))
    with tempfile.TemporaryDirectory() as folder:
        file, copy = Path(folder, "library.db"), Path(folder, "backup.db")
        os.environ |= {"EXPLIB_DATABASE_URL": f"sqlite+aiosqlite:///{file}", "EXPLIB_EMBEDDER": "none"}
        async with open_application(Settings()) as application:
            library = await application.library()
            await curator_of(application).add(library, "When packing, weigh the parcel first.", By("a person"))
            await by_submission(application, doors)
            await by_tools(doors)
            await by_others(application, doors)
            exported = lossless.EXPORTER.write(await contents(application.store, await application.library(), None))
            await backup(application.store, copy, lambda *_: None)
        places = [database_text(file), database_text(copy), exported, log.getvalue()]
    kept = {
        door: [each for each in given if any(each[-ENDING:] in text for text in places)]
        for door, given in doors.items()
    }
    rows = [
        Row(door, len(given), *(sum(each[-ENDING:] in text for each in given) for text in places))
        for door, given in doors.items()
    ]
    return rows, kept


def main() -> int:
    """Print the table; exit code 1 where a secret was kept."""
    options = parser(__doc__)
    options.add_argument("--show", action="store_true", help="name what was kept")
    asked = options.parse_args()
    rows, kept = asyncio.run(measured())
    total = Row("all", *(sum(row[at] for row in rows) for at in range(1, 6)))
    show("Secrets handed in, and kept", Row._fields, [*rows, total])
    keep(asked.json, rows)
    if asked.show:
        print("\n".join(f"{door}: {each}" for door, found in kept.items() for each in found))
    return 1 if any(kept.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
