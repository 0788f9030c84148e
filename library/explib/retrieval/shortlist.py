"""From candidates to an answer: the shortlist first, then chance; nothing is cut after the draws.

Chance can be repeated: its numbers are made of a retrieval's id and of what is drawn, by an extendable hash (SHAKE).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import shake_128
from operator import itemgetter

from explib.evidence.ledger import ARM
from explib.models.libraries import LibrarySettings
from explib.models.retrievals import Serving
from explib.retrieval.entry import Ranked
from explib.retrieval.index import Candidates
from explib.retrieval.lifts import LiftCache, TrialArm

SHORTEST_LINE = 8
"""Tokens below which no experience fits any more."""
LEAST_RELEVANCE = 0.001
"""What counts as the relevance of those that neither words nor meaning brought up."""
_UNUSED_BITS = 11
"""Of 64: a float from 0 to 1 holds 53 evenly."""
_STEP = 2.0**-53


@dataclass(frozen=True, slots=True)
class Drawn:
    """What chance decided for one retrieval."""

    servings: tuple[Serving, ...]
    served: tuple[Ranked, ...]
    """The most relevant first."""
    held_out: bool
    arms: dict[str, bool]


@dataclass(frozen=True, slots=True)
class Room:
    """The place that an answer has for a library's lessons."""

    tokens: int
    limit: int | None
    """The most lessons; None: as many as fit."""
    each: int = 0
    """Tokens that a line costs beyond the lesson's own, for the name of its library."""


def draw(seed: str, candidates: Candidates, evidence: LiftCache, settings: LibrarySettings, room: Room) -> Drawn:
    """Shortlist by relevance · (μ + s) within the room, then include each by itself with its probability.

    `seed`, from which all chance comes, is the retrieval's id, with the library's name where it is a farther layer.
    """
    ranked = candidates.ranked
    evidence.note(entry for entry, _ in ranked)
    shortlist = _shortlist(ranked, evidence, room)
    held_out = settings.exploration and _is_held_out(seed, settings.holdout)
    arms: dict[str, bool] = {}
    if settings.exploration and evidence.arms and not held_out:
        mattering = [arm for arm in evidence.arms if any(arm.touches(entry.id) for entry, _ in shortlist)]
        arms = {str(arm.revision): _follows_revision(seed, arm.revision) for arm in mattering}
        earlier = [arm for arm in mattering if not arms[str(arm.revision)]]
        if earlier:
            shortlist = _shortlist(_before(ranked, earlier), evidence, room)
    shortlist.sort(key=itemgetter(1), reverse=True)
    servings = _servings(seed, shortlist, evidence, settings, held_out=held_out)
    served = tuple(each for each, serving in zip(shortlist, servings, strict=True) if serving.served)
    return Drawn(servings, served, held_out, arms)


def _shortlist(ranked: Sequence[Ranked], evidence: LiftCache, room: Room) -> list[Ranked]:
    """As many as fit, best first. One that is too long by itself is passed over, not the end of the list."""
    worth = [max(relevance, LEAST_RELEVANCE) * evidence.belief(entry).priority for entry, relevance in ranked]
    chosen: list[Ranked] = []
    left = room.tokens
    for at in sorted(range(len(ranked)), key=worth.__getitem__, reverse=True):
        if left < SHORTEST_LINE or len(chosen) == room.limit:
            break
        tokens = ranked[at][0].tokens + room.each
        if tokens <= left:
            chosen.append(ranked[at])
            left -= tokens
    return chosen


def _before(ranked: Iterable[Ranked], earlier: list[TrialArm]) -> list[Ranked]:
    """The candidates as they were before some revisions; what is put back counts as relevant as what replaced it."""
    gone = frozenset[str]().union(*(arm.adds for arm in earlier))
    replaced = {known: old for arm in earlier for known, old in arm.replaces.items()}
    kept: dict[str, Ranked] = {}
    for entry, relevance in ranked:
        for each in replaced.get(entry.id, () if entry.id in gone else (entry,)):
            kept.setdefault(each.id, (each, relevance))
    return list(kept.values())


def _servings(
    seed: str, shortlist: Sequence[Ranked], evidence: LiftCache, settings: LibrarySettings, *, held_out: bool
) -> tuple[Serving, ...]:
    if not settings.exploration:
        return tuple(Serving(entry.id, entry.version, relevance, 1.0, True) for entry, relevance in shortlist)
    probabilities = evidence.probabilities([entry for entry, _ in shortlist])
    draws = uniforms(seed, "experiences", len(shortlist))
    return tuple(
        Serving(entry.id, entry.version, relevance, probability, not held_out and drawn < probability)
        for (entry, relevance), probability, drawn in zip(shortlist, probabilities, draws, strict=True)
    )


def uniforms(seed: str, drawn: str, count: int) -> list[float]:
    """Numbers from 0 to below 1, each as good as independent of the others, of other draws and other retrievals.

    More of them begin with the same ones.
    """
    stream = shake_128(f"{seed}/{drawn}".encode()).digest(8 * count)
    return [(number >> _UNUSED_BITS) * _STEP for number in struct.unpack(f"<{count}Q", stream)]


def _is_held_out(seed: str, share: float) -> bool:
    """Whether the retrieval gets nothing."""
    return uniforms(seed, "holdout", 1)[0] < share


def _follows_revision(seed: str, revision: int) -> bool:
    """Whether the retrieval follows a revision on trial, or the one before it."""
    return uniforms(seed, f"revision {revision}", 1)[0] < ARM
