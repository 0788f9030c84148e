"""What `get_experiences` answers: the library where it fits the token budget, else the best of it."""

from __future__ import annotations

import time
from dataclasses import dataclass

from explib.errors import InvalidInput, InvalidTask
from explib.ids import new_id
from explib.models import Experience, Library, Retrieval, Serving
from explib.retrieval.embedding import Embedder
from explib.retrieval.library_index import LibraryIndex
from explib.retrieval.ranking import fuse
from explib.storage.store import Store
from explib.words import estimate_tokens, terms

SHORTLIST = 100
"""How deep each of the two orders is read when not everything can be served."""
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


def line(experience: Experience) -> str:
    """An experience as one line of a prompt; a candidate says that it is one."""
    mark = " (candidate)" if experience.status == "candidate" else ""
    return f"[{experience.id}]. {experience.content}{mark}"


def prompt_text(experiences: list[Experience]) -> str:
    """`[id]. lesson` lines under one sentence saying what they are."""
    return "\n".join([INTRODUCTION, *map(line, experiences)]) if experiences else NOTHING


class ExperienceServer:
    """Answers retrievals from indexes in memory, one for each library that was asked for."""

    def __init__(self, store: Store, embedder: Embedder | None) -> None:
        self._store = store
        self.embedder = embedder
        self._indexes: dict[int, LibraryIndex] = {}

    async def serve(self, library: Library, task: str, limit: int | None = None) -> Served:
        """The experiences for a task, most relevant first; the record of it is written behind the answer.

        Raises InvalidTask for an empty task and InvalidInput for an oversized one or a limit below 1.
        """
        _check(task, limit)
        index = self._indexes.setdefault(library.id, LibraryIndex(library, self.embedder))
        await index.follow(self._store)
        relevance = await self._relevance(index, library, task)
        ranked = sorted(index.experiences.values(), key=lambda known: -relevance.get(known.id, 0.0))
        chosen = _within_budget(ranked, library.settings.serve_tokens, limit)
        retrieval = _retrieval(task, index.revision, ranked, relevance, chosen)
        self._store.retrievals.record_behind(library, retrieval)
        scored = tuple((known, relevance.get(known.id, 0.0)) for known in chosen)
        return Served(retrieval, scored, prompt_text(chosen))

    async def _relevance(self, index: LibraryIndex, library: Library, task: str) -> dict[str, float]:
        if not index.experiences:
            return {}
        lexical = await self._store.retrievals.search(library, terms(task), SHORTLIST)
        nearest = await index.nearest(task, SHORTLIST)
        return fuse([known for known in lexical if known in index.experiences], nearest)


def _check(task: str, limit: int | None) -> None:
    if not task.strip():
        raise InvalidTask
    if len(task) > MAX_TASK_CHARACTERS:
        raise InvalidInput(
            f"The task has {len(task):,} characters, at most {MAX_TASK_CHARACTERS:,} are taken: pass what is asked."
        )
    if limit is not None and limit < 1:
        raise InvalidInput("limit must be at least 1, or left out for as many as fit the token budget.")


def _within_budget(ranked: list[Experience], tokens: int, limit: int | None) -> list[Experience]:
    """As many as fit, best first. One that is too long by itself is passed over, not the end of the list."""
    left = tokens - estimate_tokens(INTRODUCTION)
    chosen: list[Experience] = []
    for known in ranked[: limit or len(ranked)]:
        cost = estimate_tokens(line(known)) + 1
        if cost <= left:
            chosen.append(known)
            left -= cost
    return chosen


def _retrieval(
    task: str, revision: int, ranked: list[Experience], relevance: dict[str, float], chosen: list[Experience]
) -> Retrieval:
    """The record: what was served, and what of the shortlist was withheld for want of room (probability 0)."""
    served = {known.id for known in chosen}
    shortlist = [known for known in ranked if known.id in served or known.id in relevance]
    servings = tuple(
        Serving(
            experience_id=known.id,
            version=known.version,
            relevance=relevance.get(known.id, 0.0),
            probability=1.0 if known.id in served else 0.0,
            served=known.id in served,
        )
        for known in shortlist
    )
    return Retrieval(new_id("r"), task, revision, servings, time.time())
