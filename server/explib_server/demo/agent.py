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
MOOD = 0.2
"""Most that a customer's mood takes from the points: rewards are not only the agent's doing."""
T = TypeVar("T")
Weighted = Sequence[tuple[T, float]]
LOOK_UP: Weighted[tuple[str, ...]] = (
    ((), 0.3),
    (("get_customer",), 0.28),
    (("get_order",), 0.22),
    (("get_customer", "get_order"), 0.1),
    (("get_order", "get_customer"), 0.1),
)
WORK: dict[Family, Weighted[tuple[str, ...]]] = {
    "address": ((("update_address",), 1.0),),
    "cancel": ((("cancel_order",), 0.95), (("release_order", "cancel_order"), 0.05)),
    "refund": ((("refund_order",), 0.5), (("quick_refund",), 0.5)),
    "ship": ((("ship_order",), 0.4), (("reserve_stock", "ship_order"), 0.4), (("ship_order", "reserve_stock"), 0.2)),
}
WIND_UP: Weighted[tuple[str, ...]] = (
    (("notify_customer", "close_ticket"), 0.5),
    (("close_ticket", "notify_customer"), 0.5),
)
"""The variants of each step, with their weights; all look sensible."""
OPTIONAL: dict[str, Weighted[tuple[str, ...]]] = {
    "ship_order": ((("grams",), 0.5), (("kg",), 0.5)),
    "notify_customer": ((("keep_copy",), 0.5), ((), 0.5)),
}
"""The variants of what may be left out of a call."""
RECOVERIES: Weighted[tuple[tuple[str, ...], bool]] = (
    ((("release_order",), True), 0.4),
    ((("get_order",), True), 0.2),
    (((), True), 0.2),
    (((), False), 0.2),
)
"""The variants of a reaction to an error: other tools, and if the same call is made again."""


@dataclass(frozen=True, slots=True)
class DeskAttempt:
    """One finished attempt: an OpenAI-shaped conversation, its reward, and the agent's answer."""

    messages: list[dict[str, Json]]
    reward: float
    answer: str


def attempt(task: DeskTask, advice: str, rng: Random) -> DeskAttempt:
    """Do one task at a fresh desk, after reading the advice (an empty text: none).

    The reward: the desk's points less the customer's mood, 0 to 1.
    """
    desk = OrderDesk(task)
    messages: list[dict[str, Json]] = [{"role": "user", "content": task.text}]
    _carry_out(make_plan(task, advice, rng), task, desk, messages)
    answer = f"I have taken care of order {task.facts['order_id']}."
    messages.append({"role": "assistant", "content": answer})
    return DeskAttempt(messages, round(max(0.0, desk.points() - MOOD * rng.random()), 2), answer)


def make_plan(task: DeskTask, advice: str, rng: Random) -> Plan:
    """The first plan that comes to mind; with advice, of many the one that keeps most of it."""
    rules = [rule for rule in read_advice(advice) if rule.applies(task.text)]
    plans = [_drawn_plan(task, rng) for _ in range(DRAWS if rules else 1)]
    return max(plans, key=lambda plan: sum(rule.score(plan) for rule in rules))


def _drawn_plan(task: DeskTask, rng: Random) -> Plan:
    tools = [tool for step in (LOOK_UP, WORK[task.family], WIND_UP) for tool in _draw(step, rng)]
    recovery, retries = _draw(RECOVERIES, rng)
    return Plan(tuple(_planned(tool, task, rng) for tool in tools), recovery, retries)


def _draw(variants: Weighted[T], rng: Random) -> T:
    return rng.choices([variant for variant, _ in variants], [weight for _, weight in variants])[0]


def _planned(tool: str, task: DeskTask, rng: Random) -> PlannedCall:
    """A call of the tool with what the task states; what may be left out is left to chance."""
    optional = _draw(OPTIONAL[tool], rng) if tool in OPTIONAL else ()
    arguments = {name: task.facts[name] for name in (*TOOLS[tool].required, *optional) if name in task.facts}
    arguments |= {name: True for name in optional if name == "keep_copy"}
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
