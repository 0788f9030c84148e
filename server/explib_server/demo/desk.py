"""A small order desk with conventions that no agent can know beforehand: its tools, and what they really do.

What looks done may not be done: the desk answers politely either way, and only its final state earns points.

- An address changes only for a customer whose record was opened before (`get_customer` before `update_address`).
- An order that `cancel_order` refuses must be released by `release_order`; then the same call works.
- `quick_refund` pays nothing; `refund_order` does.
- `ship_order` sends only what `reserve_stock` has reserved before, and takes any weight for grams.
- A message is on record only with `keep_copy`, and reaches the customer only before `close_ticket`.
"""

from __future__ import annotations

from dataclasses import dataclass

from explib.models.json_value import Json
from explib_server.demo.tasks import DeskTask


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool of the desk as an agent knows it, and its polite answer."""

    answer: str
    required: tuple[str, ...]
    optional: tuple[str, ...] = ()


TOOLS = {
    "get_customer": Tool("Customer {customer_id}: active, 1 open order.", ("customer_id",)),
    "get_order": Tool("Order {order_id}: paid, in preparation.", ("order_id",)),
    "update_address": Tool("OK. Address of order {order_id}: {address}.", ("customer_id", "order_id", "address")),
    "cancel_order": Tool("OK. Order {order_id} is cancelled.", ("order_id",)),
    "release_order": Tool("OK. Order {order_id} is released.", ("order_id",)),
    "refund_order": Tool("OK. Refund of {amount} euros for order {order_id}.", ("order_id", "amount")),
    "quick_refund": Tool("OK. Refund of {amount} euros for order {order_id}.", ("order_id", "amount")),
    "reserve_stock": Tool("OK. {quantity} × {sku} reserved.", ("sku", "quantity")),
    "ship_order": Tool("OK. Order {order_id} was handed to the carrier.", ("order_id",), ("grams", "kg")),
    "notify_customer": Tool("OK. Message to {customer_id} accepted.", ("customer_id", "message"), ("keep_copy",)),
    "close_ticket": Tool("OK. Ticket {ticket_id} is closed.", ("ticket_id",)),
}
ARGUMENTS = tuple(name for tool in TOOLS.values() for name in tool.optional)
"""Arguments that a call may carry or leave out: the only ones that an agent has a choice about."""


@dataclass(frozen=True, slots=True)
class ToolResult:
    """The answer of a tool."""

    text: str
    is_error: bool = False


class OrderDesk:
    """The desk as it stands when a task comes in; it lives for one attempt."""

    def __init__(self, task: DeskTask) -> None:
        self._task = task
        self._locked = task.family == "cancel"
        self._record_open = False
        self._reserved = False
        self._ticket_open = True
        self._points: dict[str, float] = {}

    def call(self, name: str, arguments: dict[str, Json]) -> ToolResult:
        """Run one tool. Only a call that cannot be understood, or that a lock refuses, comes back as an error."""
        if (problem := self._problem(name, arguments)) is not None:
            return ToolResult(f"Error: {problem}.", is_error=True)
        if name == "cancel_order" and self._locked:
            return ToolResult(f"Error 409: order {arguments['order_id']} was not cancelled.", is_error=True)
        self._change(name, arguments)
        return ToolResult(TOOLS[name].answer.format(**arguments))

    def points(self) -> float:
        """The work that is done, 0 to 1: half for what was asked, a quarter each for a message in time, on record."""
        return sum(self._points.values())

    def _problem(self, name: str, arguments: dict[str, Json]) -> str | None:
        if name not in TOOLS:
            return f"there is no tool {name!r}"
        missing = [argument for argument in TOOLS[name].required if argument not in arguments]
        if name == "ship_order" and not arguments.keys() & {"grams", "kg"}:
            missing.append("the weight as grams or kg")
        if missing:
            return f"{name} needs {', '.join(missing)}"
        for argument in ("customer_id", "order_id", "ticket_id", "sku"):
            if argument in arguments and arguments[argument] != self._task.facts.get(argument):
                return f"nothing is known under {argument} {arguments[argument]!r}"
        return None

    def _change(self, name: str, arguments: dict[str, Json]) -> None:
        points, family = self._points, self._task.family
        match name:
            case "get_customer":
                self._record_open = True
            case "release_order":
                self._locked = False
            case "reserve_stock":
                self._reserved = True
            case "update_address" if self._record_open and family == "address":
                points["changed"] = 0.5
            case "cancel_order" if family == "cancel":
                points["cancelled"] = 0.5
            case "refund_order" if family == "refund":
                points["paid"] = 0.5
            case "ship_order" if family == "ship":
                points["sent"] = 0.25 * self._reserved
                points["weighed"] = 0.25 * (arguments.get("grams") == self._task.facts["grams"])
            case "notify_customer":
                points["kept"] = 0.25 * ("keep_copy" in arguments)
                points["in time"] = 0.25 * self._ticket_open
            case "close_ticket":
                self._ticket_open = False
