"""Lessons: a page of the library, searched, filtered and sorted, each with what is known of it."""

from __future__ import annotations

import time
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from weakref import WeakKeyDictionary

from explib.errors import InvalidInput
from explib.evidence.verdicts import HELPS
from explib.models.decisions import Verdict
from explib.models.experiences import Experience
from explib.models.libraries import Library
from explib.storage.store import Store
from explib_server.application import Application
from explib_server.page.ask import Ask, Fields
from explib_server.render.evidence import ExperienceEvidence, evidence_of

HARMS = frozenset({"proven to harm", "likely harms"})
CACHE_SECONDS = 30.0
"""Evidence and verdicts of a whole library are read again after this, or with a new revision."""


@dataclass(frozen=True, slots=True)
class Known:
    """Every lesson of a library as it stood when it was read, retired ones too."""

    revision: int
    read_at: float
    lessons: tuple[Experience, ...]
    verdicts: Mapping[str, Verdict | None]
    evidence: Mapping[str, ExperienceEvidence]
    """Empty until something is sorted or filtered by it."""
    searched: Mapping[str, str]
    """Id → what the search looks in."""


_known: WeakKeyDictionary[Store, dict[int, Known]] = WeakKeyDictionary()
"""For each open database, library's id → what was read of it."""


async def lessons(application: Application, library: Library, ask: Ask) -> Fields:
    """A page: `after` is how many to pass over, `show` a status or a standing, `sort` an order."""
    if ask.sort not in _ORDERS:
        raise InvalidInput(f"sort is {ask.sort[:40]!r}: pass one of {', '.join(filter(None, _ORDERS))}.")
    if ask.show not in SHOWN:
        raise InvalidInput(f"show is {ask.show[:40]!r}: pass one of {', '.join(filter(None, SHOWN))}.")
    by_evidence = ask.sort in {"lift", "served"} or ask.show in {"helps", "harms", "unknown"}
    known = await known_of(application, library, by_evidence=by_evidence)
    chosen = sorted(_chosen(known, ask), key=_ORDERS[ask.sort](known))
    start = ask.number("after", 0)
    shown = chosen[start : start + ask.limit]
    evidence = (
        [known.evidence[each.id] for each in shown]
        if known.evidence
        else await evidence_of(application.store, library, shown)
    )
    rows = [
        row(lesson, found, known.verdicts.get(lesson.decision_id or ""), library)
        for lesson, found in zip(shown, evidence, strict=True)
    ]
    return {"total": len(chosen), "start": start, "revision": known.revision, "lessons": rows, "counts": _counts(known)}


def row(lesson: Experience, found: ExperienceEvidence, verdict: Verdict | None, library: Library) -> Fields:
    """One lesson of a list. Effects are shares of the reward's range."""
    return {
        "id": lesson.id,
        "content": lesson.content,
        "status": lesson.status,
        "version": lesson.version,
        "pinned": lesson.pinned,
        "analyst": lesson.analyst,
        "updated_revision": lesson.updated_revision,
        "standing": _standing(found),
        "label": found.label,
        "learned": found.learned,
        "effect": effect(lesson, found, verdict, library),
        "served": found.served,
        "rewarded": found.rewarded,
        "seen": found.following.seen,
        "followed": found.following.followed.attempts,
        "for": lesson.support.supporting,
        "against": lesson.support.contradicting,
        "votes": {"up": found.votes.up, "down": found.votes.down},
    }


def effect(lesson: Experience, found: ExperienceEvidence, verdict: Verdict | None, library: Library) -> Fields | None:
    """The lift as rewards measured it, else the effect that the attempts show which it was learned from."""
    if found.lift is not None:
        return {"source": "measured", "n": found.rewards, **asdict(found.lift.times(1 / library.settings.reward_width))}
    if verdict is None or verdict.better != lesson.option or verdict.low == verdict.high:
        return None
    n = verdict.followed + verdict.others
    return {"source": "attempts", "n": n, "mean": verdict.effect, "low": verdict.low, "high": verdict.high}


def decided(lesson: Experience, verdicts: Mapping[str, Verdict | None]) -> tuple[bool, float]:
    """Whether the attempts speak for a lesson, and by how much."""
    verdict = verdicts.get(lesson.decision_id or "")
    speaks = verdict is not None and verdict.better == lesson.option
    return speaks, verdict.effect if verdict is not None and speaks else 0.0


def folded(text: str) -> str:
    """A text as the search compares it: full and half width, upper and lower case are alike."""
    return unicodedata.normalize("NFKC", text).casefold()


async def known_of(application: Application, library: Library, *, by_evidence: bool = False) -> Known:
    """What is known of a library, not older than CACHE_SECONDS; `by_evidence`: with the evidence of every lesson.

    The lessons themselves only change with a revision, and are not read again before.
    """
    store, now = application.store, time.monotonic()
    held = _known.setdefault(store, {}).get(library.id)
    same = held if held is not None and held.revision == library.revision else None
    if same is not None and now - same.read_at < CACHE_SECONDS and (same.evidence or not by_evidence):
        return same
    found = same.lessons if same is not None else tuple(await store.revisions.experiences(library, retired=True))
    evidence = {each.id: each for each in await evidence_of(store, library, found)} if by_evidence else {}
    entries = await store.codebooks.entries(library)
    known = Known(
        library.revision,
        now,
        found,
        {entry.decision.id: entry.verdict for entry in entries},
        evidence,
        same.searched if same is not None else {each.id: folded(f"{each.id} {each.content}") for each in found},
    )
    _known[store][library.id] = known
    return known


def _standing(found: ExperienceEvidence) -> str:
    if found.label in HELPS:
        return "helps"
    if found.label in HARMS:
        return "harms"
    if found.label == "little difference":
        return "little"
    return "unknown"


SHOWN: Mapping[str, Callable[[Experience], bool]] = {
    "": lambda lesson: lesson.status != "retired",
    "active": lambda lesson: lesson.status == "active",
    "candidate": lambda lesson: lesson.status == "candidate",
    "pinned": lambda lesson: lesson.pinned and lesson.status != "retired",
    "retired": lambda lesson: lesson.status == "retired",
    "helps": lambda lesson: lesson.status != "retired",
    "harms": lambda lesson: lesson.status != "retired",
    "unknown": lambda lesson: lesson.status != "retired",
}


def _chosen(known: Known, ask: Ask) -> list[Experience]:
    words = folded(ask.query).split()
    chosen = [
        lesson
        for lesson in known.lessons
        if SHOWN[ask.show](lesson) and all(word in known.searched[lesson.id] for word in words)
    ]
    if ask.show in {"helps", "harms", "unknown"}:
        return [lesson for lesson in chosen if _standing(known.evidence[lesson.id]) == ask.show]
    return chosen


def _counts(known: Known) -> Fields:
    return {
        show: sum(map(holds, known.lessons))
        for show, holds in SHOWN.items()
        if show not in {"helps", "harms", "unknown"}
    }


def _number(lesson: Experience) -> int:
    return int(lesson.id[1:])


Order = Callable[[Known], Callable[[Experience], tuple[float, int]]]
_ORDERS: Mapping[str, Order] = {
    "": lambda known: lambda lesson: (-decided(lesson, known.verdicts)[1], -_number(lesson)),
    "newest": lambda _: lambda lesson: (-lesson.updated_revision, -_number(lesson)),
    "oldest": lambda _: lambda lesson: (0, _number(lesson)),
    "lift": lambda known: lambda lesson: (-_lift(known.evidence[lesson.id]), _number(lesson)),
    "served": lambda known: lambda lesson: (-known.evidence[lesson.id].served, _number(lesson)),
}


def _lift(found: ExperienceEvidence) -> float:
    return -2.0 if found.lift is None else found.lift.mean
