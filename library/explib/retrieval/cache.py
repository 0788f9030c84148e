"""The libraries that a process holds in memory, and which of them it lets go where they would become too many."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field

from explib.retrieval.embedding import Embedder
from explib.retrieval.index import LibraryIndex
from explib.retrieval.lifts import LiftCache

MOST_LESSONS = 400_000
"""Of all libraries together, about 0.5 GB; one library alone is held whatever its size."""
EACH = 50
"""Lessons that a library without any counts for: its index, its lifts, and what is allocated for both."""


@dataclass(slots=True)
class Cached:
    """One library in memory."""

    index: LibraryIndex
    evidence: LiftCache = field(default_factory=LiftCache)
    followed_at: float = 0.0


class IndexCache:
    """Libraries by identity, the least recently used first. Whoever serves from one let go keeps it that long."""

    def __init__(self, embedder: Embedder | None, most: int = MOST_LESSONS) -> None:
        self._embedder = embedder
        self._most = most
        self._held: OrderedDict[Hashable, Cached] = OrderedDict()

    def __len__(self) -> int:
        return len(self._held)

    def known(self, identity: Hashable) -> Cached | None:
        """The library, where it is in memory."""
        return self._held.get(identity)

    def use(self, identity: Hashable) -> Cached:
        """The library, the most recently used from now on; where it isn't in memory, with nothing read yet."""
        held = self._held.get(identity)
        if held is None:
            held = self._held[identity] = Cached(LibraryIndex(self._embedder))
        else:
            self._held.move_to_end(identity)
        return held

    def let_go(self) -> None:
        """Let the least recently used go until the rest is within the bound; the most recently used stays."""
        lessons = sum(len(each.index) + EACH for each in self._held.values())
        while lessons > self._most and len(self._held) > 1:
            _, oldest = self._held.popitem(last=False)
            lessons -= len(oldest.index) + EACH
