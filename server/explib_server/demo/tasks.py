"""Requests to the order desk: families of tasks with drawn customers, orders and amounts."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Literal, TypeAlias

from explib.models.json_value import Json

Family: TypeAlias = Literal["address", "cancel", "refund", "ship"]
Split: TypeAlias = Literal["practice", "held-out"]

_PRACTICE: dict[Family, tuple[str, ...]] = {
    "address": (
        "Ticket {ticket_id}: {name} ({customer_id}) has moved. Send order {order_id} to the new address: {address}.",
        "Change the delivery address of order {order_id} for customer {customer_id}, {name}, to {address}. The ticket "
        "is {ticket_id}.",
    ),
    "cancel": (
        "Ticket {ticket_id}: {name} ({customer_id}) no longer wants order {order_id}. Cancel it.",
        "Please cancel order {order_id} of customer {customer_id}, {name}. The ticket is {ticket_id}.",
    ),
    "refund": (
        "Ticket {ticket_id}: {name} ({customer_id}) got order {order_id} damaged. Refund {amount} euros.",
        "Pay {amount} euros back to {name} ({customer_id}) as a refund for order {order_id}. The ticket is "
        "{ticket_id}.",
    ),
    "ship": (
        "Ticket {ticket_id}: order {order_id} of {name} ({customer_id}) is paid: {quantity} × {sku}, {kg} kg. Ship it.",
        "Ship order {order_id} to customer {customer_id}, {name}. It holds {quantity} × {sku} and weighs {kg} kg. The "
        "ticket is {ticket_id}.",
    ),
}

_HELD_OUT: dict[Family, tuple[str, ...]] = {
    "address": (
        "Order {order_id} must go to another address, {address}, because {name} ({customer_id}) is moving house. See "
        "ticket {ticket_id}.",
    ),
    "cancel": (
        "{name}, customer {customer_id}, ordered {order_id} by mistake and wants to cancel it, says ticket "
        "{ticket_id}.",
    ),
    "refund": (
        "{name} ({customer_id}) wrote in ticket {ticket_id} that order {order_id} never came: a refund of {amount} "
        "euros is due.",
    ),
    "ship": (
        "Get order {order_id} ({quantity} × {sku}, {kg} kg in all) shipped to {name}, customer {customer_id}, who asks "
        "for it in ticket {ticket_id}.",
    ),
}

FAMILIES: tuple[Family, ...] = tuple(_PRACTICE)
"""The families of tasks, in the order in which a list of tasks goes round them."""

_NAMES = ("Ada Okafor", "Bruno Klein", "Chiara Moretti", "Dmitri Volkov", "Elif Kaya", "Femi Ade", "Greta Lind")
_STREETS = ("Elm Street", "Harbour Road", "Mill Lane", "Station Square", "Orchard Way", "Abbey Hill")
_TOWNS = ("Leeds", "Bergen", "Porto", "Graz", "Ghent", "Turku")
_PRODUCTS = ("LAMP", "CHAIR", "MUG", "RUG", "CLOCK", "SHELF")


class Dice(Random):
    """A generator that is seeded for repeatable simulations. Nothing secret may depend on it."""


@dataclass(frozen=True, slots=True)
class DeskTask:
    """One request: its text is all that an agent is given."""

    text: str
    family: Family
    key: str
    facts: dict[str, Json] = field(hash=False)
    """The facts in the text, by the tool argument that takes them; weights as `grams` and as `kg`."""


def practice_tasks(seed: int, count: int) -> list[DeskTask]:
    """Tasks to practise on, all different, going round the families."""
    return [_draw("practice", seed, index) for index in range(count)]


def held_out_tasks(seed: int, count: int) -> list[DeskTask]:
    """Tasks in other words about other orders than any that `practice_tasks` gives, with any seed."""
    return [_draw("held-out", seed, index) for index in range(count)]


def _draw(split: Split, seed: int, index: int) -> DeskTask:
    dice = Dice(f"{split}/{seed}/{index}")
    family = FAMILIES[index % len(FAMILIES)]
    template = dice.choice((_PRACTICE if split == "practice" else _HELD_OUT)[family])
    # Practised orders have even numbers and the others odd ones, so that no text can be in both.
    number = 2 * (5_000 * (1 + seed % 9) + index) + (split == "held-out")
    grams = 100 * dice.randint(4, 90)
    facts: dict[str, Json] = {
        "customer_id": f"C-{dice.randint(1000, 9999)}",
        "order_id": f"O-{number}",
        "ticket_id": f"T-{dice.randint(100, 999)}",
        "sku": f"{dice.choice(_PRODUCTS)}-{dice.randint(10, 99)}",
        "quantity": dice.randint(1, 6),
        "address": f"{dice.randint(1, 99)} {dice.choice(_STREETS)}, {dice.choice(_TOWNS)}",
        "amount": dice.randint(5, 250),
        "grams": grams,
        "kg": grams / 1000,
    }
    text = template.format(name=dice.choice(_NAMES), **facts)
    stated = {name: value for name, value in facts.items() if f"{{{name}}}" in template}
    if "kg" in stated:
        stated["grams"] = grams
    return DeskTask(text, family, f"{split}/{family}/{number}", stated)
