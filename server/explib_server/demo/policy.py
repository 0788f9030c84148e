"""The scripted agent: it plans at random where it must guess, but reads advice first and follows what it recognises.

It draws a plan, then changes one choice at a time for as long as the plan comes to satisfy more of the advice. Advice
may name tools that it would not use by itself, or another place for one: those are choices, too. So bad advice is
followed like good advice. Nothing in here knows the desk's conventions.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from random import Random

from explib.models.json_value import Json
from explib_server.demo.advice import read_advice
from explib_server.demo.dice import Dice
from explib_server.demo.rules import Rule
from explib_server.demo.scripts import Choices, Plan, PlannedCall, Recovery, can_call, planned, recovery, tool_order
from explib_server.demo.tasks import DeskTask
from explib_server.demo.world import OrderDesk, ToolResult

_PASSES = 2
_MOST_PLACES = 7


@dataclass(frozen=True, slots=True)
class DeskAttempt:
    """One finished attempt: an OpenAI-shaped conversation, what the desk's state was worth, and the agent's answer."""

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
    """A random plan, improved until no change of one choice satisfies more of the advice."""
    rules = tuple(rule for rule in read_advice(advice) if rule.concerns(task))
    plan, choices = _build(task, rules, Choices(rng))
    best = _score(plan, rules)
    for _ in range(_PASSES):
        for point in _points(choices, rng):
            if best == len(rules):
                return plan
            for index in range(choices.sizes.get(point, 0)):
                if index == choices.picks.get(point):
                    continue
                other, changed = _build(task, rules, Choices(rng, {**choices.picks, point: index}))
                score = _score(other, rules)
                if score > best:
                    plan, choices, best = other, changed, score
    return plan


def _points(choices: Choices, rng: Random) -> list[str]:
    """The choice points: the agent's own in random order, then those that only advice opens."""
    points = list(choices.sizes)
    rng.shuffle(points)
    return sorted(points, key=lambda point: point.startswith("advised"))


def _score(plan: Plan, rules: tuple[Rule, ...]) -> int:
    return sum(rule.verdict(plan) for rule in rules)


def _build(task: DeskTask, rules: tuple[Rule, ...], choices: Choices) -> tuple[Plan, Choices]:
    """The plan that follows from the choices; draws those not made yet."""
    tools = tool_order(task.family, choices)
    for tool in dict.fromkeys(name for rule in rules for name in (rule.tool, rule.other) if name):
        if tool in tools or can_call(tool, task):
            tools = _placed(tool, tools, choices, droppable=any(rule.forbids(tool) for rule in rules))
    reaction = recovery(choices)
    advised = tuple(dict.fromkeys(rule.tool for rule in rules if rule.kind == "recover"))
    if advised:
        reaction = choices.pick("advised recovery", (reaction, 1.0), (Recovery(advised, retry=True), 0.0))
    calls = tuple(planned(tool, task, choices) for tool in tools)
    return Plan(calls, reaction), choices


def _placed(tool: str, tools: list[str], choices: Choices, *, droppable: bool) -> list[str]:
    """The tools with one of them where advice may want it: as it was, at some place, or left out if that is advised."""
    others = [name for name in tools if name != tool]
    places = [[*others[:at], tool, *others[at:]] for at in range(min(len(others), _MOST_PLACES) + 1)]
    if droppable:
        places.append(others)
    return choices.pick(f"advised {tool}", (tools, 1.0), *((place, 0.0) for place in places))


def _carry_out(plan: Plan, task: DeskTask, desk: OrderDesk, messages: list[dict[str, Json]]) -> None:
    for call in plan.calls:
        result = _make(call, desk, messages)
        if not result.is_error:
            continue
        for tool in plan.recovery.tools:
            if can_call(tool, task):
                _make(planned(tool, task, Choices(Dice(0))), desk, messages)
        if plan.recovery.retry:
            _make(call, desk, messages)


def _make(call: PlannedCall, desk: OrderDesk, messages: list[dict[str, Json]]) -> ToolResult:
    call_id = f"call_{len(messages)}"
    function: dict[str, Json] = {"name": call.tool, "arguments": json.dumps(call.arguments, ensure_ascii=False)}
    request: Json = {"id": call_id, "type": "function", "function": function}
    messages.append({"role": "assistant", "content": None, "tool_calls": [request]})
    result = desk.call(call.tool, dict(call.arguments))
    messages.append({"role": "tool", "tool_call_id": call_id, "content": result.text})
    return result
