"""An office that settles travel claims: texts, order, verification, optional arguments, conditions on records."""

from __future__ import annotations

from dataclasses import dataclass

from explib.models.json_value import Json
from learning.choices import Option, convention, decoy
from learning.names import person, town
from learning.play import Play
from learning.world import ScriptedWorld, tool

TOOLS = {
    "get_claim": tool("Show a claim with its receipts.", claim="string"),
    "get_employee": tool("Show an employee.", employee="string"),
    "list_claims": tool("Show an employee's earlier claims.", employee="string"),
    "bank_rate": tool("Exchange rate of the bank.", currency="string", date="string"),
    "card_rate": tool("Exchange rate of the card company.", currency="string", date="string"),
    "route_km": tool("Length of the shortest road.", start="string", end="string"),
    "escalate": tool("Ask the controller to agree.", claim="string"),
    "approve_line": tool(
        "Accept a receipt.", claim="string", line="integer", amount="number", guests="string[]?", note="string?"
    ),
    "reject_line": tool("Turn a receipt down.", claim="string", line="integer", reason="string"),
    "ask_employee": tool("Ask the employee.", employee="string", question="string"),
    "post": tool("Book an amount.", claim="string", amount="number", cost_centre="string"),
    "get_balance": tool("Show what is booked for a claim.", claim="string"),
    "send_mail": tool("Send a mail.", to="string", subject="string", text="string", cc="string?"),
    "close_claim": tool("Close a claim.", claim="string"),
}

# fmt: off
CHOICES = (
    convention("rate_day", "When a foreign amount is converted",
        Option("receipt", "use the rate of the receipt's date", 0.8, "receipt"),
        Option("today", "use the rate of the day of the claim", 1.0, "claim|today"),
        about=r"rate\b|convert", weight=1.2),
    convention("rate_tool", "When a receipt was paid by card",
        Option("card", "use card_rate", 0.8, "card_rate"),
        Option("bank", "use bank_rate", 1.0, "bank_rate"), about=r"card|rate\b"),
    convention("cost_centre", "When an amount is booked",
        Option("employee", "take the cost centre from the employee's record", 0.8, "employee"),
        Option("claim", "take the cost centre from the claim", 1.0, "claim"), about="cost.centre", weight=1.5),
    convention("escalate_large", "When a receipt is above 400",
        Option("escalate", "escalate before it is approved", 0.7, "escalate"),
        Option("approve", "approve it alone", 1.0, "alone"),
        about="amount|large|above|over|approve|receipt", weight=1.2),
    convention("guests", "When a meal has guests",
        Option("named", "give their names with the approval", 0.9, "guests|names"),
        Option("none", "approve it without names", 1.0), about="meal|guest|approve"),
    convention("missing_receipt", "When a receipt of less than 30 is missing",
        Option("approve", "approve the line with a note", 0.8, "approve|note"),
        Option("ask", "ask the employee for it", 1.0, r"\bask"),
        about="missing|lost|no receipt|receipt is false", weight=1.2),
    convention("reason_paragraph", "When a receipt is turned down",
        Option("cited", "name the paragraph (§) in the reason", 0.7, "§|paragraph"),
        Option("plain", "give a reason in words only", 1.0), about="reject|turn|reason"),
    convention("one_posting", "When several lines are booked",
        Option("one", "book their total in one posting", 0.9, r"\bone\b|total|single|once"),
        Option("each", "book each line", 1.0, "each|every|several"), about="post|book", weight=1.2),
    convention("oldest_first", "When a claim has several receipts",
        Option("oldest", "approve the oldest first", 0.7, r"\bold|earliest|by date"),
        Option("listed", "approve them as they are listed", 1.0, "listed"), about="receipt|approve|line"),
    convention("mileage_source", "When kilometres are paid",
        Option("route", "take them from route_km", 0.8, "route_km|route"),
        Option("stated", "take them from the claim", 1.0, "claim|stated"),
        about="kilomet|km|mileage|distance", weight=1.5),
    convention("mileage_round", "When kilometres are paid at .30 each",
        Option("down", "round down to whole euros", 0.8, "down|floor|whole"),
        Option("cents", "pay the cents", 1.0, "cents|exact"), about="kilomet|km|mileage|amount|round"),
    convention("manager_copy", "When a trip went abroad",
        Option("copied", "send the manager a copy of the mail", 0.7, r"\bcc\b|copy|manager"),
        Option("alone", "send it to the employee alone", 1.0, "employee alone"), about="mail", weight=0.8),
    convention("balance_check", "When an amount was booked",
        Option("read", "read the balance before the claim is closed", 0.9, "balance"),
        Option("close", "close the claim without reading it", 1.0), about="post|book|close|balance"),
    convention("short_mail", "When a mail is written",
        Option("short", "keep it under 120 characters", 0.9, "short|under|at most|characters|fewer|brief"),
        Option("long", "explain every line", 1.0, "long|explain"), about="mail", weight=0.8),
    decoy("earlier_claims", "Reads the employee's earlier claims", "no", "yes"),
    decoy("approval_note", "Adds a note to an approval", "no", "yes"),
    decoy("subject", "How a mail's subject begins", "Claim", "Your claim", "Re: claim"),
    decoy("order_of_reads", "Which record is read first", "claim", "employee"),
)
# fmt: on

OWN = ("Leeds", "York", "Hull")


@dataclass(frozen=True, slots=True)
class Account:
    """A claim with what is needed to settle it."""

    claim: str
    employee: str
    cost_centre: str
    manager: str
    country: str


def _reads(play: Play, claim: str, employee: str, lines: list[Json], country: str = "GB") -> Account:
    """Opens claim and employee, and decides on the cost centre."""
    draw = play.facts
    centres, manager = draw.sample(range(100, 999), 2), person(draw)
    shown: dict[str, Json] = {
        "claim": claim, "employee": employee, "filed": "2026-06-30", "country": country,
        "cost_centre": f"K{centres[0]}", "lines": lines,
    }  # fmt: skip
    record: dict[str, Json] = {
        "employee": employee, "manager": manager, "cost_centre": f"K{centres[1]}", "grade": draw.choice("ABC")
    }  # fmt: skip
    reads: list[tuple[str, dict[str, Json], dict[str, Json]]] = [
        ("get_claim", {"claim": claim}, shown),
        ("get_employee", {"employee": employee}, record),
    ]
    for name, arguments, answer in reads if play.takes("order_of_reads") == "claim" else reads[::-1]:
        play.call(name, arguments, answer)
    if play.takes("earlier_claims") == "yes":
        play.call("list_claims", {"employee": employee}, [{"claim": "X-1001", "state": "closed"}])
    centre = f"K{centres[1 if play.right('cost_centre') else 0]}"
    return Account(claim, employee, centre, manager, country)


def _ids(play: Play) -> tuple[str, str]:
    return f"X-{play.facts.randint(2000, 9999)}", f"E{play.facts.randint(100, 999)}"


def _approve(play: Play, claim: str, line: int, amount: float, **more: Json) -> None:
    if amount > 400 and play.right("escalate_large"):
        play.call("escalate", {"claim": claim}, {"agreed": True})
    arguments: dict[str, Json] = {"claim": claim, "line": line, "amount": amount, **more}
    if "note" not in more and play.takes("approval_note") == "yes":
        arguments["note"] = "ok"
    play.call("approve_line", arguments, {"line": line, "state": "approved"})


def _settle(play: Play, account: Account, amounts: list[float]) -> None:
    claim: dict[str, Json] = {"claim": account.claim}
    total = round(sum(amounts), 2)
    for amount in [total] if len(amounts) > 1 and play.right("one_posting") else amounts:
        play.call("post", {**claim, "amount": amount, "cost_centre": account.cost_centre}, {"status": "booked"})
    if play.right("balance_check"):
        play.call("get_balance", claim, {**claim, "booked": total})
    text = f"Claim {account.claim} is settled."
    if not play.right("short_mail"):
        text += (
            f" We looked at each receipt that came with it. What was accepted is {total} euros, paid with your salary."
        )
    mail: dict[str, Json] = {
        "to": account.employee, "subject": f"{play.takes('subject')} {account.claim}", "text": text
    }  # fmt: skip
    if account.country != "GB" and play.right("manager_copy"):
        mail["cc"] = account.manager
    play.call("send_mail", mail, {"sent": True})
    play.call("close_claim", claim, {**claim, "state": "closed"})
    play.say(f"Claim {account.claim} is closed.")


def _abroad(play: Play) -> None:
    draw = play.facts
    claim, employee = _ids(play)
    paid, currency = draw.choice(("card", "cash")), draw.choice(("USD", "CHF", "SEK"))
    day, foreign, rate = f"2026-06-{draw.randint(3, 24):02d}", draw.randint(60, 700), draw.uniform(0.5, 1.1)
    line: dict[str, Json] = {
        "line": 1,
        "what": "hotel",
        "amount": foreign,
        "currency": currency,
        "paid": paid,
        "date": day,
    }
    play.user(f"Settle claim {claim} of {employee}: a hotel bill from a trip abroad.")
    account = _reads(play, claim, employee, [line], "CH")
    date = day if play.right("rate_day") else "2026-06-30"
    name = "card_rate" if paid == "card" and play.right("rate_tool") else "bank_rate"
    shown = round(rate + (0.013 if name == "card_rate" else 0.0) + (0.004 if date == day else 0.0), 4)
    play.call(name, {"currency": currency, "date": date}, {"currency": currency, "date": date, "rate": shown})
    amount = round(foreign * shown, 2)
    _approve(play, claim, 1, amount)
    _settle(play, account, [amount])


def _meals(play: Play) -> None:
    draw = play.facts
    claim, employee = _ids(play)
    guests = [person(draw) for _ in range(draw.choice((0, 1, 2)))]
    named: list[Json] = list(guests)
    days = draw.sample(range(2, 28), 3)
    while days == sorted(days):
        draw.shuffle(days)
    amounts = [float(draw.randint(18, 90)), float(draw.randint(18, 90)), float(draw.choice((120, 240, 415, 460, 520)))]
    lines: list[Json] = []
    for at, what in enumerate(("taxi", "meal", "hotel")):
        line: dict[str, Json] = {"line": at + 1, "what": what, "amount": amounts[at], "date": f"2026-06-{days[at]:02d}"}
        lines.append(line | {"guests": named} if what == "meal" else line)
    play.user(f"Claim {claim} of {employee} has three receipts, all in order. Accept them and settle it.")
    account = _reads(play, claim, employee, lines)
    order = sorted(range(3), key=lambda at: days[at]) if play.right("oldest_first") else range(3)
    for at in order:
        more: dict[str, Json] = {"guests": named} if at == 1 and named and play.right("guests") else {}
        _approve(play, claim, at + 1, amounts[at], **more)
    _settle(play, account, amounts)


def _mileage(play: Play) -> None:
    draw = play.facts
    claim, employee = _ids(play)
    start, end, road = draw.choice(OWN), town(draw), draw.randint(41, 395)
    road += road % 10 == 0
    stated = road + draw.choice((7, 12, 23, 31))
    country = draw.choice(("GB", "FR"))
    line: dict[str, Json] = {"line": 1, "what": "car", "from": start, "to": end, "km": stated, "date": "2026-06-11"}
    play.user(f"Settle claim {claim} of {employee}: own car from {start} to {end}, .30 a kilometre.")
    account = _reads(play, claim, employee, [line], country)
    by_route = play.right("mileage_source")
    if by_route or play.dice.random() < 0.3:
        play.call("route_km", {"start": start, "end": end}, {"km": road})
    amount = round(0.3 * (road if by_route else stated), 2)
    amount = float(int(amount)) if play.right("mileage_round") else amount
    _approve(play, claim, 1, amount)
    _settle(play, account, [amount])


def _doubtful(play: Play) -> None:
    draw = play.facts
    claim, employee = _ids(play)
    lost, fine = float(draw.choice((9, 14, 22, 28, 45, 60))), float(draw.randint(20, 80))
    lines: list[Json] = [
        {"line": 1, "what": "taxi", "amount": lost, "date": "2026-06-04", "receipt": False},
        {"line": 2, "what": "parking fine", "amount": fine, "date": "2026-06-05", "receipt": True},
    ]
    play.user(f"Claim {claim} of {employee}: a taxi without a receipt and a parking fine (never paid, §7). Settle it.")
    account = _reads(play, claim, employee, lines)
    if lost < 30 and play.right("missing_receipt"):
        _approve(play, claim, 1, lost, note="no receipt")
    else:
        question = f"Please send the receipt of {lost:.0f} euros."
        play.call("ask_employee", {"employee": employee, "question": question}, {"answer": "I found it, here it is."})
        _approve(play, claim, 1, lost)
    reason = "Fines are not paid, §7." if play.right("reason_paragraph") else "Fines are not paid."
    play.call("reject_line", {"claim": claim, "line": 2, "reason": reason}, {"line": 2, "state": "rejected"})
    _settle(play, account, [lost])


WORLD = ScriptedWorld(
    "expenses",
    TOOLS,
    CHOICES,
    {"abroad": _abroad, "meals": _meals, "mileage": _mileage, "doubtful": _doubtful},
    ties=(("one_posting", "approval_note", 0.45), ("rate_day", "rate_tool", 0.3)),
)
