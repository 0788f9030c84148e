"""A small order desk with conventions that no agent can know beforehand.

What looks done may not be done: the desk answers politely either way, and only its final state decides the reward.

- An address changes only for a customer whose record was opened before (`get_customer` before `update_address`).
- An order that `cancel_order` refuses must be released by `unlock_order`; then the same call works.
- `quick_refund` pays nothing; `refund_order` does.
- `ship_order` sends only what `reserve_stock` has reserved before, and takes any weight for grams.
- A quote has the discounts that were applied before it; `get_order` drops a discount that was not quoted yet.
- A message answers a ticket only if it names it (`ticket_id`) and goes out before `close_ticket`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from explib.models.json_value import Json
from explib_server.demo.tasks import FAMILIES, DeskTask, held_out_tasks, practice_tasks
from explib_server.demo.tools import TOOLS

__all__ = ["FAMILIES", "DeskTask", "OrderDesk", "ToolResult", "held_out_tasks", "practice_tasks"]

Arguments: TypeAlias = dict[str, Json]


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool says back."""

    text: str
    is_error: bool = False


class OrderDesk:
    """The desk as it stands when a task comes in; lives for one attempt."""

    def __init__(self, task: DeskTask) -> None:
        self._task = task
        self._record_open = False
        self._address: Json = None
        self._locked = task.family == "cancel"
        self._cancelled = False
        self._refunded: Json = None
        self._reserved = 0
        self._booked_grams: Json = None
        self._discount: Json = None
        self._quoted: Json = None
        self._ticket_open = True
        self._filed = False
        self._handlers: dict[str, Callable[[Arguments], ToolResult]] = {
            name: getattr(self, f"_{name}") for name in TOOLS
        }

    @property
    def tools(self) -> tuple[str, ...]:
        """The names of the desk's tools."""
        return tuple(TOOLS)

    def call(self, name: str, arguments: Arguments) -> ToolResult:
        """Run one tool. Only a call that cannot be understood, or that a lock refuses, comes back as an error."""
        spec = TOOLS.get(name)
        if spec is None:
            return ToolResult(f"Error: there is no tool {name!r}.", is_error=True)
        missing = [argument for argument in spec.required if argument not in arguments]
        if missing:
            return ToolResult(f"Error: {name} needs {', '.join(missing)}.", is_error=True)
        for argument in ("customer_id", "order_id", "ticket_id", "sku"):
            if argument in arguments and arguments[argument] != self._task.facts.get(argument):
                return ToolResult(f"Error: nothing is known under {argument} {arguments[argument]!r}.", is_error=True)
        return self._handlers[name](arguments)

    def reward(self) -> float:
        """1 where the desk's state is what the task asked for, else 0."""
        facts = self._task.facts
        match self._task.family:
            case "address":
                done = self._address == facts["address"]
            case "cancel":
                done = self._cancelled
            case "refund":
                done = self._refunded == facts["amount"] and self._filed and not self._ticket_open
            case "ship":
                done = self._booked_grams == facts["grams"]
            case "discount":
                done = self._discount == facts["percent"] == self._quoted
            case "reply":
                done = self._filed and not self._ticket_open
        return float(done and (self._task.family == "cancel" or not self._cancelled))

    def _get_customer(self, arguments: Arguments) -> ToolResult:
        self._record_open = True
        return ToolResult(f"Customer {arguments['customer_id']}: active, 1 open order.")

    def _get_order(self, arguments: Arguments) -> ToolResult:
        if self._quoted != self._discount:
            self._discount = None
        return ToolResult(f"Order {arguments['order_id']}: paid, in preparation.")

    def _check_stock(self, arguments: Arguments) -> ToolResult:
        return ToolResult(f"{arguments['sku']}: 40 on the shelf.")

    def _update_address(self, arguments: Arguments) -> ToolResult:
        if self._record_open:
            self._address = arguments["address"]
        return ToolResult(f"OK. Address of order {arguments['order_id']}: {arguments['address']}.")

    def _cancel_order(self, arguments: Arguments) -> ToolResult:
        if self._locked:
            return ToolResult(f"Error 409: order {arguments['order_id']} was not cancelled.", is_error=True)
        self._cancelled = True
        return ToolResult(f"OK. Order {arguments['order_id']} is cancelled.")

    def _unlock_order(self, arguments: Arguments) -> ToolResult:
        self._locked = False
        return ToolResult(f"OK. Order {arguments['order_id']} is released.")

    def _refund_order(self, arguments: Arguments) -> ToolResult:
        self._refunded = arguments["amount"]
        return ToolResult(f"OK. Refund of {arguments['amount']} euros for order {arguments['order_id']}.")

    def _quick_refund(self, arguments: Arguments) -> ToolResult:
        return ToolResult(f"OK. Refund of {arguments['amount']} euros for order {arguments['order_id']}.")

    def _reserve_stock(self, arguments: Arguments) -> ToolResult:
        quantity = arguments["quantity"]
        if not isinstance(quantity, int):
            return ToolResult("Error: quantity must be a whole number.", is_error=True)
        self._reserved = quantity
        return ToolResult(f"OK. {quantity} × {arguments['sku']} reserved.")

    def _ship_order(self, arguments: Arguments) -> ToolResult:
        weight = arguments.get("grams", arguments.get("kg"))
        if not isinstance(weight, int | float):
            return ToolResult("Error: ship_order needs the weight: grams or kg.", is_error=True)
        if self._reserved == self._task.facts.get("quantity"):
            self._booked_grams = weight
        return ToolResult(f"OK. Order {arguments['order_id']} was handed to the carrier.")

    def _apply_discount(self, arguments: Arguments) -> ToolResult:
        self._discount = arguments["percent"]
        return ToolResult(f"OK. {arguments['percent']} % off order {arguments['order_id']}.")

    def _quote_shipping(self, arguments: Arguments) -> ToolResult:
        self._quoted = self._discount
        return ToolResult(f"OK. Order {arguments['order_id']} was quoted with shipping.")

    def _notify_customer(self, arguments: Arguments) -> ToolResult:
        if self._ticket_open and "ticket_id" in arguments:
            self._filed = True
        return ToolResult(f"OK. Message to {arguments['customer_id']} accepted.")

    def _close_ticket(self, arguments: Arguments) -> ToolResult:
        self._ticket_open = False
        return ToolResult(f"OK. Ticket {arguments['ticket_id']} is closed.")
