"""`explib practice`: rollouts of a set of tasks, learning between them, and the proof."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from explib.errors import InvalidInput
from explib.text.words import number_of
from explib_learner.pipeline import Run
from explib_server.application import Application
from explib_server.cli.run import JsonOption, LibraryOption, run, say
from explib_server.practice.announcement import plan_text
from explib_server.practice.gate import read_gate
from explib_server.practice.loop import Progress
from explib_server.practice.plan import Batch, Options, Plan
from explib_server.practice.prices import Spent, read_budget
from explib_server.practice.protocol import Broken, Finished
from explib_server.practice.report import Report, gate_problem, report_json, report_text
from explib_server.practice.scorers import NAMES
from explib_server.practice.session import Asked, NotWanted, Stopped, hold_session
from explib_server.practice.sharing import Joining, join_run
from explib_server.render.learning import run_text
from explib_server.render.picture import check_picture

INTERRUPTED = 130
"""The exit code after ctrl-C."""


def practice(
    what: Annotated[
        str | None,
        typer.Argument(help="A .jsonl or .csv of tasks, a folder for an agent, or an Inspect task: file.py@task."),
    ] = None,
    scorer: Annotated[
        str | None,
        typer.Option(help=f"{', '.join(NAMES)}; 'python FILE', 'command CMD', 'rubric FILE'. Default: by the targets."),
    ] = None,
    judge: Annotated[str | None, typer.Option(help="The model of --scorer rubric; default: --model.")] = None,
    solver: Annotated[
        str | None, typer.Option(help="How the model goes about it: deep, or 'deep chains=3 most=9 rounds=3'.")
    ] = None,
    agent: Annotated[
        str | None, typer.Option(help="A program that does each task in a fresh copy: 'claude -p {prompt}'.")
    ] = None,
    grade: Annotated[
        str | None, typer.Option(help="A check of its folder: './check.sh', by a printed number or the exit code.")
    ] = None,
    model: Annotated[str | None, typer.Option(help="provider/name, as Inspect takes it.")] = None,
    temperature: Annotated[float | None, typer.Option(min=0, max=5, help="Of the rollouts; default: the model's.")] = (
        None
    ),
    rollouts: Annotated[int, typer.Option(min=1, max=1_000, help="Attempts at each task.")] = 5,
    epochs: Annotated[int, typer.Option(min=1, max=1_000, help="Times through the tasks.")] = 1,
    batch: Annotated[int, typer.Option(min=1, help="Tasks between two times of learning.")] = 20,
    tasks: Annotated[int | None, typer.Option(min=1, help="Only the first so many.")] = None,
    held_out: Annotated[
        str | None, typer.Option(help="Tasks for the proof: a file, or a share like 0.25 of the tasks.")
    ] = None,
    prove: Annotated[
        bool, typer.Option("--prove", help="Learn nothing: attempt the tasks with and without the library.")
    ] = False,
    control: Annotated[
        bool, typer.Option("--control", help="Shuffle the rewards, in a library of its own: there must be no gain.")
    ] = False,
    lesson: Annotated[
        str | None, typer.Option(help="Prove one lesson, e7: the library with it against the library without it.")
    ] = None,
    halves: Annotated[
        int, typer.Option(min=0, help="After the proof so many rollouts by halves of the library: which lessons harm?")
    ] = 0,
    gate: Annotated[
        bool, typer.Option("--gate", help="Exit 1 where the --export of this branch scores below the one at --base.")
    ] = False,
    export: Annotated[
        str, typer.Option(help="For --gate: an export of the library in the repository.")
    ] = "lessons.json",
    base: Annotated[str, typer.Option(help="For --gate: the commit to compare with.")] = "origin/main",
    library: LibraryOption = None,
    budget: Annotated[str | None, typer.Option(help="The most to spend: 5usd, 2Mtok.")] = None,
    concurrency: Annotated[int, typer.Option(min=1, max=1_000, help="Rollouts at a time.")] = 10,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds of one rollout.")] = 600.0,
    run_name: Annotated[str | None, typer.Option("--run", help="A name for another run of the same tasks.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Take held-out tasks that are practised too.")] = False,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw learning and lessons: FILE ends in .png or .svg.")
    ] = None,
    join: Annotated[
        str | None, typer.Option(metavar="RUN", help="Make rollouts of a run that goes on elsewhere on the database.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Begin without asking.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Attempt tasks, learn from the rewards, attempt again, and prove it. The same command goes on where it stopped."""
    if join is not None:
        _take_part(Joining(join, what, concurrency), library)
        return
    if plot is not None:
        check_picture(plot)
    if what is None:
        raise InvalidInput("Name what is practised: a file of tasks, a folder, or an Inspect task.")
    gated = read_gate(export, base) if gate else None
    if gated is not None and gated.is_unchanged:
        say(f"gate: {export} holds the same as at {base}, so there is nothing to compare")
        return
    options = Options(
        what, scorer, agent, grade, rollouts, epochs, batch, tasks, held_out, prove or gate or lesson is not None,
        control, model, temperature, concurrency, timeout, read_budget(budget) if budget else None, run_name, force,
        solver=solver, judge=judge, halves=halves, lesson=lesson, gate=gated,
    )  # fmt: skip

    def agree(plan: Plan, each: Spent | None, done: int) -> bool:
        typer.echo(plan_text(plan, each, done), err=True)
        if yes or done == plan.practised + plan.proved:
            return True
        if not sys.stdin.isatty():
            raise InvalidInput("Nobody is there to ask: pass --yes to begin.")
        return typer.confirm("Begin?", err=True)

    async def work(application: Application, progress: Progress) -> Report:
        return await hold_session(application, options, library, Asked(agree, progress, plot))

    problem = ""
    try:
        with _progress() as progress:
            report = run(lambda application: work(application, progress))
    except NotWanted:
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        say("stopped; the same command goes on, and makes nothing twice that was finished")
        raise typer.Exit(INTERRUPTED) from None
    except Stopped as stopped:
        report, problem = stopped.report, str(stopped)
    say(json.dumps(report_json(report), indent=1) if as_json else report_text(report))
    if problem := problem or gate_problem(report):
        typer.echo(f"explib: {problem}", err=True)
        raise typer.Exit(1)


def _take_part(given: Joining, library: str | None) -> None:
    async def work(application: Application) -> int:
        return await join_run(application, await application.library(library), given, progress)

    with _progress() as progress:
        made = run(work)
    say(f"run {given.run} has ended; made here: {number_of(made, 'rollout')}")


@contextmanager
def _progress() -> Iterator[Progress]:
    """A line that counts rollouts, where somebody looks at it; what was learned above it."""
    from rich.console import Console

    console = Console(stderr=True, highlight=False)
    made, rewards, cost = 0, list[float](), Spent()
    with console.status("") as status:

        def rollout(finished: Finished) -> None:
            nonlocal made, cost
            made, cost = made + 1, cost + Spent(finished.tokens_in + finished.tokens_out, finished.usd)
            rewards.extend([] if finished.reward is None else [finished.reward])
            mean = f"mean reward {sum(rewards) / len(rewards):.3f}" if rewards else "no reward yet"
            status.update(f"{made} rollouts, {mean}, {cost}")

        def broken(rollout: Broken) -> None:
            console.print(f"broke: {rollout.reason}", markup=False)

        def learned(learning: Run) -> None:
            console.print(run_text(learning), markup=False)

        def batch(next_batch: Batch) -> None:
            status.update(f"epoch {next_batch.epoch}, batch {next_batch.number}")

        yield Progress(rollout, broken, learned, batch)
