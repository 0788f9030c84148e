"""A small order desk with conventions that no agent can know beforehand: its tools, and what they really do.

What looks done may not be done: the desk answers politely either way, and only its final state decides the reward.

- An address changes only for a customer whose record was opened before (`get_customer` before `update_address`).
- An order that `cancel_order` refuses must be released by `unlock_order`; then the same call works.
- `quick_refund` pays nothing; `refund_order` does.
- `ship_order` sends only what `reserve_stock` has reserved before, and takes any weight for grams.
- A quote has the discounts that were applied before it; `get_order` drops a discount that was not quoted yet.
- A message answers a ticket only if it names it (`ticket_id`) and goes out before `close_ticket`.
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
    "check_stock": Tool("{sku}: 40 on the shelf.", ("sku",)),
    "update_address": Tool("OK. Address of order {order_id}: {address}.", ("customer_id", "order_id", "address")),
    "cancel_order": Tool("OK. Order {order_id} is cancelled.", ("order_id",)),
    "unlock_order": Tool("OK. Order {order_id} is released.", ("order_id",)),
    "refund_order": Tool("OK. Refund of {amount} euros for order {order_id}.", ("order_id", "amount")),
    "quick_refund": Tool("OK. Refund of {amount} euros for order {order_id}.", ("order_id", "amount")),
    "reserve_stock": Tool("OK. {quantity} × {sku} reserved.", ("sku", "quantity")),
    "ship_order": Tool("OK. Order {order_id} was handed to the carrier.", ("order_id",), ("grams", "kg")),
    "apply_discount": Tool("OK. {percent} % off order {order_id}.", ("order_id", "percent")),
    "quote_shipping": Tool("OK. Order {order_id} was quoted with shipping.", ("order_id",)),
    "notify_customer": Tool("OK. Message to {customer_id} accepted.", ("customer_id", "message"), ("ticket_id",)),
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
        self._record_open = False
        self._address: Json = None
        self._locked = task.family == "cancel"
        self._cancelled = False
        self._refunded: Json = None
        self._reserved: Json = None
        self._booked_grams: Json = None
        self._discount: Json = None
        self._quoted: Json = None
        self._ticket_open = True
        self._answered = False

    def call(self, name: str, arguments: dict[str, Json]) -> ToolResult:
        """Run one tool. Only a call that cannot be understood, or that a lock refuses, comes back as an error."""
        if (problem := self._problem(name, arguments)) is not None:
            return ToolResult(f"Error: {problem}.", is_error=True)
        if name == "cancel_order" and self._locked:
            return ToolResult(f"Error 409: order {arguments['order_id']} was not cancelled.", is_error=True)
        self._change(name, arguments)
        return ToolResult(TOOLS[name].answer.format(**arguments))

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
        match name:
            case "get_customer":
                self._record_open = True
            case "get_order" if self._quoted != self._discount:
                self._discount = None
            case "update_address" if self._record_open:
                self._address = arguments["address"]
            case "cancel_order":
                self._cancelled = True
            case "unlock_order":
                self._locked = False
            case "refund_order":
                self._refunded = arguments["amount"]
            case "reserve_stock":
                self._reserved = arguments["quantity"]
            case "ship_order" if self._reserved == self._task.facts.get("quantity"):
                self._booked_grams = arguments.get("grams", arguments.get("kg"))
            case "apply_discount":
                self._discount = arguments["percent"]
            case "quote_shipping":
                self._quoted = self._discount
            case "notify_customer" if self._ticket_open and "ticket_id" in arguments:
                self._answered = True
            case "close_ticket":
                self._ticket_open = False

    def reward(self) -> float:
        """1 where the desk's state is what the task asked for, else 0."""
        facts = self._task.facts
        match self._task.family:
            case "address":
                done = self._address == facts["address"]
            case "cancel":
                return float(self._cancelled)
            case "refund":
                done = self._refunded == facts["amount"] and self._answered and not self._ticket_open
            case "ship":
                done = self._booked_grams == facts["grams"]
            case "discount":
                done = self._discount == facts["percent"] == self._quoted
            case "reply":
                done = self._answered and not self._ticket_open
        return float(done and not self._cancelled)
