"""A museum that lends objects: values and crates, climate and dates, reports, labels and letters."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from explib.models.json_value import Json
from learning.choices import Option, convention, decoy
from learning.names import person, town
from learning.play import Play
from learning.world import ScriptedWorld, tool

TOOLS = {
    "get_object": tool("Show an object.", accession="string"),
    "get_borrower": tool("Show a museum that borrows.", borrower="string"),
    "facility_report": tool("Show a borrower's rooms.", borrower="string"),
    "list_crates": tool("Show the crates in store.", kind="string?"),
    "list_rooms": tool("Show the rooms of the store.", floor="integer?"),
    "check_condition": tool("Have an object's condition written down.", accession="string"),
    "photograph": tool("Photograph an object.", accession="string", view="string"),
    "draft_loan": tool(
        "Draft a loan.", accession="string", borrower="string", start="string", end="string", insured="number",
        courier="string?", credit="string?",
    ),
    "approve_loan": tool("Approve a loan.", loan="string", approver="string"),
    "pack": tool("Pack an object.", accession="string", crate="string", material="string"),
    "move_object": tool("Put an object into a room.", accession="string", room="string", handlers="integer"),
    "write_label": tool("Write a label.", accession="string", title="string", text="string"),
    "write_letter": tool("Write a letter.", to="string", subject="string", text="string"),
    "log_movement": tool("Note a movement.", accession="string", place="string"),
    "close_file": tool("Close a file.", file="string"),
}  # fmt: skip

# fmt: off
CHOICES = (
    convention("report_first", "When a loan is drafted",
        Option("read", "read the borrower's facility report before", 0.8, "facility"),
        Option("draft", "draft it without the report", 1.0), about="loan|borrower|report", weight=1.2),
    convention("insured", "When a loan is insured",
        Option("appraised", "insure the appraised value", 0.8, "apprais"),
        Option("bought", "insure the price it was bought for", 1.0, "price|bought|paid"), about="insur|value",
        weight=1.5),
    convention("loan_length", "When the end of a loan is set",
        Option("half", "end it 180 days after its start at the latest", 0.9, r"180|half|latest|earlier than|below"),
        Option("year", "end it later", 0.9, "later|year"), about="loan|end", weight=1.2),
    convention("courier", "When a loan is insured for more than 50,000",
        Option("named", "name a courier", 0.7, "courier"),
        Option("none", "send it without a courier", 1.0, "without"), about="courier|loan|insur", weight=1.2),
    convention("approver", "When a loan is approved",
        Option("keeper", "name the keeper of the object as approver", 0.9, "keeper|object"),
        Option("registrar", "name the registrar of the borrower as approver", 1.0, "registrar|borrower"),
        about="approv", weight=1.2),
    convention("condition_before", "When an object is packed",
        Option("checked", "have its condition checked before", 0.8, "condition"),
        Option("packed", "pack it at once", 1.0, "at once|directly"), about="pack|condition", weight=1.5),
    convention("crate", "When a crate is chosen",
        Option("smallest", "take the smallest that is free", 0.9, "smallest|lowest"),
        Option("newest", "take the newest that is free", 1.0, "newest|highest|latest"), about="crate"),
    convention("material", "When an object of paper is packed",
        Option("tissue", "wrap it in tissue", 0.8, "tissue"),
        Option("foam", "wrap it in foam", 1.0, "foam"), about="pack|material|wrap|paper", weight=1.2),
    convention("photographs", "When an object is photographed",
        Option("three", "take three views or more", 0.8, r"three|\b3\b|at least"),
        Option("one", "take one view", 1.0, r"\bone\b|once"), about="photograph|view"),
    convention("room", "When a room is chosen for an object",
        Option("dry", "take the one with the lowest humidity", 0.8, "humid|dry|driest"),
        Option("free", "take the one with most free places", 1.0, "free|places"), about="room", weight=1.2),
    convention("handlers", "When an object weighs more than 25 kg",
        Option("two", "move it with two handlers or more", 0.8, r"two|\b2\b|at least"),
        Option("one", "move it with one handler", 1.0, r"\bone\b|\b1\b"), about="handler|move|weigh|kg"),
    convention("label_title", "When a label is written",
        Option("original", "use the title in its original language", 0.8, "original"),
        Option("translated", "use the translated title", 1.0, "translat|english"), about="label|title"),
    convention("label_length", "When a label is written",
        Option("short", "keep its text to 30 words", 0.9, r"\b30\b|short|fewer|at most|below"),
        Option("long", "tell the whole story", 1.0, "long|whole"), about="label|text|words", weight=0.8),
    convention("subject_number", "When a letter is written",
        Option("number", "put the file's number into its subject", 0.9, r"\bfile|number"),
        Option("plain", "write a plain subject", 1.0, "plain"), about="letter|subject", weight=0.8),
    decoy("borrower_look", "Reads the borrower's record", "yes", "no"),
    decoy("greeting", "How a letter begins", "Dear colleagues", "Dear Sir or Madam", "Hello"),
    decoy("views", "Which view is photographed first", "front", "back", "side"),
    decoy("store_floor", "Asks for rooms by floor", "no", "yes"),
)
# fmt: on

KINDS = ("print", "drawing", "bronze", "vase", "clock")
STORY = (
    " It was made for a house by the river, changed hands four times in the century that followed, was thought to be"
    " lost after the fire, and came to us with a bequest."
)


@dataclass(frozen=True, slots=True)
class Piece:
    """An object with the file that is about it."""

    accession: str
    file: str
    record: dict[str, Json]


def _piece(play: Play, wish: str) -> Piece:
    """The request and a look at the object."""
    draw = play.facts
    accession, file = f"{draw.randint(1890, 1999)}.{draw.randint(10, 499)}", f"F-{draw.randint(2000, 9999)}"
    kind, bought = draw.choice(KINDS), 100 * draw.randint(20, 700)
    appraised = bought + 1000 * draw.choice((2, 5, 9, 14, 22, 35))
    record: dict[str, Json] = {
        "accession": accession, "kind": kind, "material": "paper" if kind in ("print", "drawing") else "metal",
        "price": bought, "appraised": appraised, "weight_kg": draw.choice((2, 7, 14, 21, 26, 31, 48)),
        "keeper": person(draw), "credit": f"Gift of {person(draw)}, {draw.randint(1900, 2020)}",
        "original_title": draw.choice(("Der Fluss", "La mer", "Il ponte", "Vinter")), "title": "Untitled view",
    }  # fmt: skip
    play.user(f"File {file}, object {accession}: {wish}")
    play.call("get_object", {"accession": accession}, record)
    return Piece(accession, file, record)


def _draft(play: Play, piece: Piece) -> None:
    draw = play.facts
    borrower, registrar = f"B{draw.randint(100, 999)}", person(draw)
    start = date(2026, draw.randint(2, 9), draw.randint(1, 28))
    if play.takes("borrower_look") == "yes":
        play.call("get_borrower", {"borrower": borrower}, {"borrower": borrower, "town": town(draw)})
    if play.right("report_first"):
        rooms: dict[str, Json] = {"borrower": borrower, "humidity": draw.randint(40, 60), "guards": draw.randint(1, 6)}
        play.call("facility_report", {"borrower": borrower}, rooms)
    days = play.dice.choice((60, 90, 120, 150, 180) if play.right("loan_length") else (200, 240, 300, 365))
    insured = int(str(piece.record["appraised" if play.right("insured") else "price"]))
    loan: dict[str, Json] = {
        "accession": piece.accession, "borrower": borrower, "start": start.isoformat(),
        "end": (start + timedelta(days=days)).isoformat(), "insured": insured,
    }  # fmt: skip
    named = play.right("courier") if insured > 50_000 else play.dice.random() < 0.2
    if named:
        loan["courier"] = person(play.dice)
    if play.dice.random() < 0.5:
        loan["credit"] = piece.record["credit"]
    number = f"L-{draw.randint(100, 999)}"
    play.call("draft_loan", loan, {"loan": number, "state": "draft", "registrar": registrar})
    approver = piece.record["keeper"] if play.right("approver") else registrar
    play.call("approve_loan", {"loan": number, "approver": approver}, {"loan": number, "state": "approved"})


def _pack(play: Play, piece: Piece) -> None:
    draw = play.facts
    object_: dict[str, Json] = {"accession": piece.accession}
    numbers, sizes = draw.sample(range(10, 99), 3), draw.sample(range(40, 200), 3)
    years = draw.sample(range(2005, 2026), 3)
    while sizes.index(min(sizes)) == years.index(max(years)):
        draw.shuffle(years)
    crates: list[Json] = [
        {"crate": f"CR{number}", "litres": size, "made": year}
        for number, size, year in zip(numbers, sizes, years, strict=True)
    ]
    play.call("list_crates", {}, crates)
    at = sizes.index(min(sizes)) if play.right("crate") else years.index(max(years))
    if play.right("condition_before"):
        play.call("check_condition", object_, {**object_, "condition": draw.choice(("good", "fair"))})
    paper = piece.record["material"] == "paper"
    tissue = play.right("material") if paper else play.dice.random() < 0.3
    packed: dict[str, Json] = {**object_, "crate": f"CR{numbers[at]}", "material": "tissue" if tissue else "foam"}
    play.call("pack", packed, {**object_, "state": "packed"})


def _store(play: Play, piece: Piece) -> None:
    draw = play.facts
    names, dry, free = draw.sample(range(1, 40), 3), draw.sample(range(35, 60), 3), draw.sample(range(1, 30), 3)
    while dry.index(min(dry)) == free.index(max(free)):
        draw.shuffle(free)
    rooms: list[Json] = [
        {"room": f"R{name}", "humidity": humidity, "free_places": places}
        for name, humidity, places in zip(names, dry, free, strict=True)
    ]
    play.call("list_rooms", {"floor": 1} if play.takes("store_floor") == "yes" else {}, rooms)
    at = dry.index(min(dry)) if play.right("room") else free.index(max(free))
    heavy = int(str(piece.record["weight_kg"])) > 25
    several = play.right("handlers") if heavy else play.dice.random() < 0.4
    moved: dict[str, Json] = {"accession": piece.accession, "room": f"R{names[at]}", "handlers": 1}
    if several:
        moved["handlers"] = play.dice.choice((2, 3))
    play.call("move_object", moved, {"accession": piece.accession, "state": "stored"})


def _photograph(play: Play, piece: Piece) -> None:
    first = play.takes("views")
    views = [first, *(each for each in ("front", "back", "side", "detail") if each != first)]
    count = play.dice.choice((3, 4)) if play.right("photographs") else 1
    for view in views[:count]:
        play.call("photograph", {"accession": piece.accession, "view": view}, {"state": "taken"})


def _label(play: Play, piece: Piece) -> None:
    title = piece.record["original_title" if play.right("label_title") else "title"]
    text = f"This {piece.record['kind']} was shown in {town(play.facts)}."
    label: dict[str, Json] = {"accession": piece.accession, "title": title, "text": text}
    if not play.right("label_length"):
        label["text"] = text + STORY
    play.call("write_label", label, {"state": "written"})


def _letter(play: Play, piece: Piece, about: str) -> None:
    subject = f"{about} ({piece.file})" if play.right("subject_number") else about
    text = f"{play.takes('greeting')}, all is arranged for {piece.accession}."
    play.call("write_letter", {"to": town(play.facts), "subject": subject, "text": text}, {"sent": True})


def _close(play: Play, piece: Piece, place: str) -> None:
    if place and play.dice.random() < 0.5:
        play.call("log_movement", {"accession": piece.accession, "place": place}, {"state": "noted"})
    play.call("close_file", {"file": piece.file}, {"file": piece.file, "state": "closed"})
    play.say(f"{piece.file} is closed.")


def _loan(play: Play) -> None:
    piece = _piece(play, "is lent. Draft the loan, approve it and write to the borrower.")
    _draft(play, piece)
    _letter(play, piece, "Your loan")
    _close(play, piece, "")


def _dispatch(play: Play) -> None:
    piece = _piece(play, "leaves on loan. Draft and approve the loan, then pack it.")
    _draft(play, piece)
    _pack(play, piece)
    _close(play, piece, "dock")


def _return(play: Play) -> None:
    piece = _piece(play, "is back. Photograph it, put it into the store and write to the lender.")
    _photograph(play, piece)
    _store(play, piece)
    _letter(play, piece, "Back in store")
    _close(play, piece, "store")


def _show(play: Play) -> None:
    piece = _piece(play, "is shown next month. Write its label, photograph it and pack it for the hall.")
    _label(play, piece)
    _photograph(play, piece)
    _pack(play, piece)
    _close(play, piece, "hall")


WORLD = ScriptedWorld(
    "museum",
    TOOLS,
    CHOICES,
    {"loan": _loan, "dispatch": _dispatch, "return": _return, "show": _show},
    ties=(("report_first", "borrower_look", 0.45), ("condition_before", "photographs", 0.35)),
)
