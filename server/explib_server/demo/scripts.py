"""What the scripted agent can do by itself: a plain plan for every family of tasks, with points where it must guess.

At each point it draws among variants that all look sensible from the tools' documentation. A plan is rebuilt from the
variants chosen, so that a single choice can be changed and everything else kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from random import Random
from typing import TypeAlias, TypeVar

from explib.models.json_value import Json
from explib_server.demo.dice import Dice
from explib_server.demo.tasks import DeskTask, Family
from explib_server.demo.tools import TOOLS

Chosen = TypeVar("Chosen")
Picks: TypeAlias = dict[str, int]


@dataclass(frozen=True, slots=True)
class PlannedCall:
    """One call that the agent means to make."""

    tool: str
    arguments: dict[str, Json]


@dataclass(frozen=True, slots=True)
class Recovery:
    """What the agent does when a call comes back as an error: other tools, then perhaps the same call again."""

    tools: tuple[str, ...] = ()
    retry: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """What the agent means to do."""

    calls: tuple[PlannedCall, ...]
    recovery: Recovery

    @property
    def tools(self) -> tuple[str, ...]:
        """The tools of the calls, in order; those of the recovery are not among them."""
        return tuple(call.tool for call in self.calls)


class Choices:
    """The variants chosen at the choice points of a plan: those in `picks`, and a draw wherever none is given."""

    __slots__ = ("_rng", "picks", "sizes")

    def __init__(self, rng: Random, picks: Picks | None = None) -> None:
        self._rng = rng
        self.picks: Picks = dict(picks or {})
        self.sizes: Picks = {}
        """How many variants each point has that was met while building."""

    def pick(self, point: str, *variants: tuple[Chosen, float]) -> Chosen:
        """The variant at this point; a draw follows the variants' weights, which sum to 1."""
        self.sizes[point] = len(variants)
        index = self.picks.get(point)
        if index is None:
            index = self._draw([weight for _, weight in variants])
            self.picks[point] = index
        return variants[min(index, len(variants) - 1)][0]

    def _draw(self, weights: list[float]) -> int:
        level = self._rng.random()
        for index, weight in enumerate(weights):
            level -= weight
            if level < 0:
                return index
        return 0


def can_call(tool: str, task: DeskTask) -> bool:
    """Whether the task states all that a call of the tool needs."""
    return all(argument == "message" or argument in task.facts for argument in TOOLS[tool].required)


def planned(tool: str, task: DeskTask, choices: Choices) -> PlannedCall:
    """A call of the tool with what the task states; what may be left out is a choice."""
    optional: tuple[str, ...] = ()
    if tool == "ship_order":
        optional = choices.pick("ship_order weight", (("grams",), 0.62), (("kg",), 0.38))
    elif tool == "notify_customer" and "ticket_id" in task.facts:
        optional = choices.pick("notify_customer ticket", (("ticket_id",), 0.68), ((), 0.32))
    arguments = {name: task.facts[name] for name in (*TOOLS[tool].required, *optional) if name in task.facts}
    if tool == "notify_customer":
        arguments["message"] = f"About your order {task.facts['order_id']}: it is taken care of."
    return PlannedCall(tool, arguments)


def tool_order(family: Family, choices: Choices) -> list[str]:
    """The tools that the agent would use for a task of the family, in order."""
    match family:
        case "address":
            return [*_look_up(choices), "update_address", *_courtesy(choices)]
        case "cancel":
            return [*_look_up(choices), "cancel_order", *_courtesy(choices)]
        case "refund":
            refund = choices.pick("refund tool", ("refund_order", 0.7), ("quick_refund", 0.3))
            return [*_look_up(choices), refund, *_wind_up(choices)]
        case "ship":
            return [*_look_up(choices), *_stock_and_ship(choices)]
        case "discount":
            return _discount_and_quote(choices)
        case "reply":
            return [*_look_up(choices), *_wind_up(choices)]


def recovery(choices: Choices) -> Recovery:
    """What to do about an error."""
    return choices.pick(
        "on error",
        (Recovery(("unlock_order",), retry=True), 0.42),
        (Recovery(("get_order",), retry=True), 0.16),
        (Recovery(("get_customer",), retry=True), 0.08),
        (Recovery(retry=True), 0.18),
        (Recovery(), 0.16),
    )


@cache
def repertoire(family: Family) -> frozenset[str]:
    """Every tool that the agent might use for such tasks by itself, errors included."""
    draws = [Choices(Dice(seed)) for seed in range(64)]
    return frozenset(tool for draw in draws for tool in (*tool_order(family, draw), *recovery(draw).tools))


def _look_up(choices: Choices) -> list[str]:
    return choices.pick(
        "look up",
        ([], 0.33),
        (["get_customer"], 0.24),
        (["get_order"], 0.22),
        (["get_customer", "get_order"], 0.11),
        (["get_order", "get_customer"], 0.10),
    )


def _courtesy(choices: Choices) -> list[str]:
    return choices.pick("courtesy", ([], 0.7), (["notify_customer"], 0.3))


def _wind_up(choices: Choices) -> list[str]:
    return choices.pick(
        "wind up", (["notify_customer", "close_ticket"], 0.68), (["close_ticket", "notify_customer"], 0.32)
    )


def _stock_and_ship(choices: Choices) -> list[str]:
    look = choices.pick("look at stock", (["check_stock"], 0.5), ([], 0.5))
    return look + choices.pick(
        "reserve",
        (["reserve_stock", "ship_order"], 0.62),
        (["ship_order", "reserve_stock"], 0.14),
        (["ship_order"], 0.24),
    )


def _discount_and_quote(choices: Choices) -> list[str]:
    look = choices.pick("look up customer", ([], 0.6), (["get_customer"], 0.4))
    apply = ["apply_discount", *choices.pick("verify", ([], 0.64), (["get_order"], 0.36))]
    quote = ["quote_shipping"]
    return look + choices.pick("quote", (apply + quote, 0.62), (quote + apply, 0.38))
