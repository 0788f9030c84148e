"""The reward of a rollout, in Inspect's form: by a target, a check, a person's function, a judge, or its own chains."""

from __future__ import annotations

import json
import shlex
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeAlias

from inspect_ai.model import ChatMessage, ChatMessageSystem, ChatMessageUser, get_model
from inspect_ai.scorer import Score, Scorer, Target, mean, scorer
from inspect_ai.solver import TaskState

from explib_server.practice.commands import GRADE_SECONDS, grade_of, run_bounded
from explib_server.practice.deep_reasoning import AGREEMENT
from explib_server.practice.rollout_parts import GRADED, NO_REWARD, Batch
from explib_server.practice.rubric import AGAIN, judge_prompt, judged, points_of, read_rubric
from explib_server.practice.scorers import BY_TARGET, Scored, guarded, python_scorer
from explib_server.practice.scorers import Score as ByText
from explib_server.practice.tasks import PracticeTask

Grade: TypeAlias = Callable[[TaskState, PracticeTask], Awaitable[Scored]]
"""What gives a reward, within the library's range."""


@scorer(metrics=[mean()])
def rewarding(batch: Batch) -> Scorer:
    """The reward of a rollout by the named scorer or the check; none where that fails, never 0."""
    grade = _grade(batch)

    async def score(state: TaskState, target: Target) -> Score | None:
        graded = state.store.get(GRADED)
        if state.store.get(NO_REWARD) or (graded is None and grade is None):
            return None
        task = batch.rollouts[str(state.sample_id)].task
        found = Scored(*graded) if grade is None else await grade(state, task)
        if found.reward is None:
            state.store.set(NO_REWARD, found.note)
            return None
        return Score(value=found.reward, answer=state.output.completion, explanation=found.note)

    return score


def _grade(batch: Batch) -> Grade | None:
    """The named scorer; None where there is none, or where it is the group that decides."""
    name, _, argument = (batch.spec.scorer or "").partition(" ")
    match name:
        case "command":
            return _by_command(batch, shlex.split(argument))
        case "rubric":
            return _in_range(batch, _by_judge(batch.spec.judge, argument.strip()))
        case "agreement":
            return _in_range(batch, _by_agreement)
        case "python":
            return _in_range(batch, _by_text(python_scorer(Path(argument))))
    return _in_range(batch, _by_text(BY_TARGET[name])) if name in BY_TARGET else None


def _in_range(batch: Batch, grade: Grade) -> Grade:
    """The grade, which says a share, in the library's range."""
    lowest, width = batch.spec.lowest, batch.spec.highest - batch.spec.lowest

    async def scaled(state: TaskState, task: PracticeTask) -> Scored:
        share, note = await grade(state, task)
        return Scored(None if share is None else lowest + share * width, note)

    return scaled


def _by_text(function: ByText) -> Grade:
    async def grade(state: TaskState, task: PracticeTask) -> Scored:
        return guarded(function, state.output.completion, task)

    return grade


def _by_command(batch: Batch, command: list[str]) -> Grade:
    async def grade(state: TaskState, task: PracticeTask) -> Scored:
        given = json.dumps({"input": task.input, "target": task.target, "answer": state.output.completion})
        ended = await run_bounded(command, batch.folder, {}, GRADE_SECONDS, given)
        return grade_of(ended, batch.spec.lowest, batch.spec.highest)

    return grade


async def _by_agreement(state: TaskState, task: PracticeTask) -> Scored:
    share = state.store.get(AGREEMENT)
    return Scored(share, "the solver has no chains that could agree: name --solver deep" if share is None else "")


def _by_judge(model: str | None, file: str) -> Grade:
    """A judge that sees the task, the rubric and the answer, nothing else; asked once more where a point is left."""
    of_all = read_rubric(Path(file)) if file else ""

    async def grade(state: TaskState, task: PracticeTask) -> Scored:
        points = points_of(task.rubric or of_all)
        told, asked = judge_prompt(task, points, state.output.completion)
        messages: list[ChatMessage] = [ChatMessageSystem(content=told), ChatMessageUser(content=asked)]
        judge = get_model(model) if model else get_model(role="grader")
        said = await judge.generate(messages)
        found = judged(said.completion, len(points))
        if found.reward is None:
            messages += [said.message, ChatMessageUser(content=AGAIN.format(number=len(points)))]
            found = judged((await judge.generate(messages)).completion, len(points))
        return found

    return grade
