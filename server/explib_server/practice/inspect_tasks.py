"""Practice as an Inspect task: a person's own, or one made of a file of tasks; its samples are rollouts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from inspect_ai import Task, eval_async, task_with
from inspect_ai._eval.loader import load_tasks
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import get_model
from inspect_ai.solver import Solver, generate

from explib.errors import InvalidInput
from explib_server.practice.deep_reasoning import deep_reasoning
from explib_server.practice.depth import read_depth
from explib_server.practice.grading import rewarding
from explib_server.practice.journal import LOGS
from explib_server.practice.protocol import EngineSpec, Rollout
from explib_server.practice.rollout_parts import Batch, command_agent, done, report_to, with_lessons
from explib_server.practice.tasks import PracticeTask, digest_of

if TYPE_CHECKING:
    from explib_server.practice.engine import Engine

MODEL_RETRIES = 4
"""Further tries of a model call: then the rollout is broken, and the run can go on later."""


@dataclass(frozen=True, slots=True)
class RolloutTask:
    """An Inspect task whose samples are rollouts."""

    spec: EngineSpec
    engine: Engine
    task: Task
    tasks: list[PracticeTask]
    held_out: list[PracticeTask]
    samples: dict[str, Sample]

    async def run(self, folder: Path, rollouts: Sequence[Rollout]) -> str:
        """Run a batch; each rollout is told as it ends. The reason where Inspect could not run it at all."""
        batch = Batch(self.engine, self.spec, folder, {rollout.key: rollout for rollout in rollouts})
        report_to(batch)
        spec, own = self.spec, self.spec.kind == "inspect"
        work = command_agent(batch) if spec.agent else _deep(spec.solver) if spec.solver else self.task.solver
        task = task_with(
            copy(self.task),  # it changes what it is given
            dataset=MemoryDataset([self._sample(rollout) for rollout in rollouts]),
            solver=[with_lessons(batch), work, done()],
            scorer=self.task.scorer if own and not spec.scorer else rewarding(batch),
            epochs=1,
            fail_on_error=False,
            name=Path(spec.what).stem if not own else self.task.name,
        )
        logs = await eval_async(
            task,
            model=spec.model or self.task.model,
            log_dir=str(folder / LOGS),
            max_samples=spec.concurrency,
            max_connections=spec.concurrency,
            max_retries=MODEL_RETRIES,
            time_limit=None if spec.agent else math.ceil(spec.timeout),
            temperature=spec.temperature,
            log_realtime=False,
            ctl_server=False,
            score_display=False,
        )
        return next((log.error.message for log in logs if log.error is not None), "")

    def _sample(self, rollout: Rollout) -> Sample:
        known = self.samples.get(rollout.task.id)
        if known is None:
            return Sample(id=rollout.key, input=rollout.task.input, target=rollout.task.target or "")
        return known.model_copy(update={"id": rollout.key})


def _deep(solver: str) -> Solver:
    depth = read_depth(solver)
    return deep_reasoning(depth.chains, depth.most, depth.rounds)


def load(spec: EngineSpec, engine: Engine) -> RolloutTask:
    """The task that is named. Raises InvalidInput."""
    if spec.judge:
        _check_judge(spec.judge)
    if spec.kind != "inspect":
        return RolloutTask(spec, engine, Task(solver=generate()), [], [], {})
    found = _load(spec.what)
    if not found.scorer and not spec.scorer:
        raise InvalidInput(f"{spec.what} has no scorer, so nothing is graded: name one by --scorer.")
    samples = _samples(found)
    held_out = _samples(_load(spec.held_out)) if spec.held_out else {}
    if both := samples.keys() & held_out.keys():
        raise InvalidInput(f"Held-out samples have the ids of practised ones: {', '.join(sorted(both)[:3])}.")
    tasks = [_task(name, sample) for name, sample in samples.items()]
    out = [_task(name, sample) for name, sample in held_out.items()]
    return RolloutTask(spec, engine, found, tasks, out, {**samples, **held_out})


def _check_judge(name: str) -> None:
    try:
        get_model(name)
    except Exception as error:  # a provider may raise anything where its key or package is missing
        raise InvalidInput(f"--judge {name} cannot be asked ({type(error).__name__}: {error}).") from error


def _load(name: str) -> Task:
    try:
        found = load_tasks([name])
    except Exception as error:  # loading a task runs a person's own code
        raise InvalidInput(f"{name} cannot be loaded ({type(error).__name__}: {error}).") from error
    if len(found) != 1:
        raise InvalidInput(f"{name} names {len(found)} Inspect tasks: name one, as file.py@task.")
    return found[0]


def _samples(task: Task) -> dict[str, Sample]:
    return {_sample_id(sample): sample for sample in task.dataset}


def _sample_id(sample: Sample) -> str:
    return str(sample.id) if sample.id is not None else digest_of([_text(sample), str(sample.target)])


def _text(sample: Sample) -> str:
    if isinstance(sample.input, str):
        return sample.input
    return next((message.text for message in reversed(sample.input) if message.role == "user"), "")


def _task(name: str, sample: Sample) -> PracticeTask:
    target = sample.target if isinstance(sample.target, str) else "\n".join(sample.target)
    tools = (sample.metadata or {}).get("tools") or ()
    rubric = str((sample.metadata or {}).get("rubric") or "") or None
    return PracticeTask(name, _text(sample), target or None, {}, tuple(map(str, tools)), rubric)
