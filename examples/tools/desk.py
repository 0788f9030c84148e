"""The order desk as an Inspect task, with the demo's scripted agent: offline, without any model.

explib practice examples/tools/desk.py@practice --held-out examples/tools/desk.py@held_out --yes
"""

from __future__ import annotations

import json
import os
from typing import cast

from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import ChatMessage, ChatMessageAssistant, ChatMessageTool, ModelOutput
from inspect_ai.scorer import Score, Scorer, Target, mean, scorer
from inspect_ai.solver import Generate, Solver, TaskState, solver
from inspect_ai.tool import ToolCall

from explib.models.json_value import Json
from explib_server.demo.agent import attempt
from explib_server.demo.desk import TOOLS
from explib_server.demo.tasks import DeskTask, Dice, held_out_tasks, practice_tasks

SEED = int(os.environ.get("DESK_SEED", "1"))
"""Another number makes other orders."""


@task
def practice() -> Task:
    """Twenty requests to practise on."""
    return _desk(practice_tasks(SEED, 20))


@task
def held_out() -> Task:
    """Forty requests in other words about other orders."""
    return _desk(held_out_tasks(SEED, 40))


def _desk(tasks: list[DeskTask]) -> Task:
    return Task(MemoryDataset([_sample(each) for each in tasks]), solver=scripted_agent(), scorer=points())


def _sample(desk_task: DeskTask) -> Sample:
    metadata = {"family": desk_task.family, "facts": desk_task.facts, "tools": list(TOOLS)}
    return Sample(id=desk_task.key, input=desk_task.text, metadata=metadata)


@solver
def scripted_agent() -> Solver:
    """The demo's agent: it follows the lessons in its prompt, good ones and bad ones."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        desk_task = DeskTask(state.input_text, state.metadata["family"], "", state.metadata["facts"])
        advice = state.user_prompt.text.removesuffix(state.input_text)
        made = attempt(desk_task, advice, Dice(str(state.sample_id)))
        state.messages += [_message(message) for message in made.messages[1:]]
        state.output = ModelOutput.from_content("scripted", made.answer)
        state.store.set("points", made.reward)
        return state

    return solve


def _message(message: dict[str, Json]) -> ChatMessage:
    """A message of OpenAI's shape as Inspect has it."""
    text = str(message["content"] or "")
    if message["role"] == "tool":
        return ChatMessageTool(content=text, tool_call_id=str(message["tool_call_id"]))
    calls = cast("list[dict[str, dict[str, str]]]", message.get("tool_calls") or [])
    made = [
        ToolCall(
            id=str(call["id"]), function=call["function"]["name"], arguments=json.loads(call["function"]["arguments"])
        )
        for call in calls
    ]
    return ChatMessageAssistant(content=text, tool_calls=made or None)


@scorer(metrics=[mean()])
def points() -> Scorer:
    """The work that the desk saw done, 0 to 1."""

    async def score(state: TaskState, target: Target) -> Score:
        return Score(value=state.store.get("points"))

    return score
