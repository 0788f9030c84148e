"""Made-up lessons and tasks for libraries of any size: distinct, in words of many trades, the same every time."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

PLACES = (
    "the order desk", "a failing build", "an invoice run", "a travel booking", "the payroll export", "a code review",
    "a database migration", "the help desk", "a clinical form", "an insurance claim", "the greenhouse log",
    "a customs filing", "a data import", "the ticket queue", "a tax return", "a lab protocol", "the warehouse scan",
    "a lease contract", "the sensor feed", "a grant proposal", "the school timetable", "a recipe conversion",
    "a shipping quote", "the call transcript", "a security audit", "the release notes", "a legal summary",
    "the budget sheet", "a flight search", "the parts catalogue", "a survey analysis", "the nightly backup",
)  # fmt: skip
CONDITIONS = (
    "the first lookup comes back empty", "two records carry the same name", "the amount is in another currency",
    "the deadline has already passed", "a tool answers with a timeout", "the customer asks for two things at once",
    "the totals differ by a rounding cent", "a required field is missing", "the schema has changed since yesterday",
    "the log shows a permission error", "the date is written in another order", "the quantity is above the limit",
    "the address was changed this week", "the test fails only on the second run", "the attachment cannot be read",
    "the reference number has a wrong check digit", "an earlier note contradicts the request",
    "the units are mixed", "the same step was tried before", "the request names no account",
)  # fmt: skip
STRATEGIES = (
    "search by the reference before the name", "convert everything to one unit before comparing",
    "read the newest note before acting on it", "check the balance, then post the correction",
    "ask for the missing field instead of guessing it", "retry once, then take the slower route",
    "verify the total with a second query", "write the change down before making it",
    "open the parent record and work downwards", "split the request and finish the first part",
    "compare both records field by field", "run the smallest failing case alone",
    "confirm the date with the sender", "quote the rule that decides it", "take the lock before the update",
    "list what is pending before closing it", "sort by time and read the last entry",
    "leave the original untouched and work on a copy", "validate the check digit first",
    "look for the same case in last month's log",
)  # fmt: skip
SUBJECTS = (
    "harbour", "copper", "orchard", "ledger", "vaccine", "turbine", "bakery", "satellite", "glacier", "textile",
    "violin", "reactor", "courier", "museum", "poultry", "fibre", "ceramic", "tunnel", "brewery", "archive",
    "compiler", "router", "cluster", "parser", "kernel", "widget", "passport", "mortgage", "pension", "freight",
)  # fmt: skip


def lessons(count: int) -> Iterator[str]:
    """Distinct lessons, "When <condition>, <strategy>", 15 to 25 words each."""
    dice = Random(20080)
    for number in range(count):
        place, condition = dice.choice(PLACES), dice.choice(CONDITIONS)
        subject, strategy = dice.choice(SUBJECTS), dice.choice(STRATEGIES)
        yield f"When {condition} in {place} for {subject} lot {number:05d}, {strategy}."


def tasks(seed: int) -> Iterator[str]:
    """Tasks without end, no two alike, about the same things as the lessons."""
    dice = Random(seed)
    number = 0
    while True:
        number += 1
        yield (
            f"Request {seed}-{number}: in {dice.choice(PLACES)}, {dice.choice(CONDITIONS)}. It concerns the "
            f"{dice.choice(SUBJECTS)} lot {dice.randrange(100_000):05d}. Settle it and say what you did."
        )
