"""One start of a run: its plan, its lease, its engine; practice first, then proof, then the report."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from explib.errors import ExplibError, InvalidInput
from explib.models.json_value import Json
from explib.models.libraries import Library, LibrarySettings
from explib_server.application import Application
from explib_server.practice.announcement import guess
from explib_server.practice.commands import located
from explib_server.practice.engine_process import EngineProcess, engine_process
from explib_server.practice.gate import BRANCH, gate_application
from explib_server.practice.halves import enter_lesson, make_halves
from explib_server.practice.journal import WORK, Journal, practice_folder
from explib_server.practice.loop import MakesRollouts, Practice, Progress, Rollouts
from explib_server.practice.plan import Options, Plan, make_plan, refuse_known
from explib_server.practice.prices import Spent
from explib_server.practice.proof import prove
from explib_server.practice.protocol import EngineSpec
from explib_server.practice.report import Report, make_report, report_json
from explib_server.practice.sharing import AHEAD, LeadingEngine, Shared
from explib_server.practice.tasks import read_tasks, shared_tasks, tasks_file
from explib_server.render.evidence import library_evidence

CONTROL = ".control"
"""Ends the name of the library that a control teaches."""
MOST_REVISIONS = 500


class NotWanted(Exception):
    """The person said no to the plan."""


@dataclass(slots=True)
class Asked:
    """What a start is told by whoever made it."""

    agree: Callable[[Plan, Spent | None, int], bool]
    """Shown the plan, what one rollout may cost and how many are finished: whether to go on."""
    progress: Progress = field(default_factory=Progress)
    plot: Path | None = None
    """Where the picture goes."""


class Stopped(Exception):
    """A run that was stopped by the error that caused this; what was finished is in the report."""

    def __init__(self, report: Report, reason: ExplibError) -> None:
        super().__init__(str(reason))
        self.report = report
        self.reason = reason


async def hold_session(application: Application, options: Options, library: str | None, asked: Asked) -> Report:
    """Run a plan to its end, or on from where it stopped.

    Raises NotWanted, our errors before the first rollout, and after it Stopped.
    """
    place = practice_folder(application.settings.database_url)
    name = (library or application.project.library) + (CONTROL if options.control else "")
    async with AsyncExitStack() as stack:
        if options.gate is not None:
            name = BRANCH
            application = await stack.enter_async_context(gate_application(application.settings, options.gate))
        known = await (application.store.libraries.get if options.prove else application.store.libraries.find)(name)
        settings = known.settings if known is not None else application.settings.library_defaults()
        start = partial(_start_engine, stack, place, options, settings)
        engine = await start(options.scorer) if options.kind == "inspect" else None
        given = engine.tasks if engine is not None else read_tasks(tasks_file(options.what))
        plan = make_plan(options, name, given, engine.held_out if engine is not None else ())
        if known is not None:
            seen = [group.task for group in await application.store.groups.all(known)]
            refuse_known(options, shared_tasks(seen, plan.held_out), f"are in attempts of library {name} already")
        journal = stack.enter_context(closing(Journal(place / plan.run)))
        each = journal.mean_cost or guess(plan, [*plan.tasks, *plan.held_out])
        if not asked.agree(plan, each, len(journal.finished)):
            raise NotWanted
        target = await _library(application, plan)
        (journal.folder / "run.json").write_text(json.dumps(_record(plan), indent=1), encoding="utf-8")
        shutil.rmtree(journal.folder / WORK, ignore_errors=True)  # of a start that was killed

        shared = Shared(application.store.practice, target, plan.run)

        async def begin() -> MakesRollouts:
            nonlocal engine
            engine = engine or await start(plan.scorer)
            return LeadingEngine(engine, shared, AHEAD * options.concurrency) if is_shared else engine

        is_shared = application.settings.database_url.startswith("postgres")
        rollouts = Rollouts(plan, journal, begin, asked.progress, each)
        problem: ExplibError | None = None
        await application.store.practice.begin(target, plan.run, _spec(options, settings, plan.scorer).fields())
        try:
            await shared.gather(journal)
            await Practice(application, rollouts, asked.progress).practise(target.name)
            await prove(application, rollouts, target.name)
            if options.lesson:
                await enter_lesson(application, rollouts, target.name)
            if options.halves:
                await make_halves(application, rollouts, target.name)
        except ExplibError as error:
            problem = error
        finally:
            report = await _report(application, rollouts, name, asked.plot)
    if problem is not None:
        raise Stopped(report, problem) from problem
    return report


async def _report(application: Application, rollouts: Rollouts, name: str, plot: Path | None) -> Report:
    """What came of it so far, also in the library's history, and drawn."""
    plan, journal, store = rollouts.plan, rollouts.journal, application.store
    target = await store.libraries.get(name)
    revisions = await store.revisions.history(target, MOST_REVISIONS)
    report = make_report(plan, journal, target, revisions, rollouts.broken)
    told = report_json(report)
    await store.practice.end(target, plan.run, told)
    (journal.folder / "report.json").write_text(json.dumps(told, indent=1), encoding="utf-8")
    if plot is not None:
        from explib_server.render.practice_plot import draw_practice

        draw_practice(report, await library_evidence(store, target), plot)
    return report


async def _start_engine(
    stack: AsyncExitStack, place: Path, options: Options, settings: LibrarySettings, scorer: str | None
) -> EngineProcess:
    engine = await stack.enter_async_context(engine_process(place))
    await engine.begin(_spec(options, settings, scorer))
    return engine


def _spec(options: Options, settings: LibrarySettings, scorer: str | None) -> EngineSpec:
    return EngineSpec(
        options.kind,
        options.place,
        scorer,
        located(options.agent) if options.agent else None,
        options.grade,
        options.model,
        options.temperature,
        options.concurrency,
        options.timeout,
        settings.reward_min,
        settings.reward_max,
        options.held_out if options.held_out and "@" in options.held_out else None,
        options.solver,
        options.judge,
    )


async def _library(application: Application, plan: Plan) -> Library:
    """The library to practise, made where there is none."""
    defaults = application.settings.library_defaults()
    if plan.scorer == "majority":
        defaults = defaults.model_copy(update={"label_free": True})
    library = await application.store.libraries.ensure(plan.library, defaults)
    if plan.scorer == "majority" and not library.settings.label_free:
        raise InvalidInput(
            f"--scorer majority needs a library that learns without rewards: `explib libraries set {plan.library} "
            "label_free=on`, or name a new one by --library."
        )
    return library


def _record(plan: Plan) -> Json:
    """The plan of a run for whoever reads its folder later."""
    options = plan.options
    return {
        "run": plan.run,
        "library": plan.library,
        "what": options.what,
        "tasks": [task.id for task in plan.tasks],
        "held_out": [task.id for task in plan.held_out],
        "scorer": plan.scorer,
        "grade": options.grade,
        "agent": options.agent,
        "model": options.model,
        "temperature": options.temperature,
        "rollouts": options.rollouts,
        "epochs": options.epochs,
        "batch": options.batch,
        "control": options.control,
        "halves": options.halves,
        "lesson": options.lesson,
        "gate": None if options.gate is None else [options.gate.file, options.gate.base],
    }
