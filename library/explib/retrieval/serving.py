"""What `get_experiences` answers: the library where it fits the token budget, else the best of it."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

from explib.errors import InvalidInput, InvalidTask
from explib.ids import new_id
from explib.models import Library, Retrieval, Serving
from explib.retrieval.embedding import Embedder
from explib.retrieval.entry import Entry
from explib.retrieval.library_index import Candidates, LibraryIndex
from explib.storage.store import Store
from explib.words import estimate_tokens, says_something

SHORTEST_LINE = 8
"""Tokens below which no experience fits any more."""
MAX_TASK_CHARACTERS = 100_000
INTRODUCTION = (
    "Lessons from earlier graded attempts at such tasks; they are advice, not orders: "
    "use those whose condition holds, and cite their ids."
)
INTRODUCTION_TOKENS = estimate_tokens(INTRODUCTION)
NOTHING = "No experiences yet for this library. Solve the task, then submit the trajectory with its reward."


@dataclass(frozen=True, slots=True)
class Served:
    """One answer: the record of it, the experiences in order of relevance, and the text for a prompt."""

    retrieval: Retrieval
    experiences: tuple[tuple[Entry, float], ...]
    text: str


class Retriever:
    """Answers retrievals from indexes in memory, one for each library that was asked for."""

    def __init__(self, store: Store, embedder: Embedder | None) -> None:
        self._store = store
        self.embedder = embedder
        self._indexes: dict[int, LibraryIndex] = {}

    async def serve(self, library: Library, task: str, limit: int | None = None) -> Served:
        """The experiences for a task as of `library.revision`, most relevant first; recorded behind the answer.

        Raises InvalidTask for an empty task and InvalidInput for a limit below 1.
        """
        _check(task, limit)
        index = self._indexes.setdefault(library.id, LibraryIndex(self.embedder))
        await index.follow(self._store, library)
        candidates = await index.candidates(task, library.settings.serve_tokens - INTRODUCTION_TOKENS)
        chosen = _within_budget(candidates.entries.values(), library.settings.serve_tokens, limit)
        retrieval = Retrieval(new_id("r"), task, candidates.revision, _servings(candidates, chosen), time.time())
        self._store.retrievals.record_behind(library, retrieval)
        scored = tuple((entry, candidates.relevance.get(entry.id, 0.0)) for entry in chosen)
        return Served(retrieval, scored, _prompt_text(chosen))


def _check(task: str, limit: int | None) -> None:
    if not says_something(task):
        raise InvalidTask
    if limit is not None and limit < 1:
        raise InvalidInput("limit must be at least 1, or left out for as many as fit the token budget.")


def _within_budget(ranked: Iterable[Entry], tokens: int, limit: int | None) -> list[Entry]:
    """As many as fit, best first. One that is too long by itself is passed over, not the end of the list."""
    left = tokens - INTRODUCTION_TOKENS
    chosen: list[Entry] = []
    for entry in ranked:
        if left < SHORTEST_LINE or len(chosen) == limit:
            break
        if entry.tokens <= left:
            chosen.append(entry)
            left -= entry.tokens
    return chosen


def _prompt_text(chosen: list[Entry]) -> str:
    """`[id]. lesson` lines under one sentence saying what they are."""
    return "\n".join([INTRODUCTION, *(entry.line for entry in chosen)]) if chosen else NOTHING


def _servings(candidates: Candidates, chosen: list[Entry]) -> tuple[Serving, ...]:
    """What was served (probability 1), and what of the shortlist was withheld for want of room (probability 0)."""
    served = {entry.id for entry in chosen}
    withheld = (candidates.entries[known] for known in candidates.relevance if known not in served)
    return tuple(
        Serving(
            experience_id=entry.id,
            version=entry.version,
            relevance=candidates.relevance.get(entry.id, 0.0),
            probability=1.0 if entry.id in served else 0.0,
            served=entry.id in served,
        )
        for entry in [*chosen, *withheld]
    )
