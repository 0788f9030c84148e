"""The plan of a run: which rollouts, of what, with which keys; and what is said of it before it begins."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from math import sqrt
from pathlib import Path

from explib.errors import InvalidInput
from explib.text.words import number_of
from explib_server.practice.prices import Budget, Spent, rollouts_cost, usd_of
from explib_server.practice.scorers import COMPARING, NAMES, fitting
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

GUESSED_ANSWER = 1_000
"""Tokens that a rollout is guessed to write before one has been seen."""
GUESSED_LESSONS = 600
CHARACTERS_PER_TOKEN = 4
DETECTS = 2.8
"""Standard errors of a gain that is found in 80 % of runs by a 95 % interval: 1.96 + 0.84."""
SPREAD_BINARY, SPREAD_GRADED = 0.5, 0.23
"""Standard deviations of a reward that is passed or failed, and of a share of some five checks."""


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
        if (name in {"python", "command"}) != bool(argument.strip()):
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

    def proof_key(self, task: PracticeTask, arm: str, rollout: int) -> str:
        """The name of a rollout of the proof."""
        return f"proof:{self.run}:{task.id}:{arm}:{rollout}"

    def group(self, task: PracticeTask, epoch: int) -> str:
        """The group of a task's rollouts in one epoch."""
        return f"practice:{self.run}:{task.id}:{epoch}"

    @property
    def practised(self) -> int:
        """Rollouts that are learned from."""
        return 0 if self.options.prove else len(self.tasks) * self.options.epochs * self.options.rollouts

    @property
    def proved(self) -> int:
        """Rollouts of the proof: with and without, paired."""
        return 2 * len(self.held_out) * self.options.rollouts


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
    tasks = tasks[: options.tasks]
    out = tasks if options.prove else list(held_out)
    if options.held_out and not options.prove:
        tasks, out = (tasks, _apart(options, tasks, out)) if out else _held_out(options, tasks)
    scorer = options.checked_scorer([*tasks, *out])
    if scorer == "majority" and out:
        raise InvalidInput("--scorer majority tells no right from wrong, so it proves nothing: leave --held-out out.")
    plan = Plan(options, library, tasks, out, scorer)
    return replace(plan, run=options.run or digest_of(_identity(plan)))


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
    both = shared_tasks(tasks, held_out)
    if both and not options.force:
        named = ", ".join(task.id for task in both[:SHOWN])
        raise InvalidInput(
            f"{number_of(len(both), 'held-out task')} are practised too ({named}), so a gain on them proves nothing: "
            "take them out, or pass --force."
        )
    return held_out


def _identity(plan: Plan) -> object:
    options = plan.options
    return [
        plan.library,
        [[task.id, task.digest] for task in plan.tasks],
        [[task.id, task.digest] for task in plan.held_out],
        [plan.scorer, options.agent, options.grade, options.model, options.temperature, options.rollouts],
        [options.prove, options.control],
    ]


def guess(plan: Plan, tasks: Sequence[PracticeTask]) -> Spent | None:
    """What one rollout may cost, before one was seen; None where that is not to be guessed."""
    if plan.options.agent or not plan.options.model:
        return None
    characters = sum(len(task.input) for task in tasks) / max(len(tasks), 1)
    tokens_in = round(characters / CHARACTERS_PER_TOKEN) + GUESSED_LESSONS
    usd = usd_of(plan.options.model, tokens_in, GUESSED_ANSWER)
    return Spent(tokens_in + GUESSED_ANSWER, usd)


def detectable_gain(pairs: int, spread: float) -> float:
    """The gain that so many pairs show in 80 % of runs, as a share of the range."""
    return DETECTS * spread * sqrt(2 / max(pairs, 1))


def plan_text(plan: Plan, each: Spent | None, done: int) -> str:
    """What will be done, in lines for a person."""
    options, lines = plan.options, [f"run {plan.run}, library {plan.library}"]
    who = options.agent or options.model or "the model of the Inspect task"
    if plan.practised:
        lines.append(
            f"practise {number_of(len(plan.tasks), 'task')} × {number_of(options.rollouts, 'rollout')} × "
            f"{number_of(options.epochs, 'epoch')} = {plan.practised}, in batches of {options.batch}, by {who}; "
            "learning after each batch"
        )
    if options.control:
        lines.append("control: rewards are shuffled within each batch, in a library of its own")
    if plan.held_out:
        pairs = len(plan.held_out) * options.rollouts
        lines.append(
            f"prove on {number_of(len(plan.held_out), 'task')}: {pairs} pairs, with and without the library; shows a "
            f"gain of {detectable_gain(pairs, SPREAD_BINARY):.2f} (pass or fail) or "
            f"{detectable_gain(pairs, SPREAD_GRADED):.2f} (several checks) of the range in 4 of 5 runs"
        )
    lines.append(f"graded by {plan.scorer or options.grade or 'the scorer of the Inspect task'}")
    if done:
        lines.append(f"goes on: {done} of {plan.practised + plan.proved} rollouts are finished already")
    lines.append(_cost_text(plan, each, plan.practised + plan.proved - done))
    return "\n".join(lines)


def _cost_text(plan: Plan, each: Spent | None, left: int) -> str:
    bound = f"; at most {plan.options.budget}" if plan.options.budget else ""
    if each is None:
        return f"cost: not known before the first batch{bound}"
    return f"cost: about {rollouts_cost(left, each)} for {number_of(left, 'rollout')}, learning not counted{bound}"
