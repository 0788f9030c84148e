"""What became of lessons that were served, in words: who saw them, met their situation, followed, and how that went."""

from __future__ import annotations

from explib.evidence.following import Following, Side
from explib.text.words import number_of
from explib_server.render.evidence import ExperienceEvidence


def following_text(found: ExperienceEvidence, *, has_decision: bool) -> str:
    """The way of one lesson in a sentence; empty where it was never served."""
    way = found.following
    if not way.seen:
        return "No attempt names a retrieval that served it: nobody is known to have seen it." if found.served else ""
    seen = f"Seen by {number_of(way.seen, 'attempt')}"
    if not has_decision:
        return f"{seen}. It comes from no decision, so who followed it cannot be told."
    if not way.met:
        return f"{seen}; none of them is known to have met its situation yet."
    return f"{seen}, of which {way.met:,} met its situation: {_sides(way)}."


def following_lines(way: Following) -> str:
    """The ways of several lessons together, for `status`."""
    if not way.seen:
        return "lessons seen: none that is known of"
    counts = f"lessons seen: {number_of(way.seen, 'time')}, with their situation met {number_of(way.met, 'time')}"
    return f"{counts}\n  {_sides(way)}" if way.met else counts


def _sides(way: Following) -> str:
    sides = (way.followed, way.otherwise)
    followed, otherwise = (f" (mean reward {mean_text(side)})" if side.graded else "" for side in sides)
    return f"{way.followed.attempts:,} followed{followed}, {way.otherwise.attempts:,} did otherwise{otherwise}"


def mean_text(side: Side) -> str:
    """The mean reward and the number of attempts that it is the mean of, e.g. `0.82 of 17`."""
    return "" if side.mean is None else f"{side.mean:.2f} of {side.graded:,}"
