"""`explib import`: graded logs into a library."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from explib.errors import ExplibError
from explib.models.libraries import Library
from explib.models.submissions import RawSubmission
from explib.text.words import number_of
from explib_server.application import Application
from explib_server.cli.run import LibraryOption, run, say
from explib_server.importers.formats import read
from explib_server.importers.records import BadRecord, FieldNames, Record

SAME_NAMES = ("reward", "answer", "ground_truth", "feedback", "retrieval_id", "group", "agent", "model")


@dataclass(slots=True)
class Tally:
    """What became of the records."""

    stored: int = 0
    graded: int = 0
    duplicates: int = 0
    bad: int = 0
    redactions: int = 0


def import_files(
    files: Annotated[list[Path], typer.Argument(help="JSON or JSONL files.")],
    library: LibraryOption = None,
    format_name: Annotated[
        str, typer.Option("--format", help="auto, tau-bench, explib, openai or anthropic.")
    ] = "auto",
    reward_field: Annotated[str, typer.Option(help="Where the reward is; a.b reaches into objects.")] = "reward",
    group_by: Annotated[str, typer.Option(help="Where the group's key is.")] = "group",
    task_field: Annotated[str, typer.Option(help="Where the task's text is.")] = "task",
) -> None:
    """Import graded trajectories. A library that doesn't exist is created; importing twice changes nothing."""
    fields = FieldNames(reward_field=reward_field, group_by=group_by, task_field=task_field)

    from rich.console import Console
    from rich.progress import Progress

    async def work(application: Application) -> Tally:
        name = library or application.settings.library
        await application.store.libraries.find(name)  # raises where it can't be a name
        tally = Tally()
        with Progress(console=Console(stderr=True), disable=not sys.stderr.isatty()) as progress:
            for path in files:
                records = list(read(path, format_name, fields))
                chosen = await application.store.libraries.ensure(name, application.settings.library_defaults())
                for record in progress.track(records, description=path.name):
                    await _import(application, chosen, record, tally)
        return tally

    tally = run(work)
    say(
        f"{number_of(tally.stored, 'trajectory', 'trajectories')} stored ({tally.graded} graded), "
        f"{tally.duplicates} equal to stored ones, {tally.bad} bad, {number_of(tally.redactions, 'secret')} redacted"
    )
    if tally.stored and not tally.graded:
        say(f"none of them has a reward in the field {reward_field!r}: see --reward-field, or report rewards later")
    if tally.bad:
        raise typer.Exit(1)


async def _import(application: Application, library: Library, record: Record | BadRecord, tally: Tally) -> None:
    if isinstance(record, BadRecord):
        _report(record.position, record.reason, tally)
        return
    raw = RawSubmission(
        task=record.task,
        trajectory=record.trajectory,
        idempotency_key=record.idempotency_key,
        **{name: getattr(record, name) for name in SAME_NAMES},
    )
    try:
        if record.library is not None:
            library = await application.store.libraries.ensure(record.library, application.settings.library_defaults())
        receipt = await application.submit(library, raw)
    except ExplibError as error:
        _report(record.position, str(error), tally)
        return
    tally.duplicates += receipt.duplicate
    tally.stored += not receipt.duplicate
    tally.graded += not receipt.duplicate and record.reward is not None
    tally.redactions += 0 if receipt.duplicate else receipt.redactions


def _report(position: str, reason: str, tally: Tally) -> None:
    tally.bad += 1
    typer.echo(f"{position}: {reason}", err=True)
