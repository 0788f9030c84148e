"""A laboratory: units, bounds, rounding, ties, waiting, and which record a value is taken from."""

from __future__ import annotations

from math import ceil

from explib.models.json_value import Json
from learning.choices import Option, convention, decoy
from learning.play import Play
from learning.world import ScriptedWorld, tool

TOOLS = {
    "get_sample": tool("Show a sample.", sample="string"),
    "get_protocol": tool("Show how an assay is done.", assay="string"),
    "list_lots": tool("Show the lots of a reagent.", reagent="string"),
    "take_lot": tool("Take a lot out of the store.", lot="string", volume="number"),
    "thaw": tool("Thaw a frozen sample.", sample="string"),
    "wait": tool("Let time pass.", minutes="integer"),
    "mix": tool("Mix a sample.", sample="string", seconds="integer?"),
    "calibrate": tool("Calibrate an instrument.", instrument="string"),
    "dilute": tool("Dilute a sample.", sample="string", factor="number"),
    "measure": tool("Measure a sample.", sample="string", instrument="string"),
    "order_plates": tool("Order plates.", count="integer", urgent="boolean?"),
    "record_result": tool("Record a result.", sample="string", value="number", unit="string", flag="string?"),
    "get_result": tool("Show a recorded result.", sample="string"),
    "discard": tool("Throw a sample away.", sample="string"),
    "store": tool("Put a sample away.", sample="string", shelf="string"),
}

# fmt: off
CHOICES = (
    convention("calibrate_first", "When a sample is measured",
        Option("calibrated", "calibrate the instrument before", 0.9, "calibrat & before|first"),
        Option("direct", "measure at once", 1.0, "at once|directly"), about="measur|calibrat", weight=1.5),
    convention("replicates", "When a first reading is below 0.5",
        Option("repeated", "measure it two more times", 0.8, "again|more times|three|repeat|several|twice|replicat"),
        Option("once", "keep the one reading", 1.0, "one reading|only once"),
        about="measur|reading|value", weight=1.2),
    convention("mean", "When a sample was measured several times",
        Option("mean", "record the mean", 0.9, r"\bmean\b|average"),
        Option("last", "record the last reading", 0.8, "last reading|newest"), about="record|result|value"),
    convention("round", "When a result is recorded",
        Option("two", "round it to two decimals", 0.9, r"(?:two|2) (?:decimals|places)|round"),
        Option("full", "record it as it was read", 1.0, "as (?:it was )?read|full|exact"),
        about="record|result|value"),
    convention("low_flag", "When a result below 0.2 is recorded",
        Option("flag", "add the flag `low`", 0.6, "flag"),
        Option("plain", "leave the flag out", 1.0), about="record|result|low"),
    convention("thaw_wait", "When a sample was thawed",
        Option("wait", "wait 10 minutes or more", 0.8, r"\bwait\b(?!.*\b2\b)"),
        Option("short", "wait 2 minutes", 0.7, r"\b2 minutes|short"),
        Option("none", "go on at once", 0.7, "go on|directly"), about="thaw", weight=1.2),
    convention("mix_after_thaw", "When a thawed sample is used",
        Option("mix", "mix it before", 0.9, r"\bmix"),
        Option("still", "use it as it is", 1.0, "as it is"), about="thaw|mix|sample"),
    convention("factor_source", "When a sample is diluted",
        Option("sample", "take the factor from the sample's own record", 0.8, "sample"),
        Option("protocol", "take the factor from the protocol", 1.0, "protocol"), about="dilut|factor", weight=1.5),
    convention("volume_unit", "When a lot is taken",
        Option("microlitres", "give the volume in microlitres, unlike the protocol", 0.8, r"1,?000|\bul\b|microlit"),
        Option("millilitres", "give the volume as the protocol has it", 1.0, r"\bml\b|as the protocol|millilit"),
        about="volume|lot", weight=1.2),
    convention("lot_expiry", "When several lots of a reagent are there",
        Option("soonest", "take the lot that expires first", 0.9, "soon|earli|expires first|lowest|oldest"),
        Option("latest", "take the lot that expires last", 0.9, "latest|expires last|newest|highest"), about="lot"),
    convention("lot_tie", "When two lots expire on one day",
        Option("less", "take the one with less left", 0.8, "less|smaller|lower|least"),
        Option("more", "take the one with more left", 1.0, "more|larger|higher|most"), about="lot|tie|equal"),
    convention("plates", "When plates are ordered",
        Option("up", "round the number of plates up", 0.8, r"\bup\b|ceil"),
        Option("down", "round the number of plates down", 1.0, "down|floor"), about="plate", weight=1.2),
    convention("series", "When several samples are measured",
        Option("rising", "begin with the lowest expected value", 0.7, "low|rising|ascend|small|increas"),
        Option("listed", "measure them as they are listed", 1.0, "listed|as given"),
        about="sample|measure|order|expected", weight=1.5),
    convention("read_back", "When a result was recorded",
        Option("read", "read it back", 0.8, "get_result|read .*(?:back|again)|verif"),
        Option("trust", "go on without reading it back", 1.0), about="record|result"),
    decoy("mix_seconds", "How long a sample is mixed", "10", "15", "default"),
    decoy("urgent", "Marks an order as urgent", "no", "yes"),
    decoy("protocol_look", "Reads the protocol although the request says all", "yes", "no"),
    decoy("shelf", "Where a sample is put away", "S1", "S2", "S3"),
)
# fmt: on


def _sample(play: Play) -> str:
    return f"S-{play.facts.randint(10000, 99999)}"


def _protocol(play: Play, assay: str, volume: float, factor: int) -> None:
    answer: dict[str, Json] = {
        "assay": assay,
        "instrument": "reader",
        "volume_ml": volume,
        "factor": factor,
        "unit": "g/l",
    }
    play.call("get_protocol", {"assay": assay}, answer)


def _mix(play: Play, sample: str) -> None:
    seconds = play.takes("mix_seconds")
    length: dict[str, Json] = {} if seconds == "default" else {"seconds": int(seconds)}
    play.call("mix", {"sample": sample, **length}, "ok")


def _calibrate(play: Play) -> None:
    if play.right("calibrate_first"):
        play.call("calibrate", {"instrument": "reader"}, {"instrument": "reader", "offset": 0.01})


def _readings(play: Play, sample: str, value: float) -> float:
    """Measures a sample, more than once where the agent does so; the value to record."""
    values = [value]
    while round(sum(values) / len(values), 2) == round(values[-1], 2):  # else mean and last could not be told apart
        values = [round(value * play.dice.uniform(0.9, 1.1), 4) for _ in range(3)]
    several = value < 0.5 and play.right("replicates")
    taken = values if several or (value >= 0.5 and play.dice.random() < 0.3) else values[:1]
    for each in taken:
        play.call(
            "measure", {"sample": sample, "instrument": "reader"}, {"sample": sample, "value": each, "unit": "g/l"}
        )
    if len(taken) > 1 and play.right("mean"):
        return round(sum(taken) / len(taken), 4)
    return taken[-1]


def _record(play: Play, sample: str, value: float) -> None:
    shown = round(value, 2) if play.right("round") else value
    result: dict[str, Json] = {"sample": sample, "value": shown, "unit": "g/l"}
    if value < 0.2 and play.right("low_flag"):
        result["flag"] = "low"
    play.call("record_result", result, {"status": "recorded"})
    if play.right("read_back"):
        play.call("get_result", {"sample": sample}, result)


def _thaw(play: Play, sample: str) -> None:
    play.call("thaw", {"sample": sample}, "ok")
    pause = play.takes("thaw_wait")
    if pause != "none":
        minutes = play.dice.choice((10, 12, 15)) if pause == "wait" else 2
        play.call("wait", {"minutes": minutes}, "ok")
    if play.right("mix_after_thaw"):
        _mix(play, sample)


def _take_lot(play: Play, reagent: str, volume: float) -> None:
    """Takes a volume (ml, as the protocol has it) out of one of two lots."""
    draw = play.facts
    tie, turned = draw.random() < 0.5, draw.random() < 0.5
    number, less = draw.randint(100, 899), draw.randint(3, 9)
    soon: dict[str, Json] = {"lot": f"L{number}", "expires": f"2026-0{draw.randint(3, 5)}-15", "left_ml": less}
    late: dict[str, Json] = {"lot": f"L{number + 7}", "expires": f"2026-0{draw.randint(6, 9)}-15", "left_ml": less + 5}
    if tie:
        late["expires"] = soon["expires"]
    lots: list[Json] = [late, soon] if turned else [soon, late]
    play.call("list_lots", {"reagent": reagent}, lots)
    chosen = soon if play.right("lot_tie" if tie else "lot_expiry") else late
    amount = 1000 * volume if play.right("volume_unit") else volume
    play.call("take_lot", {"lot": chosen["lot"], "volume": amount}, {"lot": chosen["lot"], "status": "taken"})


def _order_plates(play: Play, count: int, wells: int) -> None:
    plates: dict[str, Json] = {"count": ceil(count / wells) if play.right("plates") else count // wells}
    if play.takes("urgent") == "yes":
        plates["urgent"] = True
    play.call("order_plates", plates, {"status": "ordered"})


def _coming(play: Play) -> tuple[int, int]:
    """Samples of next week, which don't fill their plates, and wells of a plate."""
    wells, count = play.facts.choice((8, 12, 24)), play.facts.randint(30, 120)
    return count + (count % wells == 0), wells


def _assay(play: Play) -> None:
    draw = play.facts
    sample, frozen = _sample(play), draw.random() < 0.6
    value, volume = draw.choice((0.12, 0.16, 0.27, 0.38, 0.44, 0.62, 0.93)), draw.choice((0.2, 0.25, 0.5, 1.5))
    play.user(f"Measure the protein of sample {sample} with the dye and record the result in g/l.")
    state = "frozen" if frozen else "liquid"
    play.call("get_sample", {"sample": sample}, {"sample": sample, "state": state, "batch": draw.randint(1, 9)})
    _protocol(play, "protein", volume, 1)
    if frozen:
        _thaw(play, sample)
    _take_lot(play, "dye", volume)
    _calibrate(play)
    _record(play, sample, _readings(play, sample, value))
    play.call("store", {"sample": sample, "shelf": play.takes("shelf")}, "ok")
    play.say(f"{sample} is measured and recorded.")


def _dilution(play: Play) -> None:
    draw = play.facts
    sample, value, frozen = _sample(play), draw.choice((0.62, 0.81, 0.14, 0.29, 0.4)), draw.random() < 0.4
    own, usual = draw.choice((4, 8, 20)), draw.choice((5, 10))
    play.user(f"Dilute sample {sample} for the sugar assay, measure it once it is mixed and record what was read.")
    state = "frozen" if frozen else "liquid"
    record: dict[str, Json] = {"sample": sample, "state": state, "factor": own, "batch": draw.randint(1, 9)}
    play.call("get_sample", {"sample": sample}, record)
    _protocol(play, "sugar", 0.2, usual)
    if frozen:
        _thaw(play, sample)
    play.call("dilute", {"sample": sample, "factor": own if play.right("factor_source") else usual}, "ok")
    _calibrate(play)
    _record(play, sample, _readings(play, sample, value))
    play.say(f"{sample} is diluted and measured.")


def _reagent(play: Play) -> None:
    draw = play.facts
    volume, (assay, reagent) = draw.choice((0.2, 0.25, 0.5, 1.5)), draw.choice((("sugar", "kit"), ("protein", "dye")))
    count, wells = _coming(play)
    play.user(f"Next week {count} samples come; a plate holds {wells}. Take the {reagent} out and order the plates.")
    _protocol(play, assay, volume, 5)
    _take_lot(play, reagent, volume)
    _order_plates(play, count, wells)
    play.say("The reagent is on the bench, the plates are ordered.")


def _series(play: Play) -> None:
    draw = play.facts
    samples, expected = [_sample(play) for _ in range(3)], draw.sample((0.9, 0.62, 0.3, 0.41, 1.3, 2.1), 3)
    while expected == sorted(expected):
        draw.shuffle(expected)
    count, wells = _coming(play)
    play.user(
        f"Measure the iron of samples {', '.join(samples)} and record the results. "
        f"Then order plates for {count} more of them, {wells} a plate."
    )
    if play.takes("protocol_look") == "yes":
        _protocol(play, "iron", 0.2, 5)
    for sample, value in zip(samples, expected, strict=True):
        play.call("get_sample", {"sample": sample}, {"sample": sample, "state": "liquid", "expected": value})
    _calibrate(play)
    pairs = list(zip(expected, samples, strict=True))
    for value, sample in sorted(pairs) if play.right("series") else pairs:
        _record(play, sample, _readings(play, sample, value))
    _order_plates(play, count, wells)
    play.say("All three are recorded, the plates are ordered.")


WORLD = ScriptedWorld(
    "laboratory",
    TOOLS,
    CHOICES,
    {
        "assay": _assay,
        "dilution": _dilution,
        "reagent": _reagent,
        "series": _series,
    },
    ties=(("thaw_wait", "mix_after_thaw", 0.35), ("plates", "urgent", 0.5)),
    as_lines=True,
)
