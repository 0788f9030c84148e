"""What became of lessons that were served: seen, met, followed, and how the attempts fared. In words and as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explib.evidence.following import Following, Side, together
from explib.text.words import number_of

if TYPE_CHECKING:
    from rich.table import Table

    from explib_server.render.evidence import ExperienceEvidence, LibraryEvidence

NOTE = (
    "Seen: attempts that name a retrieval which served it, of the newest 5,000. Met: those of them that are coded at "
    "its decision. Followed, otherwise: what these did, with the mean reward of the graded ones. Attempts chose for "
    "themselves, so a difference is no proof: the lift is."
)


def following_text(found: ExperienceEvidence, *, has_decision: bool) -> str:
    """The way of one lesson in a few sentences; empty where it was never served."""
    way = found.following
    if not way.seen:
        return "No attempt names a retrieval that served it, so nobody is known to have seen it." if found.served else ""
    seen = f"Seen by {number_of(way.seen, 'attempt')}"
    if not has_decision:
        return f"{seen}. It comes from no decision, so who followed it cannot be told."
    if not way.met:
        return f"{seen}; none of them is known to have met its situation yet."
    return f"{seen}, of which {way.met:,} met its situation: {_sides(way)}."


def following_line(found: LibraryEvidence) -> str:
    """The ways of all lessons that are served as one line, e.g. `seen 96 times, situation met 60 times: …`."""
    way = together(each.following for each in found.experiences if each.status != "retired")
    if not way.seen:
        return "none seen yet" if found.retrievals else "none served yet"
    met = f"{number_of(way.seen, 'time')} seen, situation met {number_of(way.met, 'time')}"
    return f"{met}: {_sides(way)}" if way.met else met


def following_table(found: LibraryEvidence) -> Table | None:
    """A row for each lesson that was seen; None where none was."""
    from rich.table import Table

    seen = [each for each in found.experiences if each.following.seen]
    if not seen:
        return None
    table = Table(box=None, pad_edge=False, padding=(0, 1), header_style="bold")
    table.add_column("id", no_wrap=True)
    for name in ("served", "seen", "met", "followed", "mean", "otherwise", "mean"):
        table.add_column(name, justify="right", no_wrap=True)
    for each in seen:
        way = each.following
        sides = [cell for side in (way.followed, way.otherwise) for cell in (f"{side.attempts:,}", mean_text(side))]
        table.add_row(each.id, f"{each.served:,}", f"{way.seen:,}", f"{way.met:,}", *sides)
    return table


def _sides(way: Following) -> str:
    return f"{_side(way.followed)} followed, {_side(way.otherwise)} did otherwise"


def _side(side: Side) -> str:
    graded = f" (mean reward {mean_text(side)} of {side.graded:,})" if side.graded else ""
    return f"{side.attempts:,}{graded}"


def mean_text(side: Side) -> str:
    """The mean reward, or a dash."""
    return "–" if side.mean is None else f"{side.mean:.2f}"
