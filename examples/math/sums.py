"""Sums with Python at hand, as an Inspect task with a scripted model: offline, without any key. Graded by value.

    explib practice examples/math/sums.py@practice --held-out examples/math/sums.py@held_out --scorer number --yes

With a key, by a real model (its programs then run in a container, `SUMS_SANDBOX=docker`), and without Python:

    explib practice examples/math/sums.py@practice --held-out examples/math/sums.py@held_out --scorer number \
        --model openai/gpt-5-nano
    explib practice examples/math/tasks.jsonl --held-out examples/math/held_out.jsonl --model openai/gpt-5-nano
"""

from __future__ import annotations

import os
import random
import re
from pathlib import Path

from inspect_ai import Task, task
from inspect_ai.dataset import json_dataset
from inspect_ai.model import ChatMessage, ChatMessageTool, GenerateConfig, ModelOutput, ModelUsage, get_model
from inspect_ai.solver import generate, use_tools
from inspect_ai.tool import ToolChoice, ToolInfo, python

HERE = Path(__file__).parent
USAGE = ModelUsage(input_tokens=200, output_tokens=20, total_tokens=220)
SANDBOX = os.environ.get("SUMS_SANDBOX", "local")
"""Where programs run: `local` is this machine, which is for the scripted model's only."""
SECONDS = 60


@task
def practice() -> Task:
    return _sums("tasks.jsonl")


@task
def held_out() -> Task:
    return _sums("held_out.jsonl")


def _sums(name: str) -> Task:
    model = get_model("mockllm/model", custom_outputs=scripted)
    solver = [use_tools(python(timeout=SECONDS)), generate()]
    return Task(json_dataset(str(HERE / name)), solver=solver, sandbox=SANDBOX, model=model)


def scripted(
    messages: list[ChatMessage], tools: list[ToolInfo], choice: ToolChoice, config: GenerateConfig
) -> ModelOutput:
    """Writes a program where a lesson says so, else as often as not counts in its head, where it is mostly wrong."""
    if isinstance(messages[-1], ChatMessageTool):
        return _said(ModelOutput.from_content("scripted", f"The answer is {messages[-1].text.strip()}."))
    lessons, _, asked = messages[-1].text.rpartition("</explib-lessons>")
    a, b, c = map(int, re.findall(r"\d+", asked))
    dice = random.Random(os.urandom(8))
    advised = any("python" in line and " not " not in line for line in lessons.splitlines())
    if advised or dice.random() < 0.4:
        return _said(ModelOutput.for_tool_call("scripted", "python", {"code": f"print({a} * {b} - {c})"}))
    off = dice.choice((0, 10, -10, 100, -100))
    return _said(ModelOutput.from_content("scripted", f"The answer is {a * b - c + off}."))


def _said(output: ModelOutput) -> ModelOutput:
    output.usage = USAGE
    return output
