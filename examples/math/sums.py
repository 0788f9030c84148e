"""Sums with a calculator at hand, as an Inspect task with a scripted model: offline, without any key.

    explib practice examples/math/sums.py@practice --held-out examples/math/sums.py@held_out --scorer number --yes

With a key the same numbers without the calculator, by a real model:

    explib practice examples/math/tasks.jsonl --held-out examples/math/held_out.jsonl --model openai/gpt-5-nano
"""

from __future__ import annotations

import ast
import operator
import os
import random
import re
from pathlib import Path

from inspect_ai import Task, task
from inspect_ai.dataset import json_dataset
from inspect_ai.model import ChatMessage, ChatMessageTool, GenerateConfig, ModelOutput, ModelUsage, get_model
from inspect_ai.solver import generate, use_tools
from inspect_ai.tool import Tool, ToolChoice, ToolInfo, tool

HERE = Path(__file__).parent
USAGE = ModelUsage(input_tokens=200, output_tokens=20, total_tokens=220)
SIGNS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul}


@task
def practice() -> Task:
    return _sums("tasks.jsonl")


@task
def held_out() -> Task:
    return _sums("held_out.jsonl")


def _sums(name: str) -> Task:
    model = get_model("mockllm/model", custom_outputs=scripted)
    return Task(json_dataset(str(HERE / name)), solver=[use_tools(calculate()), generate()], model=model)


@tool
def calculate() -> Tool:
    async def execute(expression: str) -> str:
        """Work out an expression of whole numbers with +, - and *.

        Args:
            expression: For example 12 * 7 - 5.
        """
        return str(_value(ast.parse(expression, mode="eval").body))

    return execute


def _value(node: ast.expr) -> int:
    if isinstance(node, ast.BinOp):
        return int(SIGNS[type(node.op)](_value(node.left), _value(node.right)))
    return int(ast.literal_eval(node))


def scripted(
    messages: list[ChatMessage], tools: list[ToolInfo], choice: ToolChoice, config: GenerateConfig
) -> ModelOutput:
    """Calculates where a lesson says so, else as often as not in its head, where it is mostly wrong."""
    if isinstance(messages[-1], ChatMessageTool):
        return _said(ModelOutput.from_content("scripted", f"The answer is {messages[-1].text}."))
    lessons, _, asked = messages[-1].text.rpartition("</explib-lessons>")
    a, b, c = map(int, re.findall(r"\d+", asked))
    dice = random.Random(os.urandom(8))
    if dice.random() < 0.4 or ("calculate" in lessons and "do not" not in lessons):
        return _said(ModelOutput.for_tool_call("scripted", "calculate", {"expression": f"{a} * {b} - {c}"}))
    off = dice.choice((0, 10, -10, 100, -100))
    return _said(ModelOutput.from_content("scripted", f"The answer is {a * b - c + off}."))


def _said(output: ModelOutput) -> ModelOutput:
    output.usage = USAGE
    return output
