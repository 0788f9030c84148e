"""An order desk: addresses, refunds, shipping, discounts, complaints and cancellations."""

from __future__ import annotations

from dataclasses import dataclass

from explib.models.json_value import Json
from learning.choices import Option, convention, decoy
from learning.names import person, street
from learning.play import Play
from learning.world import ScriptedWorld, tool

TOOLS = {
    "get_customer": tool("Show a customer's record.", customer_id="string"),
    "get_order": tool("Show an order.", order_id="string"),
    "update_address": tool("Change where an order is sent.", order_id="string", address="string"),
    "refund_to_card": tool("Pay money back.", order_id="string", amount="number", reason="string?"),
    "quick_refund": tool("Pay money back, fast.", order_id="string", amount="number"),
    "find_stock": tool("Show which depots hold a product.", sku="string"),
    "reserve_stock": tool("Reserve items in a depot.", depot="string", sku="string", quantity="integer"),
    "ship_order": tool("Hand to a carrier.", order_id="string", depot="string", carrier="string", grams="integer"),
    "apply_discount": tool("Take a percentage off.", order_id="string", percent="integer", approval="string?"),
    "get_manager": tool("Show who approves what.", desk="string"),
    "quote_total": tool("Quote an order's total with delivery.", order_id="string"),
    "cancel_order": tool("Cancel an order.", order_id="string"),
    "unlock_order": tool("Release an order.", order_id="string"),
    "void_order": tool("Take an order out of the books.", order_id="string"),
    "notify_customer": tool("Send a message.", customer_id="string", message="string", ticket_id="string?"),
    "close_ticket": tool("Close a support ticket.", ticket_id="string"),
}

# fmt: off
CHOICES = (
    convention("record_first", "When an order's address is changed",
        Option("record", "open the customer's record before", 0.8, "(?:get_customer|record).*(?:before|first)"),
        Option("direct", "change it at once", 1.0, "at once|directly"), about="address", weight=1.5),
    convention("address_check", "When an address was changed",
        Option("read", "read the order again", 0.7, "(?:get_order|read|check|verif).*(?:after|again)"),
        Option("trust", "take the answer as proof", 1.0, "trust|proof"), about="address"),
    convention("refund_tool", "When money is paid back",
        Option("card", "use refund_to_card", 1.0, "refund_to_card"),
        Option("quick", "use quick_refund", 1.0, "quick_refund"), about="refund|money", weight=1.5),
    convention("refund_net", "When money is paid back for a whole order",
        Option("items", "pay back items_total, without delivery", 0.8, "items_total"),
        Option("total", "pay back the grand total", 1.0, r"\btotal\b"), about="refund|amount|money|pay", weight=1.2),
    convention("reserve_first", "When an order is shipped",
        Option("reserve", "reserve its items before", 1.0, "reserv"),
        Option("ship", "ship it without reserving", 0.8), about="ship", weight=1.5),
    convention("gross_weight", "When a parcel is handed to a carrier",
        Option("gross", "give the gross weight", 0.9, "gross"),
        Option("net", "give the net weight", 1.0, r"\bnet"), about="ship|grams|weight|parcel"),
    convention("heavy_carrier", "When a parcel weighs more than 18 kg",
        Option("freight", "hand it to the freight carrier", 0.7, "freight"),
        Option("post", "hand it to the post", 1.0, r"\bpost\b"),
        about="ship|carrier|weigh|gram|parcel|kg", weight=1.2),
    convention("depot_tie", "When two depots hold the same number of items",
        Option("oldest", "take the one with the older batch", 0.8, "old|earli"),
        Option("first", "take the one listed first", 1.0, "first|listed"), about="depot|batch|stock"),
    convention("discount_first", "When a discount and a quote are asked for",
        Option(
            "before",
            "apply the discount, then quote",
            1.0,
            r"discount.*(?:then|before).*(?:quote|\bit\b)|discount first|quote.*after.*(?:discount|\bit\b)",
        ),
        Option(
            "after",
            "quote, then apply the discount",
            0.8,
            r"quote.*(?:then|before).*(?:discount|\bit\b)|quote first|discount.*after.*(?:quote|\bit\b)",
        ), about="quote", weight=1.2),
    convention("discount_approval", "When a discount is above 15 %",
        Option("approved", "name the manager as approval", 0.6, "approval"),
        Option("plain", "leave the approval out", 1.0), about="discount"),
    convention("message_ticket", "When a message answers a ticket",
        Option("named", "give the ticket's id with it", 0.9, "ticket_id|ticket's id|name the ticket"),
        Option("bare", "send it without the ticket", 1.0), about="notify|message", weight=1.2),
    convention("message_first", "When a ticket is closed",
        Option("before", "send the message before", 1.0, "(?:notify_customer|message).*(?:before|first)|close.*after"),
        Option("after", "send the message after", 0.7, "(?:notify_customer|message).*after|close.*(?:before|first)"),
        about="close|ticket"),
    convention("message_reference", "When a customer is written to",
        Option(
            "reference", "end with the order's number in brackets", 0.5, r"order(?:'s)? (?:number|id)|order_id|bracket"
        ),
        Option("none", "end without a number", 1.0), about="message|notify|writ", weight=0.8),
    convention("locked_order", "When cancel_order answers that the order is locked",
        Option("unlock", "unlock it and cancel again", 0.9, "unlock"),
        Option("void", "use void_order", 0.6, "void"),
        Option("retry", "call cancel_order again as it is", 0.8, r"^(?!.*(?:unlock|void)).*(?:again|retry|repeat)"),
        about="cancel|lock", weight=1.5),
    decoy("greeting", "How a message begins", "Dear", "Hello", "Good day"),
    decoy("stock_look", "Looks at the stock although nothing hangs on it", "no", "yes"),
    decoy("order_look", "Reads the order at the start", "yes", "no"),
    decoy("asks", "Asks the person for a yes before acting", "no", "yes"),
    decoy("refund_reason", "Gives the refund's optional reason", "yes", "no"),
)
# fmt: on


@dataclass(frozen=True, slots=True)
class Case:
    """The order that a task is about, with who asks and the ticket that asked."""

    order_id: str
    customer_id: str
    name: str
    ticket: str
    order: dict[str, Json]


def _case(play: Play) -> Case:
    draw = play.facts
    order_id, customer_id = f"O-{draw.randint(10000, 99999)}", f"C-{draw.randint(1000, 9999)}"
    items, delivery, net = draw.randint(20, 400), draw.choice((5, 8, 12, 15)), 100 * draw.randint(20, 320)
    order: dict[str, Json] = {
        "order_id": order_id,
        "customer_id": customer_id,
        "channel": draw.choice(("web", "phone", "shop")),
        "items_total": items,
        "delivery": delivery,
        "total": items + delivery,
        "net_grams": net,
        "gross_grams": net + 10 * draw.randint(12, 60),
    }
    return Case(order_id, customer_id, person(draw), f"T-{draw.randint(100, 999)}", order)


def _open(play: Play, case: Case, wish: str) -> None:
    play.user(f"Ticket {case.ticket}, {case.name} ({case.customer_id}), order {case.order_id}: {wish} Then answer.")
    if play.takes("order_look") == "yes":
        play.call("get_order", {"order_id": case.order_id}, case.order)
    if play.takes("asks") == "yes":
        play.say("I can do that now. Shall I go ahead?")
        play.user(play.dice.choice(("Yes, please.", "Yes.", "Go ahead.")))


def _change_address(play: Play, case: Case, address: str) -> None:
    order: dict[str, Json] = {"order_id": case.order_id}
    if play.right("record_first"):
        play.call(
            "get_customer", {"customer_id": case.customer_id}, {"customer_id": case.customer_id, "name": case.name}
        )
    play.call("update_address", order | {"address": address}, {"order_id": case.order_id, "status": "saved"})
    if play.right("address_check"):
        play.call("get_order", order, case.order | {"address": address})


def _pay_back(play: Play, case: Case) -> None:
    play.call("get_order", {"order_id": case.order_id}, case.order)
    amount = case.order["items_total" if play.right("refund_net") else "total"]
    arguments: dict[str, Json] = {"order_id": case.order_id, "amount": amount}
    if play.right("refund_tool"):
        reason: dict[str, Json] = {"reason": "customer's wish"} if play.takes("refund_reason") == "yes" else {}
        play.call("refund_to_card", arguments | reason, {"paid": amount})
    else:
        play.call("quick_refund", arguments, {"paid": amount})


def _hand_over(play: Play, case: Case, sku: str, quantity: int) -> None:
    draw = play.facts
    shelf, tie, older, names = draw.randint(10, 40), draw.random() < 0.8, draw.randint(0, 1), draw.sample("ABCDE", 2)
    depots: list[dict[str, Json]] = [
        {"depot": f"D{names[at]}", "items": shelf if tie else shelf - 3 * at, "batch": f"2026-{9 - 3 * (at == older)}"}
        for at in range(2)
    ]
    play.call("get_order", {"order_id": case.order_id}, case.order)
    play.call("find_stock", {"sku": sku}, list(depots))
    second = tie and older == 1 and play.right("depot_tie")
    depot = depots[second]["depot"]
    if play.right("reserve_first"):
        held: dict[str, Json] = {"depot": depot, "sku": sku, "quantity": quantity}
        play.call("reserve_stock", held, {"reserved": quantity})
    grams = case.order["gross_grams" if play.right("gross_weight") else "net_grams"]
    heavy = int(str(case.order["net_grams"])) > 18_000
    carrier = "freight" if heavy and play.right("heavy_carrier") else "post"
    parcel: dict[str, Json] = {"order_id": case.order_id, "depot": depot, "carrier": carrier, "grams": grams}
    play.call("ship_order", parcel, {"order_id": case.order_id, "status": "handed over"})


def _take_off(play: Play, case: Case, percent: int) -> None:
    manager, order = person(play.facts), {"order_id": case.order_id}
    if play.takes("stock_look") == "yes":
        play.call("find_stock", {"sku": "LAMP-10"}, [{"depot": "D1", "items": 12, "batch": "2026-6"}])
    arguments: dict[str, Json] = {**order, "percent": percent}
    if percent > 15 and play.right("discount_approval"):
        play.call("get_manager", {"desk": "orders"}, {"manager": manager, "limit": "any"})
        arguments["approval"] = manager
    first = play.right("discount_first")
    if not first:
        play.call("quote_total", {**order}, {"total": case.order["total"]})
    play.call("apply_discount", arguments, {**order, "status": "booked"})
    if first:
        play.call("quote_total", {**order}, {"total": case.order["total"]})


def _answer(play: Play, case: Case, text: str) -> None:
    ending = f" ({case.order_id})" if play.right("message_reference") else ""
    written = f"{play.takes('greeting')} {case.name}, {text}{ending}"
    message: dict[str, Json] = {"customer_id": case.customer_id, "message": written}
    if play.right("message_ticket"):
        message["ticket_id"] = case.ticket
    first = play.right("message_first")
    closing: dict[str, Json] = {"ticket_id": case.ticket}
    if not first:
        play.call("close_ticket", closing, {**closing, "state": "closed"})
    play.call("notify_customer", message, {"sent": True})
    if first:
        play.call("close_ticket", closing, {**closing, "state": "closed"})
    play.say(f"The customer has been told, and {case.ticket} is closed.")


def _goods(play: Play) -> tuple[str, int]:
    return f"{play.facts.choice(('LAMP', 'RUG', 'SHELF', 'MUG'))}-{play.facts.randint(10, 99)}", play.facts.randint(
        1, 6
    )


def _address(play: Play) -> None:
    case, address, percent = _case(play), street(play.facts), 5 * play.facts.randint(1, 6)
    _open(
        play, case, f"has moved to {address}, send it there; {percent} % off was promised, book it and quote the total."
    )
    _change_address(play, case, address)
    _take_off(play, case, percent)
    _answer(play, case, "your order will come to the new address.")


def _moved_parcel(play: Play) -> None:
    case, address, (sku, quantity) = _case(play), street(play.facts), _goods(play)
    _open(play, case, f"{quantity} × {sku}, is paid. Ship it, to the new address {address}.")
    _change_address(play, case, address)
    _hand_over(play, case, sku, quantity)
    _answer(play, case, "your order is on its way.")


def _ship(play: Play) -> None:
    case, percent, (sku, quantity) = _case(play), 5 * play.facts.randint(1, 6), _goods(play)
    _open(play, case, f"{percent} % off was promised. Book it, quote the total and ship {quantity} × {sku}.")
    _take_off(play, case, percent)
    _hand_over(play, case, sku, quantity)
    _answer(play, case, "your order is on its way.")


def _refund(play: Play) -> None:
    case = _case(play)
    _open(play, case, "it never came. Pay it back.")
    _pay_back(play, case)
    _answer(play, case, "your money is on its way.")


def _cancel(play: Play) -> None:
    desk, locked = _case(play), play.facts.random() < 0.8
    _open(play, desk, "is no longer wanted. Cancel it and pay it back.")
    cancel: dict[str, Json] = {"order_id": desk.order_id}
    refusal = f"Error 409: order {desk.order_id} is locked by packing."
    if locked:
        play.call("cancel_order", cancel, refusal, error=True)
        match play.takes("locked_order"):
            case "unlock":
                play.call("unlock_order", cancel, {"status": "released"})
                play.call("cancel_order", cancel, {"status": "cancelled"})
            case "void":
                play.call("void_order", cancel, {"status": "void"})
            case _:
                play.call("cancel_order", cancel, refusal, error=True)
    else:
        play.call("cancel_order", cancel, {"status": "cancelled"})
    _pay_back(play, desk)
    _answer(play, desk, "your order is cancelled.")


WORLD = ScriptedWorld(
    "order desk",
    TOOLS,
    CHOICES,
    {
        "address": _address,
        "moved parcel": _moved_parcel,
        "ship": _ship,
        "refund": _refund,
        "cancel": _cancel,
    },
    ties=(("refund_tool", "refund_reason", 0.5), ("record_first", "address_check", 0.35)),
)
