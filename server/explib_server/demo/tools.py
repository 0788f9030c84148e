"""What an agent at the order desk is told about its tools: names, arguments and one plain sentence each.

None of the desk's hidden conventions is in here.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """One tool of the desk, as its documentation has it."""

    name: str
    description: str
    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    reads_only: bool = False


_SPECS = (
    ToolSpec("get_customer", "Show a customer's record.", ("customer_id",), reads_only=True),
    ToolSpec("get_order", "Show an order.", ("order_id",), reads_only=True),
    ToolSpec("check_stock", "Show how many items of a product are on the shelf.", ("sku",), reads_only=True),
    ToolSpec("update_address", "Change where a customer's order is sent.", ("customer_id", "order_id", "address")),
    ToolSpec("cancel_order", "Cancel an order.", ("order_id",)),
    ToolSpec("unlock_order", "Release an order.", ("order_id",)),
    ToolSpec("refund_order", "Pay money back for an order.", ("order_id", "amount")),
    ToolSpec("quick_refund", "Pay money back for an order, fast.", ("order_id", "amount")),
    ToolSpec("reserve_stock", "Reserve items of a product.", ("sku", "quantity")),
    ToolSpec("ship_order", "Hand an order to the carrier; give its weight.", ("order_id",), ("grams", "kg")),
    ToolSpec("apply_discount", "Take a percentage off an order.", ("order_id", "percent")),
    ToolSpec("quote_shipping", "Quote the total of an order with delivery.", ("order_id",)),
    ToolSpec("notify_customer", "Send a customer a message.", ("customer_id", "message"), ("ticket_id",)),
    ToolSpec("close_ticket", "Close a support ticket.", ("ticket_id",)),
)

TOOLS: dict[str, ToolSpec] = {spec.name: spec for spec in _SPECS}
"""Every tool of the desk by its name."""

OPTIONAL_ARGUMENTS: frozenset[str] = frozenset(name for spec in _SPECS for name in spec.optional)
"""Arguments that a call may carry or leave out: the only ones an agent has a choice about."""
