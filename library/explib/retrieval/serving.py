"""What `get_experiences` answers: the library where it fits the token budget, else the best of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from explib.errors import InvalidInput, InvalidTask
from explib.ids import new_id
from explib.models import Experience, Library, Retrieval, Serving
from explib.retrieval.embedding import Embedder
from explib.retrieval.library_index import Entry, LibraryIndex
from explib.retrieval.ranking import fuse
from explib.storage.store import Store
from explib.words import estimate_tokens, says_something

SHORTLIST = 100
"""How deep each of the two orders is read when not everything can be served."""
SHORTEST_LINE = 8
"""Tokens below which no experience fits any more."""
MAX_TASK_CHARACTERS = 100_000
INTRODUCTION = (
    "Lessons from earlier graded attempts at such tasks; they are advice, not orders: "
    "use those whose condition holds, and cite their ids."
)
NOTHING = "No experiences yet for this library. Solve the task, then submit the trajectory with its reward."


@dataclass(frozen=True, slots=True)
class Served:
    """One answer: the record of it, the experiences in order of relevance, and the text for a prompt."""

    retrieval: Retrieval
    experiences: tuple[tuple[Experience, float], ...]
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
        relevance = await self._relevance(index, library, task)
        chosen = _within_budget(_ranked(index, relevance), library.settings.serve_tokens, limit)
        retrieval = Retrieval(new_id("r"), task, index.revision, _servings(index, relevance, chosen), time.time())
        self._store.retrievals.record_behind(library, retrieval)
        scored = tuple((entry.experience, relevance.get(entry.experience.id, 0.0)) for entry in chosen)
        return Served(retrieval, scored, _prompt_text(chosen))

    async def _relevance(self, index: LibraryIndex, library: Library, task: str) -> dict[str, float]:
        telling = index.telling(task)
        lexical = await self._store.retrievals.search(library, telling, SHORTLIST) if telling else []
        nearest = await index.nearest(task, SHORTLIST)
        return fuse([known for known in lexical if known in index.entries], nearest)


def _check(task: str, limit: int | None) -> None:
    if not says_something(task):
        raise InvalidTask
    if limit is not None and limit < 1:
        raise InvalidInput("limit must be at least 1, or left out for as many as fit the token budget.")


def _ranked(index: LibraryIndex, relevance: dict[str, float]) -> Iterator[Entry]:
    """Every experience: the shortlist by relevance, then the others in order of their ids."""
    yield from (index.entries[known] for known in sorted(relevance, key=lambda known: -relevance[known]))
    yield from (entry for known, entry in index.entries.items() if known not in relevance)


def _within_budget(ranked: Iterator[Entry], tokens: int, limit: int | None) -> list[Entry]:
    """As many as fit, best first. One that is too long by itself is passed over, not the end of the list."""
    left = tokens - estimate_tokens(INTRODUCTION)
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


def _servings(index: LibraryIndex, relevance: dict[str, float], chosen: list[Entry]) -> tuple[Serving, ...]:
    """What was served (probability 1), and what of the shortlist was withheld for want of room (probability 0)."""
    served = {entry.experience.id for entry in chosen}
    listed = dict.fromkeys([*(entry.experience.id for entry in chosen), *relevance])
    return tuple(
        Serving(
            experience_id=known,
            version=index.entries[known].experience.version,
            relevance=relevance.get(known, 0.0),
            probability=1.0 if known in served else 0.0,
            served=known in served,
        )
        for known in listed
    )
