"""The appointment office of a clinic: times, lengths, ages, gaps, and who is told how."""

from __future__ import annotations

from explib.models.json_value import Json
from learning.choices import Option, convention, decoy
from learning.names import person
from learning.play import Play
from learning.world import ScriptedWorld, tool

TOOLS = {
    "find_patient": tool("Search patients.", name="string?", born="string?"),
    "get_patient": tool("Show a patient's record.", patient_id="string"),
    "list_visits": tool("Show a patient's visits.", patient_id="string"),
    "list_slots": tool("Show free times of a day.", day="string"),
    "book": tool(
        "Book an appointment.", patient_id="string", day="string", start="string", minutes="integer",
        doctor="string", room="string?", companion="string?", note="string?",
    ),
    "move_appointment": tool("Move an appointment.", appointment_id="string", day="string", start="string"),
    "cancel_appointment": tool("Cancel an appointment.", appointment_id="string", reason="string?"),
    "get_waiting_list": tool("Show who waits for a doctor.", doctor="string"),
    "set_reminder": tool("Remind a patient on a day.", appointment_id="string", day="string"),
    "send_sms": tool("Send a text message.", phone="string", text="string"),
    "send_letter": tool("Send a letter.", patient_id="string", text="string"),
}  # fmt: skip

# fmt: off
CHOICES = (
    convention("find_by_birth", "When a patient is searched",
        Option("born", "search by name and date of birth", 0.8, r"\bborn\b|birth"),
        Option("name", "search by name alone", 1.0, "name & only|alone"), about="find_patient|search|look"),
    convention("first_visit", "When a patient has no visit yet",
        Option("long", "book 40 minutes", 0.8, r"\b40\b|long"),
        Option("short", "book 20 minutes", 1.0, r"\b20\b"), about="minute|visit|book", weight=1.5),
    convention("fasting_time", "When a blood test is booked",
        Option("early", "start at 9:15 at the latest", 0.8, "before|early|earlier|latest|at most|until|≤|<"),
        Option("late", "start later in the morning", 1.0, "later|after|≥|>"), about="blood|fast|9:", weight=1.5),
    convention("companion", "When a patient is younger than 14",
        Option("named", "name a companion", 0.8, "companion"),
        Option("none", "book without a companion", 1.0), about="book|age|young|child|born|14", weight=1.2),
    convention("gap", "When a patient gets a second appointment on one day",
        Option("wide", "leave 30 minutes or more between", 0.9, "30|gap|between|apart"),
        Option("tight", "book the next time that is free", 1.0, "next|directly"),
        about="second|same day|appointment|book|gap"),
    convention("ground_floor", "When a patient is older than 72",
        Option("ground", "book a room on the ground floor", 0.7, r"ground|room g|\bg\d"),
        Option("any", "book any room", 1.0), about="room"),
    convention("reminder_day", "When a reminder is set",
        Option("two", "set it two days before the appointment", 0.7, r"two|\b2\b"),
        Option("one", "set it one day before", 1.0, r"\bone\b|\b1\b"),
        Option("same", "set it for the same day", 0.5, "same day"), about="remind"),
    convention("move_tool", "When an appointment gets another time",
        Option("move", "move it", 0.9, "move"),
        Option("rebook", "cancel it and book anew", 1.0, "cancel & book"), about="appointment|time|move", weight=1.5),
    convention("notice_by", "When a change is less than 4 days away",
        Option("sms", "tell the patient by text message", 1.0, "sms|text message"),
        Option("letter", "tell the patient by letter", 0.9, "letter"), about="day|tell|notice|change"),
    convention("same_doctor", "When a follow-up is booked",
        Option("same", "book the doctor of the last visit", 0.9, "doctor & same|last"),
        Option("free", "book the doctor who is free first", 1.0, "doctor & free|first"), about="doctor", weight=1.2),
    convention("slot_tie", "When two times are equally near",
        Option("later", "take the later one", 0.8, "later|last"),
        Option("earlier", "take the earlier one", 1.0, "earlier|first"),
        about="equally|tie|two times|slot", weight=0.8),
    convention("waiting_list", "When an appointment is cancelled",
        Option("read", "read the doctor's waiting list before", 0.7, "waiting_list|waiting list"),
        Option("none", "cancel it without a look at who waits", 1.0), about="cancel"),
    convention("private_text", "When a text message is sent",
        Option(
            "nameless",
            "leave the patient's name out of it",
            0.8,
            "without & name",
        ),
        Option("name", "begin with the patient's name", 1.0, r"\bname\b"), about="sms|text message"),
    convention("phone_form", "When a phone number is used",
        Option("digits", "give digits only", 0.8, "digits|no spaces|without (?:spaces|punctuation)"),
        Option("record", "give it as the record has it", 1.0, "as (?:it )?is|as in"),
        about="phone|number", weight=0.8),
    decoy("looks_twice", "Reads the record again before acting", "no", "yes"),
    decoy("cancel_reason", "Gives a reason for a cancellation", "yes", "no"),
    decoy("booking_note", "Adds a note to a booking", "none", "called", "by phone"),
    decoy("closing", "How the work is reported", "Done", "All set", "Booked"),
)
# fmt: on


def _patient(play: Play, born: int) -> dict[str, Json]:
    draw = play.facts
    name, patient_id = person(draw), f"P{draw.randint(1000, 9999)}"
    date = f"{born}-{draw.randint(1, 12):02d}-{draw.randint(1, 28):02d}"
    phone = f"+44 {draw.randint(20, 99)} {draw.randint(100, 999)}-{draw.randint(1000, 9999)}"
    return {
        "patient_id": patient_id, "name": name, "born": date, "phone": phone,
        "insurance": draw.choice(("state", "private")), "visits": draw.choice((0, 0, 1, 2, 5)),
        "last_doctor": draw.choice(("Dr Ahn", "Dr Bell", "Dr Cruz")),
    }  # fmt: skip


def _find(play: Play, record: dict[str, Json]) -> None:
    arguments: dict[str, Json] = {"name": record["name"]}
    if play.right("find_by_birth"):
        arguments["born"] = record["born"]
    play.call("find_patient", arguments, [{"patient_id": record["patient_id"], "name": record["name"]}])
    for _ in range(1 + (play.takes("looks_twice") == "yes")):
        play.call("get_patient", {"patient_id": record["patient_id"]}, record)


def _slots(play: Play, day: str, *starts: str) -> None:
    free: list[Json] = [
        {"start": start, "room": f"{play.facts.choice('GAB')}{at + 1}"} for at, start in enumerate(starts)
    ]
    play.call("list_slots", {"day": day}, free)


def _book(play: Play, record: dict[str, Json], day: str, start: str, minutes: int, doctor: str) -> str:
    """Books, with what the patient's age asks for; the appointment's id."""
    age = 2026 - int(str(record["born"])[:4])
    arguments: dict[str, Json] = {
        "patient_id": record["patient_id"], "day": day, "start": start, "minutes": minutes, "doctor": doctor,
    }  # fmt: skip
    if age < 14 and play.right("companion"):
        arguments["companion"] = f"parent of {record['name']}"
    if age > 72:
        arguments["room"] = "G2" if play.right("ground_floor") else play.dice.choice(("A1", "B3"))
    elif play.dice.random() < 0.5:
        arguments["room"] = play.dice.choice(("A1", "B3", "G2"))
    if (note := play.takes("booking_note")) != "none":
        arguments["note"] = note
    appointment_id = f"A{play.facts.randint(10000, 99999)}"
    play.call("book", arguments, {"appointment_id": appointment_id, "status": "booked"})
    return appointment_id


def _remind(play: Play, appointment_id: str, day: int) -> None:
    before = {"two": 2, "one": 1, "same": 0}[play.takes("reminder_day")]
    arguments: dict[str, Json] = {"appointment_id": appointment_id, "day": f"2026-05-{day - before:02d}"}
    play.call("set_reminder", arguments, {"status": "set"})


def _day(play: Play) -> tuple[int, str]:
    """Day of the appointment in May, and its date; today is the second."""
    day = 2 + play.facts.choice((2, 3, 3, 5, 6, 8, 12, 17, 24))
    return day, f"2026-05-{day:02d}"


def _request(play: Play, record: dict[str, Json], wish: str) -> None:
    play.user(f"Today is 2026-05-02. {record['name']}, born {record['born']}, {wish} Confirm it to the patient.")
    _find(play, record)


def _new_patient(play: Play) -> None:
    draw = play.facts
    day, date = _day(play)
    record = _patient(play, draw.choice((2013, 2015, 2019, 2010, 1985, 1960, 1953, 1950, 1945)))
    hour, doctor = draw.randint(10, 15), draw.choice(("Dr Ahn", "Dr Bell"))
    _request(play, record, f"wants an appointment on {date} at about {hour}:30. Book it with a reminder.")
    minutes = 40 if record["visits"] == 0 and play.right("first_visit") else 20
    _slots(play, date, f"{hour}:10", f"{hour}:50")
    start = f"{hour}:50" if play.right("slot_tie") else f"{hour}:10"
    _remind(play, _book(play, record, date, start, minutes, doctor), day)
    _tell(play, record, date, day)


def _blood_test(play: Play) -> None:
    draw = play.facts
    day, date = _day(play)
    record = _patient(play, draw.choice((1950, 1962, 1990, 2014, 2017)))
    early, late = draw.choice(("08:15", "08:45", "09:00", "09:15")), draw.choice(("09:30", "10:00", "11:15"))
    _request(play, record, f"needs a blood test in the morning of {date}. Book it with a reminder.")
    _slots(play, date, early, late, "11:45")
    start = early if play.right("fasting_time") else late
    minutes = 40 if record["visits"] == 0 and play.right("first_visit") else 20
    _remind(play, _book(play, record, date, start, minutes, "Dr Ahn"), day)
    _tell(play, record, date, day)


def _second(play: Play) -> None:
    draw = play.facts
    day, date = _day(play)
    record, hour = _patient(play, draw.choice((1948, 1951, 1970, 1992, 2016))), draw.randint(9, 14)
    near, wide = f"{hour:02d}:{draw.choice((25, 30, 40))}", f"{hour + 1:02d}:{draw.choice(('00', '10', '30'))}"
    _request(play, record, f"sees {record['last_doctor']} on {date}. Book a check of the results right after an X-ray.")
    visit: dict[str, Json] = {"day": date, "start": f"{hour:02d}:00", "end": f"{hour:02d}:20", "doctor": "X-ray"}
    play.call("list_visits", {"patient_id": record["patient_id"]}, [visit])
    _slots(play, date, near, wide)
    _book(play, record, date, wide if play.right("gap") else near, 20, _doctor(play, record))
    _tell(play, record, date, day)


def _follow_up(play: Play) -> None:
    draw = play.facts
    day, date = _day(play)
    record, hour = _patient(play, draw.choice((1940, 1952, 1980, 2001))), draw.randint(10, 14)
    _request(play, record, f"needs a follow-up on {date} at about {hour}:30. Book it with a reminder.")
    visit: dict[str, Json] = {"day": "2026-03-02", "start": "10:00", "doctor": record["last_doctor"]}
    play.call("list_visits", {"patient_id": record["patient_id"]}, [visit])
    _slots(play, date, f"{hour}:10", f"{hour}:50")
    start = f"{hour}:50" if play.right("slot_tie") else f"{hour}:10"
    _remind(play, _book(play, record, date, start, 20, _doctor(play, record)), day)
    _tell(play, record, date, day)


def _doctor(play: Play, record: dict[str, Json]) -> str:
    others = [each for each in ("Dr Ahn", "Dr Bell", "Dr Cruz") if each != record["last_doctor"]]
    other = play.facts.choice(others)
    return str(record["last_doctor"]) if play.right("same_doctor") else other


def _change(play: Play) -> None:
    draw = play.facts
    (day, date), cancels = _day(play), draw.random() < 0.5
    record, appointment_id = _patient(play, draw.choice((1949, 1975, 1999))), f"A{draw.randint(10000, 99999)}"
    wish = "is ill: cancel the appointment" if cancels else "can't come in the morning: make it 14:20"
    _request(play, record, f"{wish} on {date}.")
    visit: dict[str, Json] = {"appointment_id": appointment_id, "day": date, "start": "09:40", "doctor": "Dr Cruz"}
    play.call("list_visits", {"patient_id": record["patient_id"]}, [visit])
    if not cancels and play.right("move_tool"):
        moved: dict[str, Json] = {"appointment_id": appointment_id, "day": date, "start": "14:20"}
        play.call("move_appointment", moved, {"status": "moved"})
    else:
        _cancel(play, appointment_id)
        if not cancels:
            _book(play, record, date, "14:20", 20, "Dr Cruz")
    _tell(play, record, date, day)


def _cancel(play: Play, appointment_id: str) -> None:
    if play.right("waiting_list"):
        play.call("get_waiting_list", {"doctor": "Dr Cruz"}, [{"patient_id": "P1188", "since": "2026-04-20"}])
    arguments: dict[str, Json] = {"appointment_id": appointment_id}
    if play.takes("cancel_reason") == "yes":
        arguments["reason"] = "patient's wish"
    play.call("cancel_appointment", arguments, {"status": "cancelled"})


def _tell(play: Play, record: dict[str, Json], date: str, day: int) -> None:
    by_sms = play.right("notice_by") if day - 2 < 4 else play.dice.random() < 0.6
    text = f"your appointment on {date} is in our book as you wished."
    if by_sms:
        phone = str(record["phone"])
        if play.right("phone_form"):
            phone = "".join(sign for sign in phone if sign.isdigit())
        text = text.capitalize() if play.right("private_text") else f"{record['name']}, {text}"
        play.call("send_sms", {"phone": phone, "text": text}, {"sent": True})
    else:
        letter: dict[str, Json] = {"patient_id": record["patient_id"], "text": f"Dear {record['name']}, {text}"}
        play.call("send_letter", letter, {"sent": True})
    play.say(f"{play.takes('closing')}. {record['name']} has been told.")


WORLD = ScriptedWorld(
    "clinic",
    TOOLS,
    CHOICES,
    {
        "new patient": _new_patient,
        "blood test": _blood_test,
        "second": _second,
        "follow-up": _follow_up,
        "change": _change,
    },
    ties=(("first_visit", "booking_note", 0.4), ("same_doctor", "slot_tie", 0.35)),
)
