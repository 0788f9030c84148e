"""When a library was last captured, graded, learned, refused and served, and what has waited since."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

MOST_COUNTED = 1_000
"""What waits is counted up to this."""


@dataclass(frozen=True, slots=True)
class Activity:
    """The signs of life of one library. Times are seconds since the epoch; None: never."""

    lessons: int = 0
    """Experiences that are not retired."""
    captured_at: float | None = None
    """When the newest attempt was stored, by whichever door."""
    graded_at: float | None = None
    ungraded: int = 0
    """Attempts without a reward that came after the last reward."""
    learned_at: float | None = None
    """When the learner last changed the library."""
    attempts: int = 0
    """The newest attempts that came after that."""
    graded: int = 0
    """Those of them that have a reward."""
    tasks: int = 0
    """The number of tasks that they are attempts at."""
    looked_at: float | None = None
    """When the learner was last through with a group, whether or not it changed anything."""
    ready: int = 0
    """Groups that wait for the learner."""
    ready_since: float | None = None
    failing: str | None = None
    """Why one of them is tried again."""
    dead: int = 0
    """Groups that the learner has given up."""
    dead_reason: str | None = None
    proposals: int = 0
    """Those that wait for a person."""
    proposed_at: float | None = None
    """When the one that waits longest was made."""
    refused_at: float | None = None
    refusal: str | None = None
    asked_at: float | None = None
    """When lessons were last asked for."""
    served_at: float | None = None
    """When an answer last held a lesson."""
    served: int = 0
    """The number of lessons in that answer."""

    def over(self, farther: Iterable[Activity]) -> Activity:
        """As a person sees it whom farther layers serve too: with their lessons, and when any of them last served."""
        layers = (self, *farther)
        served = max(layers, key=lambda each: each.served_at or 0.0)
        lessons = sum(each.lessons for each in layers)
        return replace(self, lessons=lessons, served_at=served.served_at, served=served.served)
