"""The plan of a run: which rollouts, of what, with which keys."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from explib.errors import InvalidInput
from explib.models.trajectories import RewardSource
from explib.text.words import number_of
from explib_server.practice.depth import read_depth
from explib_server.practice.prices import Budget
from explib_server.practice.rubric import check_rubrics
from explib_server.practice.scorers import COMPARING, NAMES, SOURCES, fitting
from explib_server.practice.tasks import (
    SHOWN,
    Kind,
    PracticeTask,
    digest_of,
    held_out_share,
    kind_of,
    read_tasks,
    shared_tasks,
    tasks_file,
)

if TYPE_CHECKING:
    from explib_server.practice.gate import Gate

ARMS, HALVES = ("with", "without"), ("one", "other")
"""The sides of a pair of the proof, and of two halves of the library: parts of their rollouts' names."""


@dataclass(frozen=True, slots=True)
class Options:
    """What a person asks for."""

    what: str
    scorer: str | None = None
    agent: str | None = None
    grade: str | None = None
    rollouts: int = 5
    epochs: int = 1
    batch: int = 20
    tasks: int | None = None
    held_out: str | None = None
    prove: bool = False
    control: bool = False
    model: str | None = None
    temperature: float | None = None
    concurrency: int = 10
    timeout: float = 600.0
    """Seconds of one rollout."""
    budget: Budget | None = None
    run: str | None = None
    force: bool = False
    halves: int = 0
    """Rollouts by halves of the library."""
    lesson: str | None = None
    """The one that is proved."""
    gate: Gate | None = None
    solver: str | None = None
    judge: str | None = None

    @property
    def kind(self) -> Kind:
        """What is named. Raises InvalidInput."""
        return kind_of(self.what)

    @property
    def place(self) -> str:
        """The named file or folder, absolute; an Inspect task as it was named."""
        return self.what if self.kind == "inspect" else str(Path(self.what).resolve())

    def checked_scorer(self, tasks: list[PracticeTask]) -> str | None:
        """The scorer that is named, or that fits the tasks. Raises InvalidInput."""
        if self.grade and self.scorer:
            raise InvalidInput("--grade and --scorer both give rewards: name one of them.")
        if self.scorer is None:
            return None if self.grade or self.kind == "inspect" else fitting(tasks)
        name, _, argument = self.scorer.partition(" ")
        if name not in NAMES:
            raise InvalidInput(f"There is no scorer {name!r}: {', '.join(NAMES)}.")
        if name == "rubric":
            check_rubrics(tasks, argument.strip())
        elif (name in {"python", "command"}) != bool(argument.strip()):
            needs = "needs its file or command" if name in {"python", "command"} else "takes nothing more"
            raise InvalidInput(f"--scorer {name} {needs}: --scorer 'python grade.py', 'command ./grade.sh', exact.")
        if name in COMPARING:
            fitting(tasks)
        return self.scorer


@dataclass(frozen=True, slots=True)
class Batch:
    """Some tasks of one epoch."""

    epoch: int
    number: int
    tasks: tuple[PracticeTask, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """A run, the same for the same tasks, options and library: so the same command goes on with it."""

    options: Options
    library: str
    tasks: list[PracticeTask]
    held_out: list[PracticeTask]
    scorer: str | None
    run: str = field(default="")

    def batches(self) -> Iterator[Batch]:
        """Every batch, in order; none where nothing is practised."""
        if self.options.prove:
            return
        for epoch in range(1, self.options.epochs + 1):
            for number, start in enumerate(range(0, len(self.tasks), self.options.batch), 1):
                yield Batch(epoch, number, tuple(self.tasks[start : start + self.options.batch]))

    def key(self, task: PracticeTask, epoch: int, rollout: int) -> str:
        """The idempotency key of a practised rollout."""
        return f"practice:{self.run}:{task.id}:{epoch}:{rollout}"

    def proof_key(self, task_id: str, arm: str, rollout: int) -> str:
        """The name of a rollout of the proof."""
        return f"proof:{self.run}:{task_id}:{arm}:{rollout}"

    def proof_keys(self, task_id: str) -> list[tuple[str, str]]:
        """The names of both rollouts of each pair of a task."""
        one, other = ARMS
        numbers = range(1, self.options.rollouts + 1)
        return [(self.proof_key(task_id, one, each), self.proof_key(task_id, other, each)) for each in numbers]

    def group(self, task: PracticeTask, epoch: int) -> str:
        """The group of a task's rollouts in one epoch."""
        return f"practice:{self.run}:{task.id}:{epoch}"

    @property
    def reward_source(self) -> RewardSource:
        """Who says the rewards."""
        return SOURCES.get((self.scorer or "").partition(" ")[0], "environment")

    @property
    def practised(self) -> int:
        """Rollouts that are learned from."""
        return 0 if self.options.prove else len(self.tasks) * self.options.epochs * self.options.rollouts

    @property
    def proved(self) -> int:
        """Rollouts of the proof, paired, and of the halves."""
        return len(ARMS) * len(self.held_out) * self.options.rollouts + self.options.halves


def make_plan(options: Options, library: str, tasks: list[PracticeTask], held_out: Sequence[PracticeTask] = ()) -> Plan:
    """The plan for these tasks; `held_out` are those of an Inspect task. Raises InvalidInput."""
    if options.kind == "folder" and not options.agent:
        raise InvalidInput(
            f"{options.what} is a folder: name the agent that works in it, --agent 'claude -p {{prompt}}'."
        )
    if options.agent and not (options.grade or options.scorer):
        raise InvalidInput("Nothing grades what the agent does: name --grade './check.sh' or --scorer.")
    if options.kind == "tasks" and not options.agent and not options.model:
        raise InvalidInput("Nothing attempts the tasks: name --model provider/name, or --agent COMMAND.")
    _check_proof(options)
    _check_thought(options)
    tasks = tasks[: options.tasks]
    out = tasks if options.prove else list(held_out)
    if options.held_out and not options.prove:
        tasks, out = (tasks, _apart(options, tasks, out)) if out else _held_out(options, tasks)
    scorer = options.checked_scorer([*tasks, *out])
    if scorer == "majority" and out:
        raise InvalidInput("--scorer majority tells no right from wrong, so it proves nothing: leave --held-out out.")
    plan = Plan(options, library, tasks, out, scorer)
    return replace(plan, run=options.run or digest_of(_identity(plan)))


def _check_proof(options: Options) -> None:
    """Raises InvalidInput where what is to be proved does not go together."""
    several = [name for name, given in (("--lesson", options.lesson), ("--gate", options.gate)) if given]
    if several and options.control:
        raise InvalidInput(f"{several[0]} and --control compare different things: name one of them.")
    if len(several) > 1 or (several and options.halves):
        raise InvalidInput("--lesson, --gate and --halves compare different things: name one of them.")
    if options.halves and not (options.prove or options.held_out):
        raise InvalidInput("--halves are rollouts of held-out tasks: name them by --held-out, or pass --prove.")
    if options.halves % len(HALVES):
        raise InvalidInput(
            f"--halves {options.halves}: a half and its complement are two rollouts: name an even number."
        )


def _check_thought(options: Options) -> None:
    """Raises InvalidInput where the solver, or who judges, does not go with the rest."""
    if options.solver is not None:
        read_depth(options.solver)
        if options.agent:
            raise InvalidInput("--solver is for a model and --agent is a program of its own: name one of them.")
    scorer = (options.scorer or "").partition(" ")[0]
    if scorer == "rubric" and options.agent and not options.judge:
        raise InvalidInput("--scorer rubric needs a model that judges: name --judge provider/name.")
    if options.judge and scorer != "rubric":
        raise InvalidInput("--judge is the model of --scorer rubric: name both.")
    if scorer == "agreement" and not options.solver and options.kind != "inspect":
        raise InvalidInput("--scorer agreement counts the chains of a rollout that agree: name --solver deep too.")


def _held_out(options: Options, tasks: list[PracticeTask]) -> tuple[list[PracticeTask], list[PracticeTask]]:
    given = options.held_out or ""
    try:
        share = float(given.removesuffix("%")) / (100 if given.endswith("%") else 1)
    except ValueError:
        return tasks, _apart(options, tasks, read_tasks(tasks_file(given)))
    if not 0 < share < 1:
        raise InvalidInput("--held-out is a file, or a share between 0 and 1, e.g. 0.25.")
    return held_out_share(tasks, share)


def _apart(options: Options, tasks: list[PracticeTask], held_out: list[PracticeTask]) -> list[PracticeTask]:
    """The held-out tasks. Raises InvalidInput where some are practised too."""
    refuse_known(options, shared_tasks((task.input for task in tasks), held_out), "are practised too")
    return held_out


def refuse_known(options: Options, known: Sequence[PracticeTask], why: str) -> None:
    """Raises InvalidInput where held-out tasks are none, unless that is wanted."""
    if known and not options.force:
        named = ", ".join(task.id for task in known[:SHOWN])
        raise InvalidInput(
            f"{number_of(len(known), 'held-out task')} {why} ({named}), so a gain on them proves nothing: take them "
            "out, or pass --force."
        )


def _identity(plan: Plan) -> object:
    options = plan.options
    return [
        plan.library,
        [[task.id, task.digest] for task in plan.tasks],
        [[task.id, task.digest] for task in plan.held_out],
        [plan.scorer, options.agent, options.grade, options.model, options.temperature, options.rollouts],
        [options.prove, options.control, options.lesson, *filter(None, (options.solver, options.judge))],
        None if options.gate is None else [options.gate.mine, options.gate.main],
    ]
