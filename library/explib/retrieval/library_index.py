"""A library in memory: its experiences, what each costs to serve, its vectors and common terms, as of one revision."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from explib.models import Experience, Library
from explib.retrieval.embedding import Embedder
from explib.storage.store import Store
from explib.words import estimate_tokens, terms

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

COMMON_SHARE = 0.25
"""A term in more than this share of the experiences says little and costs most: it is pruned from the query."""
COMMON_FLOOR = 20
"""Experiences that must have a term before it can be too common."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One experience, ready to be served."""

    experience: Experience
    line: str
    tokens: int
    terms: frozenset[str]


def line_of(experience: Experience) -> str:
    """An experience as one line of a prompt; a candidate says that it is one."""
    mark = " (candidate)" if experience.status == "candidate" else ""
    return f"[{experience.id}]. {experience.content}{mark}"


def _entry(experience: Experience) -> Entry:
    line = line_of(experience)
    return Entry(experience, line, estimate_tokens(line) + 1, frozenset(terms(experience.content)))


@dataclass(slots=True)
class LibraryIndex:
    """Follows the library's revision, whoever made it; only what changed is read into words and embedded."""

    embedder: Embedder | None
    revision: int = -1
    entries: dict[str, Entry] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)
    vectors: NDArray[np.float32] | None = None
    _documents: Counter[str] = field(default_factory=Counter)
    _following: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def follow(self, store: Store, library: Library) -> None:
        """Bring the index to `library.revision`, which the caller has just read, or beyond; never back."""
        async with self._following:
            if library.revision > self.revision:
                await self._load(store, library)

    async def _load(self, store: Store, library: Library) -> None:
        revision, current = await store.revisions.current(library)
        entries = {known.id: self._current(known) for known in current}
        order = list(entries)
        vectors = await self._vectors(entries, order)
        self.entries, self.order, self.vectors, self.revision = entries, order, vectors, revision
        self._documents = Counter(term for entry in entries.values() for term in entry.terms)

    def _current(self, known: Experience) -> Entry:
        held = self.entries.get(known.id)
        return held if held is not None and held.experience == known else _entry(known)

    async def _vectors(self, entries: dict[str, Entry], order: list[str]) -> NDArray[np.float32] | None:
        if self.embedder is None or not order:
            return None
        import numpy as np

        held = {} if self.vectors is None else dict(zip(self.order, self.vectors, strict=True))
        fresh = [identity for identity in order if identity not in held or self._reworded(identity, entries)]
        embedded = await self.embedder.embed([entries[identity].experience.content for identity in fresh])
        held.update(zip(fresh, embedded, strict=True))
        return np.stack([held[identity] for identity in order])

    def _reworded(self, identity: str, entries: dict[str, Entry]) -> bool:
        return self.entries[identity].experience.content != entries[identity].experience.content

    def telling(self, task: str) -> list[str]:
        """The task's terms that occur in the library and are not too common in it."""
        ceiling = max(COMMON_FLOOR, COMMON_SHARE * len(self.entries))
        return [term for term in terms(task) if 0 < self._documents[term] <= ceiling]

    async def nearest(self, task: str, limit: int) -> list[str]:
        """Ids by cosine similarity to the task, nearest first; empty without an embedder."""
        if self.embedder is None or self.vectors is None:
            return []
        [query] = await self.embedder.embed([task])
        import numpy as np

        similarity = np.einsum("ij,j->i", self.vectors, query)  # not BLAS: its threads cost more than they save here
        best = np.argpartition(-similarity, limit)[:limit] if limit < len(similarity) else np.arange(len(similarity))
        return [self.order[place] for place in best[np.argsort(-similarity[best], kind="stable")].tolist()]
