"""Which experiences of a library matter for a task: an index that follows the library's revisions.

It is updated, never rebuilt: a revision costs the reading, cutting into words and embedding of what it changed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from explib.models import Library
from explib.retrieval.embedding import Embedder
from explib.retrieval.entry import Entry
from explib.storage.store import Store
from explib.words import terms

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from explib.retrieval.held_library import HeldLibrary

SHORTLIST = 100
"""Experiences that are looked at for a task, at least."""
TOKENS_EACH = 15
"""A large answer gets a longer shortlist: one experience for so many tokens of room."""
IN_THREAD = 200
"""Changed experiences from which on a revision is prepared in a thread: fewer take less than a few milliseconds."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """What may be served for a task, all of one revision."""

    revision: int
    relevance: dict[str, float]
    """Id → relevance in 0 to 1, best first, for the shortlist; all of them are among the entries."""
    entries: dict[str, Entry]
    """The most relevant first, then the others in order of their numbers: the whole library where it fits the tokens
    that were asked for, else the shortlist, filled up where few are relevant."""


@dataclass(slots=True)
class LibraryIndex:
    """Readers and followers may come in any order, at once, and be cancelled: each answer is of one revision."""

    embedder: Embedder | None
    revision: int = -1
    _held: HeldLibrary | None = None
    _following: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def follow(self, store: Store, library: Library) -> None:
        """Bring the index to `library.revision`, which the caller has just read, or beyond; never back."""
        if library.revision <= self.revision:
            return
        async with self._following:
            if library.revision > self.revision:
                await self._follow(store, library)

    async def _follow(self, store: Store, library: Library) -> None:
        from explib.retrieval.held_library import HeldLibrary, prepare

        revision, lessons = await store.revisions.changed(library, self.revision)
        current = [lesson for lesson in lessons if lesson.status != "retired"]
        vectors = await self._embed([lesson.content for lesson in current])
        retired = [lesson.id for lesson in lessons if lesson.status == "retired"]
        if self._held is None:
            held = HeldLibrary()
            await asyncio.to_thread(lambda: held.change(prepare(current), retired, vectors))
            self._held = held
        else:
            many = len(current) > IN_THREAD
            prepared = await asyncio.to_thread(prepare, current) if many else prepare(current)
            self._held.change(prepared, retired, vectors)  # no await: readers see it before or after
        self.revision = revision

    async def _embed(self, texts: Sequence[str]) -> NDArray[np.float32] | None:
        return None if self.embedder is None else await self.embedder.embed(texts)

    async def candidates(self, task: str, room: int) -> Candidates:
        """What matters for a task, for an answer of at most `room` tokens; `follow` comes first."""
        words = terms(task)
        vectors = await self._embed([task])
        held = self._held
        if held is None:
            return Candidates(self.revision, {}, {})
        limit = max(SHORTLIST, room // TOKENS_EACH)
        relevance = held.relevance(words, None if vectors is None else vectors[0], limit)
        return Candidates(self.revision, relevance, _entries(held, relevance, room, limit))


def _entries(held: HeldLibrary, relevance: dict[str, float], room: int, limit: int) -> dict[str, Entry]:
    chosen = {known: entry for known in relevance if (entry := held.get(known)) is not None}
    wanted = len(held) if held.tokens <= room else limit
    if len(chosen) < wanted:
        for entry in held.first(wanted):
            chosen.setdefault(entry.id, entry)
            if len(chosen) >= wanted:
                break
    return chosen
