"""`explib import`: logs that people have into a library."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated

import typer

from explib.errors import InvalidInput
from explib.text.words import number_of
from explib_server.application import Application
from explib_server.auth.callers import user_name
from explib_server.cli.imported_lessons import learn_from_import
from explib_server.cli.run import LibraryOption, run, say
from explib_server.curation.adopting import Adopted, adopt
from explib_server.curation.curator import By
from explib_server.importers.intake import Intake
from explib_server.importers.logs import read, read_scores
from explib_server.importers.preview import Preview
from explib_server.importers.records import BadRecord, Options, Record
from explib_server.importers.rewards import pass_if as condition
from explib_server.importers.sessions.places import moment, session_files
from explib_server.importers.sessions.seen import SessionsSeen
from explib_server.importers.sources import ImportRun, Source
from explib_server.importers.tally import Problems, Tally
from explib_server.program import load_settings

INTERRUPTED = 130
"""The exit code after ctrl-C."""


def import_files(
    files: Annotated[
        list[str] | None,
        typer.Argument(help="Files, folders, patterns, or - for standard input; with --sessions the clients."),
    ] = None,
    library: LibraryOption = None,
    format_name: Annotated[
        str, typer.Option("--format", help="How the files are written; auto tells it from each. See docs/importing.md.")
    ] = "auto",
    sessions: Annotated[
        bool, typer.Option("--sessions", help="Sessions of coding agents, from where they keep them.")
    ] = False,
    since: Annotated[str | None, typer.Option(help="Sessions since a date, or of the last 7d, 12h.")] = None,
    project: Annotated[Path | None, typer.Option(help="Sessions of this folder.")] = None,
    reward_field: Annotated[
        str | None, typer.Option(help="Where the reward is: reward, scores.accuracy.value, scores[name=correct].")
    ] = None,
    pass_if: Annotated[str | None, typer.Option(help="Make it 1 or 0: '>=0.5', '>0', '==1'.")] = None,
    scores: Annotated[Path | None, typer.Option(help="A file of rewards, or a SWE-bench report.")] = None,
    score_key: Annotated[str | None, typer.Option(help="The field that names an attempt there and here.")] = None,
    group_by: Annotated[str | None, typer.Option(help="Where the group's key is.")] = None,
    task_field: Annotated[str | None, typer.Option(help="Where the task's text is.")] = None,
    response_field: Annotated[str | None, typer.Option(help="Where a table keeps the answer.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be stored; store nothing.")] = False,
    learns: Annotated[
        bool, typer.Option("--learn/--no-learn", help="Learn at once from sessions that were imported.")
    ] = True,
) -> None:
    """Import attempts, or the lessons of an export. A library that doesn't exist is made; importing again corrects.

    Sessions go to the libraries of the projects that they were in.
    """
    threshold = None if pass_if is None else condition(pass_if)
    options = Options(reward_field, group_by, task_field, response_field, threshold, score_key, project)
    import_run = ImportRun(options)
    if scores is not None:
        read_scores(Source(scores, scores.name, import_run))
    given = files or []
    if sessions:
        clients = [name for name in given if name != "all"]
        given = session_files(clients, None if since is None else moment(since))
    if not given:
        raise InvalidInput("There is nothing to import: name files, folders or -, or pass --sessions.")
    records = read(given, import_run, format_name)
    seen = SessionsSeen(load_settings(), library) if sessions else None
    if seen is not None:
        records = seen.destined(records)
    if dry_run:
        problems = _preview(records, import_run, given, seen)
    else:
        problems = _store(records, import_run, given, library, seen, learns=learns)
    if import_run.ungrouped:
        without = number_of(import_run.ungrouped, "attempt")
        say(f"{without} without the field {options.group_by!r} of --group-by: grouped by the task")
    if import_run.ignored:
        names = ", ".join(f"{name} ({number:,})" for name, number in import_run.ignored.most_common(12))
        say(f"fields that are not read: {names}")
    if problems.counts:
        raise typer.Exit(1)


def _preview(
    records: Iterable[Record | BadRecord], import_run: ImportRun, given: list[str], seen: SessionsSeen | None
) -> Problems:
    preview, problems = Preview(), Problems()
    with _progress(import_run, given):
        for record in records:
            if isinstance(record, BadRecord):
                problems.add(record)
            else:
                for line in preview.add(record):
                    say(line)
    lessons = number_of(len(import_run.lessons), "lesson")
    told = [f"would add {lessons} as candidates"] if import_run.lessons else []
    summary = preview.summary() if preview.number else ()
    for line in (*summary, *told, *(seen.summary() if seen else ()), *problems.lines()):
        say(line)
    return problems


def _store(
    records: Iterable[Record | BadRecord],
    import_run: ImportRun,
    given: list[str],
    library: str | None,
    seen: SessionsSeen | None,
    *,
    learns: bool,
) -> Problems:
    tally, adopted = Tally(), list[Adopted]()

    async def work(application: Application) -> None:
        name = library or application.project.library
        await application.store.libraries.find(name)  # raises where it can't be a name
        intake = Intake(application, name, tally)
        with _progress(import_run, given):
            await intake.take_all(records)
        if import_run.lessons:
            target = await application.store.libraries.ensure(name, application.settings.library_defaults())
            by = By(user_name())
            adopted.append(await adopt(application.store, target, import_run.lessons, by))
        if seen is not None:
            for line in (*seen.summary(), str(tally)):
                say(line)
            if learns:
                await learn_from_import(application, seen.libraries)

    try:
        run(work)
    except KeyboardInterrupt:
        say(f"stopped: {tally}; import again to go on, nothing is stored twice")
        raise typer.Exit(INTERRUPTED) from None
    for refused in (problem for each in adopted for problem in each.refused):
        tally.problems.add(refused)
    problems = list(tally.problems.lines())
    if problems and not tally.read and not adopted:
        raise InvalidInput("\n".join(problems))
    for line in problems:
        typer.echo(line, err=True)
    if seen is not None:
        return tally.problems
    for line in (*([str(tally)] if tally.read or not adopted else []), *map(str, adopted)):
        say(line)
    if tally.stored and not tally.graded:
        where = (
            f"in the field {import_run.options.reward_field!r}" if import_run.options.reward_field else "that was found"
        )
        say(f"none of them has a reward {where}: see --reward-field and --scores, or report rewards later")
    return tally.problems


@contextmanager
def _progress(import_run: ImportRun, given: list[str]) -> Iterator[None]:
    """A bar over the bytes that are read, where somebody looks at it."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True) as progress:
        sizes: list[int] = []
        with suppress(OSError):  # what cannot be looked at is told when it is read
            sizes = [path.stat().st_size for path in map(Path, given) if path.is_file()]
        whole = sum(sizes) if len(sizes) == len(given) else None
        task = progress.add_task(number_of(len(given), "place") if whole is None else "importing", total=whole)

        def advance(number: int) -> None:
            progress.advance(task, number)

        import_run.advance = advance
        yield
