"""From candidates to an answer: the shortlist first, then chance; nothing is cut after the draws."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from explib.evidence.drawing import follows, is_held_out, is_served
from explib.models.libraries import LibrarySettings
from explib.models.retrievals import Serving
from explib.retrieval.entry import Entry
from explib.retrieval.library_index import Candidates
from explib.retrieval.standing import TRIAL_FLOOR, Arms, Standing

SHORTEST_LINE = 8
"""Tokens below which no experience fits any more."""
_DIGITS = 4
LEAST_RELEVANCE = 0.001
"""What counts as the relevance of those that neither words nor meaning brought up."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """What chance decided for one retrieval."""

    servings: tuple[Serving, ...]
    served: tuple[tuple[Entry, float], ...]
    """With their relevance, the most relevant first."""
    held_out: bool
    arms: dict[str, bool]


def draw(
    retrieval_id: str,
    candidates: Candidates,
    standing: Standing,
    settings: LibrarySettings,
    room: int,
    limit: int | None,
) -> Drawn:
    """Shortlist by relevance · (μ + s) within room and limit, then include each by itself with its probability."""
    relevance = {known: candidates.relevance.get(known, 0.0) for known in candidates.entries}
    shortlist = _shortlist(candidates.entries.values(), relevance, standing, room, limit)
    held_out = settings.exploration and is_held_out(retrieval_id, settings.holdout)
    arms: dict[str, bool] = {}
    if settings.exploration and standing.arms and not held_out:
        mattering = [arm for arm in standing.arms if any(arm.touches(entry.id) for entry in shortlist)]
        arms = {str(arm.revision): follows(retrieval_id, arm.revision) for arm in mattering}
        earlier = [arm for arm in mattering if not arms[str(arm.revision)]]
        if earlier:
            entries = _before(candidates.entries.values(), relevance, earlier)
            shortlist = _shortlist(entries, relevance, standing, room, limit)
    shortlist.sort(key=lambda entry: -relevance[entry.id])
    servings = tuple(
        _serving(retrieval_id, entry, relevance[entry.id], standing, settings, held_out) for entry in shortlist
    )
    served = tuple((entry, relevance[entry.id]) for entry, each in zip(shortlist, servings, strict=True) if each.served)
    return Drawn(servings, served, held_out, arms)


def _shortlist(
    entries: Iterable[Entry], relevance: dict[str, float], standing: Standing, room: int, limit: int | None
) -> list[Entry]:
    """As many as fit, best first. One that is too long by itself is passed over, not the end of the list."""
    priority = standing.ratings.priority
    ranked = sorted(entries, key=lambda entry: -max(relevance[entry.id], LEAST_RELEVANCE) * priority(entry))
    chosen: list[Entry] = []
    for entry in ranked:
        if room < SHORTEST_LINE or len(chosen) == limit:
            break
        if entry.tokens <= room:
            chosen.append(entry)
            room -= entry.tokens
    return chosen


def _before(entries: Iterable[Entry], relevance: dict[str, float], earlier: list[Arms]) -> list[Entry]:
    """The candidates as they were before some revisions; what is put back counts as relevant as what replaced it."""
    gone = frozenset[str]().union(*(arm.adds for arm in earlier))
    replaced = {known: old for arm in earlier for known, old in arm.replaces.items()}
    kept: list[Entry] = []
    for entry in entries:
        for each in replaced.get(entry.id, () if entry.id in gone else (entry,)):
            relevance.setdefault(each.id, relevance[entry.id])
            kept.append(each)
    return kept


def _serving(
    retrieval_id: str, entry: Entry, relevance: float, standing: Standing, settings: LibrarySettings, held_out: bool
) -> Serving:
    probability = 1.0
    if settings.exploration:
        floor = max(settings.probability_floor, TRIAL_FLOOR * (entry.id in standing.added))
        inclination = standing.ratings.inclination(entry)
        probability = round(min(max(inclination, floor), settings.probability_ceiling), _DIGITS)
    served = not held_out and is_served(retrieval_id, entry.id, entry.version, probability)
    return Serving(entry.id, entry.version, relevance, probability, served)
