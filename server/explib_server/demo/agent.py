"""The scripted agent: it plans at random where it must guess, and keeps the plan that follows most of the advice.

Bad advice is followed like good advice. Nothing in here knows the desk's conventions.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeVar

from explib.models.json_value import Json
from explib_server.demo.advice import Plan, PlannedCall, read_advice
from explib_server.demo.desk import TOOLS, OrderDesk, ToolResult
from explib_server.demo.tasks import DeskTask, Dice, Family

DRAWS = 60
"""Plans that the agent thinks of when it has advice."""
T = TypeVar("T")
LOOK_UP: Sequence[tuple[list[str], float]] = (
    ([], 0.33),
    (["get_customer"], 0.24),
    (["get_order"], 0.22),
    (["get_customer", "get_order"], 0.11),
    (["get_order", "get_customer"], 0.10),
)
COURTESY: Sequence[tuple[list[str], float]] = (([], 0.7), (["notify_customer"], 0.3))
WIND_UP: Sequence[tuple[list[str], float]] = (
    (["notify_customer", "close_ticket"], 0.68),
    (["close_ticket", "notify_customer"], 0.32),
)
WAYS: dict[Family, tuple[Sequence[tuple[list[str], float]], ...]] = {
    "address": (LOOK_UP, ((["update_address"], 1.0),), COURTESY),
    "cancel": (LOOK_UP, ((["cancel_order"], 1.0),), COURTESY),
    "refund": (LOOK_UP, ((["refund_order"], 0.7), (["quick_refund"], 0.3)), WIND_UP),
    "ship": (
        LOOK_UP,
        ((["check_stock"], 0.5), ([], 0.5)),
        ((["reserve_stock", "ship_order"], 0.62), (["ship_order", "reserve_stock"], 0.14), (["ship_order"], 0.24)),
    ),
    "discount": (
        (([], 0.6), (["get_customer"], 0.4)),
        (
            (["apply_discount", "quote_shipping"], 0.4),
            (["apply_discount", "get_order", "quote_shipping"], 0.22),
            (["quote_shipping", "apply_discount"], 0.24),
            (["quote_shipping", "apply_discount", "get_order"], 0.14),
        ),
    ),
    "reply": (LOOK_UP, WIND_UP),
}
"""The variants of each step of each family's tasks, with their weights; all look sensible."""
RECOVERIES: Sequence[tuple[tuple[tuple[str, ...], bool], float]] = (
    ((("unlock_order",), True), 0.42),
    ((("get_order",), True), 0.16),
    ((("get_customer",), True), 0.08),
    (((), True), 0.18),
    (((), False), 0.16),
)
"""The variants of a reaction to an error: other tools, and if the same call is made again."""


@dataclass(frozen=True, slots=True)
class DeskAttempt:
    """One finished attempt: an OpenAI-shaped conversation, the reward of the desk's state, and the agent's answer."""

    messages: list[dict[str, Json]]
    reward: float
    answer: str


def attempt(task: DeskTask, advice: str, rng: Random) -> DeskAttempt:
    """Do one task at a fresh desk, after reading the advice (an empty text: none)."""
    desk = OrderDesk(task)
    messages: list[dict[str, Json]] = [{"role": "user", "content": task.text}]
    _carry_out(make_plan(task, advice, rng), task, desk, messages)
    answer = f"I have taken care of order {task.facts['order_id']}."
    messages.append({"role": "assistant", "content": answer})
    return DeskAttempt(messages, desk.reward(), answer)


def make_plan(task: DeskTask, advice: str, rng: Random) -> Plan:
    """The first plan that comes to mind; with advice, of many the one that keeps most of it."""
    rules = read_advice(advice)
    plans = [_drawn_plan(task, rng) for _ in range(DRAWS if rules else 1)]
    return max(plans, key=lambda plan: sum(rule.score(plan) for rule in rules))


def repertoire(family: Family) -> frozenset[str]:
    """Every tool that the agent might use for such tasks, errors included."""
    planned = {tool for step in WAYS[family] for tools, _ in step for tool in tools}
    return frozenset(planned | {tool for (tools, _), _ in RECOVERIES for tool in tools})


def _drawn_plan(task: DeskTask, rng: Random) -> Plan:
    tools = [tool for step in WAYS[task.family] for tool in _draw(step, rng)]
    recovery, retries = _draw(RECOVERIES, rng)
    return Plan(tuple(_planned(tool, task, rng) for tool in tools), recovery, retries)


def _draw(variants: Sequence[tuple[T, float]], rng: Random) -> T:
    return rng.choices([variant for variant, _ in variants], [weight for _, weight in variants])[0]


def _planned(tool: str, task: DeskTask, rng: Random) -> PlannedCall:
    """A call of the tool with what the task states; what may be left out is left to chance."""
    optional: list[str] = []
    if tool == "ship_order":
        optional = _draw(((["grams"], 0.62), (["kg"], 0.38)), rng)
    elif tool == "notify_customer" and "ticket_id" in task.facts:
        optional = _draw(((["ticket_id"], 0.68), ([], 0.32)), rng)
    arguments = {name: task.facts[name] for name in (*TOOLS[tool].required, *optional) if name in task.facts}
    if tool == "notify_customer":
        arguments["message"] = f"About your order {task.facts['order_id']}: it is taken care of."
    return PlannedCall(tool, arguments)


def _carry_out(plan: Plan, task: DeskTask, desk: OrderDesk, messages: list[dict[str, Json]]) -> None:
    for call in plan.calls:
        if not _make(call, desk, messages).is_error:
            continue
        for tool in plan.recovery:
            _make(_planned(tool, task, Dice(0)), desk, messages)
        if plan.retries:
            _make(call, desk, messages)


def _make(call: PlannedCall, desk: OrderDesk, messages: list[dict[str, Json]]) -> ToolResult:
    call_id = f"call_{len(messages)}"
    function: dict[str, Json] = {"name": call.tool, "arguments": json.dumps(call.arguments, ensure_ascii=False)}
    request: Json = {"id": call_id, "type": "function", "function": function}
    messages.append({"role": "assistant", "content": None, "tool_calls": [request]})
    result = desk.call(call.tool, dict(call.arguments))
    messages.append({"role": "tool", "tool_call_id": call_id, "content": result.text})
    return result
