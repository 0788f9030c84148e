"""`explib db upgrade|backup|restore|check|copy|prune|purge`: looking after the database."""

from __future__ import annotations

import asyncio
import json
import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from explib.errors import InvalidInput
from explib.text.words import number_of
from explib_server.cli.run import JsonOption, run, say
from explib_server.program import load_settings

if TYPE_CHECKING:
    from explib.storage.maintenance.check import Defect
    from explib.storage.maintenance.copy import Progress
    from explib_server.application import Application

DAY_SECONDS = 86_400

app = typer.Typer(
    help="Upgrade, back up, check, copy, prune and purge the database.", no_args_is_help=True, add_completion=False
)


@app.command("upgrade")
def upgrade() -> None:
    """Bring the tables to this version (every other command does so too)."""

    async def work(application: Application) -> str:
        return application.store.database.dialect.describe()

    say(f"up to date: {run(work)}")


@app.command("backup")
def backup(
    file: Annotated[Path, typer.Argument(help="A new file; it is an SQLite database, whatever the engine.")],
) -> None:
    """Write everything into one file, as of one moment, while everything runs."""
    from explib.storage.maintenance.backup import backup as write_backup

    async def work(application: Application) -> None:
        with _progress() as progress:
            await write_backup(application.store, file, progress)

    run(work, "existing")
    say(f"{file}: {file.stat().st_size:,} bytes. `explib db restore {file}` brings it into an empty database.")


@app.command("restore")
def restore(file: Annotated[Path, typer.Argument(help="What `explib db backup` wrote.")]) -> None:
    """Check a backup and bring it into the configured database, which must be new."""
    from explib.storage.maintenance.backup import restore as read_backup

    async def work(application: Application) -> dict[str, int]:
        with _progress() as progress:
            return await read_backup(file, application.store, progress)

    say(_copied(run(work)))


@app.command("copy")
def copy(
    source: Annotated[
        str, typer.Argument(metavar="FROM", help="Database URL, sqlite+aiosqlite or postgresql+asyncpg.")
    ],
    target: Annotated[str, typer.Argument(metavar="TO", help="URL of a new database.")],
) -> None:
    """Copy a whole deployment from one database into another, losslessly. Stop its servers first: what they store
    meanwhile is not copied.
    """
    from explib.storage.maintenance.copy import copy as copy_all
    from explib.storage.store import open_store

    if source == target:
        raise InvalidInput("FROM and TO are the same database: give another one as TO.")

    async def work() -> dict[str, int]:
        async with open_store(source, access="existing") as read, open_store(target) as written:
            with _progress() as progress:
                return await copy_all(read.database, written.database, progress)

    load_settings()
    say(_copied(asyncio.run(work())))


@app.command("check")
def check(
    deep: Annotated[bool, typer.Option("--deep", help="Read every trajectory's steps, too.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Look for inconsistencies in the database; exit code 1 if there is one."""
    from explib.storage.maintenance.check import check as find

    async def work(application: Application) -> list[Defect]:
        return await find(application.store.database, deep=deep)

    defects = run(work, "existing")
    if as_json:
        say(json.dumps([asdict(defect) for defect in defects], indent=2))
    else:
        say("\n".join(map(_defect_text, defects)) or "OK: no problems found")
    if defects:
        sys.exit(1)


@app.command("prune")
def prune(
    older_than: Annotated[
        float | None, typer.Option(metavar="DAYS", help="Default: EXPLIB_RETENTION_DAYS.", min=0)
    ] = None,
) -> None:
    """Delete the steps of old trajectories; keep their tasks, rewards and lessons."""

    async def work(application: Application) -> int:
        days = application.settings.retention_days if older_than is None else older_than
        if days is None:
            raise InvalidInput("Give an age in days: `--older-than 90`, or set EXPLIB_RETENTION_DAYS.")
        if not math.isfinite(days):
            raise InvalidInput(f"Invalid --older-than {days}: give a number of days, e.g. 90.")
        before = application.store.clock() - days * DAY_SECONDS
        libraries = await application.store.libraries.all()
        return sum([await application.store.trajectories.prune(library, before) for library in libraries])

    say(f"Deleted the steps of {number_of(run(work, 'existing'), 'trajectory', 'trajectories')}.")


@app.command("purge")
def purge() -> None:
    """Rewrite the database's file without the bytes of what was deleted; deletions do so themselves."""
    rest = run(lambda application: application.store.deletions.purge(), "existing")
    say(rest or "The file holds nothing of what was deleted.")


def _copied(rows: dict[str, int]) -> str:
    by_table = ", ".join(f"{count:,} {table}" for table, count in rows.items() if count)
    return f"{number_of(sum(rows.values()), 'row')}: {by_table or 'the database was empty'}"


def _defect_text(defect: Defect) -> str:
    examples = ", ".join(defect.examples) + (", …" if defect.count > len(defect.examples) else "")
    return f"FAIL {defect.count} × {defect.what}: {examples}\n     {defect.advice}"


@contextmanager
def _progress() -> Iterator[Progress]:
    """A bar for each table, on a terminal."""
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (*Progress.get_default_columns()[:-1], MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not sys.stderr.isatty()) as bars:
        tasks = {}

        def show(table: str, done: int, total: int) -> None:
            if table not in tasks:
                tasks[table] = bars.add_task(table, total=total)
            bars.update(tasks[table], completed=done)

        yield show
