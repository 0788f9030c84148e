"""The parts that a rollout adds to an Inspect task: lessons before the solver, a reward after it, and the report."""

from __future__ import annotations

import asyncio
import json
import math
import shlex
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from inspect_ai.hooks import Hooks, SampleEnd, hooks
from inspect_ai.log import EvalSample
from inspect_ai.model import ChatMessage, ChatMessageAssistant, ChatMessageTool, ModelOutput
from inspect_ai.scorer import value_to_float
from inspect_ai.solver import Generate, Solver, TaskState, solver

from explib.models.json_value import Json
from explib_server.practice.commands import GRADE_SECONDS, filled, fresh_copy, grade_of, run_bounded, told_by
from explib_server.practice.journal import WORK
from explib_server.practice.prices import usd_of
from explib_server.practice.protocol import Broken, EngineSpec, Finished, Rollout
from explib_server.practice.scorers import stated
from explib_server.practice.tasks import NAMES

if TYPE_CHECKING:
    from explib_server.practice.engine import Engine

DONE = "explib_done"
"""In a sample's store: its solver came to its end."""
NO_REWARD = "explib_no_reward"
"""In a sample's store: why there is none."""
TOLD = "explib_told"
"""In a sample's store: what a command agent's output tells."""
GRADED = "explib_graded"
"""In a sample's store: what the check said of a command agent's folder."""


class NotBegun(Exception):
    """The loop wants no further rollout."""


@dataclass(slots=True)
class Batch:
    """What is being run, for the hook that Inspect calls without saying for whom."""

    engine: Engine
    spec: EngineSpec
    folder: Path
    """Of the run."""
    rollouts: Mapping[str, Rollout]


class _Reporting:
    batch: Batch | None = None


def report_to(batch: Batch) -> None:
    """From now on samples are rollouts of this batch."""
    _Reporting.batch = batch


@solver
def with_lessons(batch: Batch) -> Solver:
    """Put the lessons before the task's words, unless the loop wants no further rollout."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        if batch.engine.stopping:
            raise NotBegun
        lessons = batch.rollouts[str(state.sample_id)].lessons
        if lessons:
            state.user_prompt.text = f"{lessons}\n\n{state.user_prompt.text}"
        return state

    return solve


@solver
def done() -> Solver:
    """Note that the solver came to its end: what fails after it is the scorer."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        state.store.set(DONE, True)
        return state

    return solve


@solver
def command_agent(batch: Batch) -> Solver:
    """A person's own agent in a fresh copy of the folder, which the check then looks at."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        spec, task = batch.spec, batch.rollouts[str(state.sample_id)].task
        folder = Path(spec.what) if spec.kind == "folder" else None
        place = batch.folder / WORK / uuid4().hex
        env = {"EXPLIB_TASK_ID": task.id, "EXPLIB_TASK": task.input[:100_000], "EXPLIB_TARGET": task.target or ""}
        try:
            await asyncio.to_thread(_prepare, folder, place, spec.grade, task.files)
            command, given = filled(spec.agent or "", state.user_prompt.text)
            ended = await run_bounded(command, place, env, spec.timeout, given)
            if ended.problem and not ended.stopped:
                raise RuntimeError(f"the agent: {ended.problem}")
            told = told_by(ended.out)
            state.store.set(TOLD, [told.tokens_in, told.tokens_out, told.usd, told.messages])
            state.output = ModelOutput.from_content("command", told.answer)
            if ended.stopped:
                state.store.set(NO_REWARD, f"the agent: {ended.stopped}")
            elif spec.grade:
                check = await run_bounded(_from(folder, spec.grade), place, env, GRADE_SECONDS)
                state.store.set(GRADED, list(grade_of(check, spec.lowest, spec.highest)))
        finally:
            await asyncio.to_thread(shutil.rmtree, place, ignore_errors=True)
        return state

    return solve


def _prepare(folder: Path | None, place: Path, grade: str | None, files: Mapping[str, str]) -> None:
    if folder is None:
        place.mkdir(parents=True)
    else:
        fresh_copy(folder, place, (*NAMES, *shlex.split(grade or "")[:1]), files)


def _from(folder: Path | None, command: str) -> list[str]:
    """The command, its program from the folder that the agent did not see, where it is one of that folder's files."""
    words = shlex.split(command)
    own = folder is not None and (folder / words[0]).is_file()
    return [str((folder / words[0]).resolve()) if folder and own else words[0], *words[1:]]


@hooks(name="explib", description="Tells explib practice of each rollout as it ends.")
class _Telling(Hooks):
    async def on_sample_end(self, data: SampleEnd) -> None:
        batch = _Reporting.batch
        if batch is None or str(data.sample.id) not in batch.rollouts:
            return
        sample, rollout = data.sample, batch.rollouts[str(data.sample.id)]
        if sample.error is not None and not sample.store.get(DONE):
            if NotBegun.__name__ not in sample.error.message:
                batch.engine.broken(Broken(rollout.key, sample.error.message[:500]))
            return
        batch.engine.finished(_finished(sample, rollout, batch.spec))


def _finished(sample: EvalSample, rollout: Rollout, spec: EngineSpec) -> Finished:
    told_in, told_out, told_usd, told = sample.store.get(TOLD) or (0, 0, None, None)
    usages = {name: (usage.input_tokens, usage.output_tokens) for name, usage in sample.model_usage.items()}
    prices = [usd_of(name, *tokens) for name, tokens in usages.items()]
    reward, note = _reward(sample, spec)
    said = sample.output.completion[:100_000]
    task: Json = {"role": "user", "content": rollout.task.input}
    messages = [task, *told] if told else [_plain(message, rollout.lessons) for message in sample.messages]
    usd = told_usd if told is not None else None if None in prices else sum(filter(None, prices))
    return Finished(
        rollout.key,
        rollout.task.id,
        messages,
        stated(said) if spec.scorer == "majority" else said,
        reward,
        note[:1_000],
        spec.agent or next(iter(usages), spec.model or ""),
        told_in + sum(tokens for tokens, _ in usages.values()),
        told_out + sum(tokens for _, tokens in usages.values()),
        usd,
        round(sample.total_time or 0.0, 3),
    )


def _reward(sample: EvalSample, spec: EngineSpec) -> tuple[float | None, str]:
    """The value of the sample's first score, and what is said of it; none where the scorer failed or time was up."""
    if sample.error is not None:
        return None, f"the scorer failed: {sample.error.message}"
    if sample.limit is not None:
        return None, f"stopped at its {sample.limit.type} limit"
    if reason := sample.store.get(NO_REWARD):
        return None, str(reason)
    score = next(iter((sample.scores or {}).values()), None)
    if score is None:
        return None, ""
    if isinstance(score.value, (list, dict)):
        return None, "the scorer gives several values: name one by a scorer of its own"
    share = value_to_float()(score.value)
    own = spec.scorer is not None or spec.grade is not None
    value = share if own else spec.lowest + share * (spec.highest - spec.lowest)
    if not math.isfinite(value) or not spec.lowest <= value <= spec.highest:
        return None, f"the scorer gave {score.value}, which is not in the range"
    return value, score.explanation or ""


def _plain(message: ChatMessage, lessons: str) -> Json:
    """A message in OpenAI's shape, without the lessons."""
    text = message.text.replace(f"{lessons}\n\n", "", 1) if lessons and message.role == "user" else message.text
    plain: dict[str, Json] = {"role": message.role, "content": text}
    if isinstance(message, ChatMessageAssistant) and message.tool_calls:
        plain["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.function, "arguments": json.dumps(call.arguments)},
            }
            for call in message.tool_calls
        ]
    if isinstance(message, ChatMessageTool):
        plain["tool_call_id"] = message.tool_call_id
        plain["content"] = text if message.error is None else f"Error: {message.error.message}\n{text}".strip()
    return plain
