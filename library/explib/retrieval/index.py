"""Which experiences of a library matter for a task: an index that follows the library's revisions.

It is updated, never rebuilt: a revision costs the reading, cutting into words and embedding of what it changed. A
library is held in memory; on PostgreSQL only up to a size, beyond which the database's own indexes are searched.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from explib.models.experiences import Lesson
from explib.models.libraries import Library
from explib.retrieval.domain import KEPT_TASKS, Domain
from explib.retrieval.embedding import Embedder
from explib.retrieval.entry import Entry, Ranked, entry_of
from explib.retrieval.ranking import LEAST_SHARE, TOOL_WEIGHT
from explib.storage.store import Store
from explib.text.words import terms

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from explib.retrieval.database_search import DatabaseSearch
    from explib.retrieval.memory import MemoryIndex

SHORTLIST = 100
"""Experiences that are looked at for a task, at least."""
TOKENS_EACH = 15
"""A large answer gets a longer shortlist: one experience for so many tokens of room."""
IN_THREAD = 200
"""Changed lessons from which on a revision is taken in by a copy, in a thread; fewer take some milliseconds at most."""
SEARCHED_FROM = 100_000
"""Lessons above which a library is searched in the database, where the engine can; about 1 kB each in memory."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """What may be served for a task, all of one revision."""

    revision: int
    ranked: list[Ranked]
    """The most relevant first, then others of no relevance in order of their numbers: the whole library where it fits
    the tokens that were asked for, else what is about as relevant as the best. None where the task is of another
    kind."""


@dataclass(slots=True)
class LibraryIndex:
    """Readers and followers may come in any order, at once, and be cancelled: each answer is of one revision."""

    embedder: Embedder | None
    revision: int = -1
    _held: MemoryIndex | None = None
    _search: DatabaseSearch | None = None
    _tasks: list[str] = field(default_factory=list)
    _domain: Domain | None = None
    """Of `_tasks`, once somebody has needed it."""
    _library: Library | None = None
    _following: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __len__(self) -> int:
        """Lessons that it holds in memory."""
        return len(self._held) if self._held is not None else 0 if self._search is None else len(self._search)

    async def follow(self, store: Store, library: Library) -> None:
        """Bring the index to `library.revision`, which the caller has just read, or beyond; never back."""
        if library.revision <= self.revision:
            return
        async with self._following:
            if library.revision > self.revision:
                await self._follow(store, library)

    async def _follow(self, store: Store, library: Library) -> None:
        if self._search is not None:
            self.revision = await self._search.follow(library, self.revision)
        elif store.search.available and await store.lessons.count(library) > SEARCHED_FROM:
            await self._leave_memory(store, library)
        else:
            await self._follow_held(store, library)
        self._library = library

    async def _leave_memory(self, store: Store, library: Library) -> None:
        """From now on the database is searched."""
        from explib.retrieval.database_search import DatabaseSearch

        search = DatabaseSearch(store, self.embedder)
        self.revision = max(self.revision, await search.follow(library, -1))
        self._search, self._held = search, None

    async def _follow_held(self, store: Store, library: Library) -> None:
        from explib.retrieval.memory import MemoryIndex, prepare

        revision, lessons = await store.lessons.changed(library, self.revision)
        current = [lesson for lesson in lessons if lesson.status != "retired"]
        retired = [lesson.id for lesson in lessons if lesson.status == "retired"]
        vectors = await self._vectors(store, library, current)
        tasks = [] if self.embedder is None else await store.groups.recent_tasks(library, KEPT_TASKS)
        if self._held is None or len(lessons) > IN_THREAD:
            held = MemoryIndex() if self._held is None else self._held.copy()
            await asyncio.to_thread(lambda: held.change(prepare(current), retired, vectors))
            self._held = held
        else:
            self._held.change(prepare(current), retired, vectors)  # no await: readers see it before or after
        self.revision, self._tasks, self._domain = revision, tasks, None

    async def _vectors(self, store: Store, library: Library, lessons: Sequence[Lesson]) -> NDArray[np.float16] | None:
        if self.embedder is None or not lessons:
            return None
        from explib.retrieval.stored_vectors import vectors_of

        return await vectors_of(store, self.embedder, library, lessons)

    async def _is_of_kind(self, query: NDArray[np.float32]) -> bool:
        """True for a task like the library's own. These are embedded when first needed: after many a revision never."""
        domain, tasks = self._domain, self._tasks
        if domain is None and tasks and self.embedder is not None:
            domain = Domain.of(await self.embedder.embed(tasks))
            if tasks is self._tasks:
                self._domain = domain
        return domain is not None and domain.covers(query)

    async def candidates(self, task: str, room: int, tools: frozenset[str] = frozenset()) -> Candidates:
        """What matters for a task, with these tools in play, in an answer of at most `room` tokens.

        `follow` comes first. `tools`: their names in lower case, as far as they are known.
        """
        words = terms(task)
        vectors = None if self.embedder is None else await self.embedder.embed([task])
        query = None if vectors is None else vectors[0]
        limit = max(SHORTLIST, room // TOKENS_EACH)
        asked = (words, query, limit, tools)
        is_lost = self._held is not None and self._held.tokens <= room and not _found(self._held, *asked)
        is_of_kind = query is None or (is_lost and await self._is_of_kind(query))
        if self._held is not None:  # what is read from here on is read without an await: of one revision
            found, whole = _found(self._held, *asked), self._held.tokens <= room
            if whole and (found or is_of_kind):
                found = {entry.id: (entry, 0.0) for entry in self._held.first(len(self._held))} | found
            return Candidates(self.revision, _fitting(found.values(), task.lower(), tools, whole=whole)[:limit])
        if self._search is None or self._library is None:
            return Candidates(self.revision, [])
        revision, lessons = self.revision, await self._search.relevance(self._library, words, query, limit)
        return Candidates(revision, [(entry_of(lesson), score) for lesson, score in lessons])

    async def alike(self, text: str, similarity: float) -> list[str]:
        """Ids of the lessons that share so much of their terms with a text (Jaccard); others may be among them."""
        words = terms(text)
        if self._held is not None:
            return self._held.alike(words, similarity)
        if self._search is None or self._library is None:
            return []
        found = await self._search.relevance(self._library, words, None, SHORTLIST)
        return [lesson.id for lesson, _ in found]

    async def nearest(self, query: NDArray[np.float32], limit: int) -> list[str]:
        """Ids of the nearest to a unit vector, nearest first: the half of `candidates` that can be approximate."""
        if self._held is not None:
            return [entry.id for entry, _ in self._held.relevance([], query, limit)]
        if self._search is None or self._library is None:
            return []
        return list(await self._search.nearest(self._library, query, limit))


def _found(
    held: MemoryIndex, words: Sequence[str], query: NDArray[np.float32] | None, limit: int, tools: frozenset[str]
) -> dict[str, Ranked]:
    """Id → lesson with its relevance for a task's terms, its unit vector and the tools in play."""
    found = {entry.id: (entry, score) for entry, score in held.relevance(words, query, limit)}
    for entry, _ in held.relevance(terms(" ".join(tools)), None, limit) if tools else ():
        if entry.names & tools:
            found[entry.id] = entry, min(1.0, found.get(entry.id, (entry, 0.0))[1] + TOOL_WEIGHT)
    return found


def _fitting(found: Collection[Ranked], task: str, tools: frozenset[str], *, whole: bool) -> list[Ranked]:
    """The lessons whose situation can arise, best first; where not all fit the answer, those about as relevant."""
    least = 0.0 if whole else LEAST_SHARE * max((score for _, score in found), default=0.0)
    fitting = [(entry, score) for entry, score in found if score >= least and _can_arise(entry, task, tools)]
    return sorted(fitting, key=lambda ranked: (-ranked[1], ranked[0].number))


def _can_arise(entry: Entry, task: str, tools: frozenset[str]) -> bool:
    """False where it is known that none of the tools of a lesson's decision is in play, and the task names none."""
    if not tools or not entry.tools:
        return True
    return not entry.tools.isdisjoint(tools) or any(name in task for name in entry.tools)
