"""What `get_experiences` answers: a shortlist that fits the token budget, each of it included by chance."""

from __future__ import annotations

import time
from collections.abc import Coroutine, Hashable, Iterable
from dataclasses import dataclass, field

from explib.errors import InvalidInput, InvalidTask
from explib.evidence.interval import Interval
from explib.ids import new_id, owner_mark
from explib.models.libraries import Library
from explib.models.retrievals import Retrieval
from explib.retrieval.cache import MOST_LESSONS, Cached, IndexCache
from explib.retrieval.embedding import Embedder
from explib.retrieval.entry import Entry
from explib.retrieval.sessions import SessionRetrievals
from explib.retrieval.shortlist import Drawn, draw
from explib.storage.store import Store
from explib.text.words import estimate_tokens, says_something
from explib.trajectories.readiness import group_key

MAX_TASK_CHARACTERS = 100_000
FOLLOW_SECONDS = 1.0
"""How old what is known of other processes' rewards may be. None is wrong: what was drawn with is written down."""
INTRODUCTION = (
    "Lessons from earlier graded attempts at such tasks; they are advice, not orders: "
    "use those whose condition holds, and cite their ids."
)
INTRODUCTION_TOKENS = estimate_tokens(INTRODUCTION)
NOTHING = "No experiences yet for this library. Solve the task, then submit the trajectory with its reward."
NOTHING_FITS = "No experience of this library fits the task. Solve it, then submit the trajectory with its reward."
NOTHING_THIS_TIME = (
    "No experiences for this task this time. Solve the task, then submit the trajectory with its reward."
)


@dataclass(frozen=True, slots=True)
class Served:
    """One answer: the record of it, the experiences in order of relevance, and the text for a prompt."""

    retrieval: Retrieval
    experiences: tuple[tuple[Entry, float], ...]
    text: str
    lifts: dict[str, Interval] = field(default_factory=dict)
    """By id, in rewards; only where there is a number that means something."""

    @property
    def nothing_fits(self) -> bool:
        """No lesson was up for the draw: none is withheld by chance or by the hold-out either."""
        return not self.retrieval.servings and not self.retrieval.held_out


class Retriever:
    """Answers retrievals from what is in memory: the libraries last asked for, of `most` lessons together."""

    def __init__(self, store: Store, embedder: Embedder | None, most: int = MOST_LESSONS) -> None:
        self._store = store
        self.embedder = embedder
        self._holding = IndexCache(embedder, most)
        self._repeats: SessionRetrievals[Served] = SessionRetrievals()

    async def serve(
        self,
        library: Library,
        task: str,
        limit: int | None = None,
        session: Hashable | None = None,
        owner: str | None = None,
        tools: Iterable[str] = (),
    ) -> Served:
        """The experiences for a task as of `library.revision`, most relevant first; recorded behind the answer.

        `tools` are the names of those in play: lessons that speak of them are raised, those of others left out.
        The retrieval belongs to the access token `owner`. A call that a session repeats at the same revision, with
        nothing submitted since, gets the same answer.
        Raises InvalidTask for an empty task and InvalidInput for a limit below 1.
        """
        _check(task, limit)
        in_play = frozenset(name.strip().lower() for name in tools)
        held = await self._following(library)
        purpose, conditions = (session, library.identity, group_key(task, None)), (library.settings, limit, in_play)
        known = None if session is None else self._repeats.get(purpose, conditions)
        if known is not None and known.retrieval.revision == held.index.revision:
            return known
        served = await self._draw(held, library, task, limit, in_play, new_id("r") + owner_mark(owner))
        self._store.retrievals.record_behind(library, served.retrieval)
        if session is not None:
            self._repeats.put(purpose, conditions, served.retrieval.id, served)
        return served

    async def _following(self, library: Library) -> Cached:
        """The library in memory, at its revision; what is new of its evidence is read behind the answer."""
        held = self._holding.use(library.identity)
        if held.index.revision < library.revision or not held.evidence.loaded:
            await held.index.follow(self._store, library)
            await held.evidence.follow(self._store, library)
            self._holding.let_go()
        elif time.monotonic() - held.followed_at > FOLLOW_SECONDS:
            self._start(held.evidence.follow(self._store, library))
        else:
            return held
        held.followed_at = time.monotonic()
        return held

    async def _draw(
        self, held: Cached, library: Library, task: str, limit: int | None, tools: frozenset[str], retrieval_id: str
    ) -> Served:
        settings = library.settings
        room = settings.serve_tokens - INTRODUCTION_TOKENS
        candidates = await held.index.candidates(task, room, tools)
        drawn = draw(retrieval_id, candidates, held.evidence, settings, room, limit)
        retrieval = Retrieval(
            retrieval_id,
            task,
            candidates.revision,
            drawn.servings,
            time.time(),
            holdout=settings.holdout if settings.exploration else 0.0,
            held_out=drawn.held_out,
            arms=drawn.arms,
        )
        measured = held.evidence.claimed(entry for entry, _ in drawn.served)
        lifts = {known: lift.times(settings.reward_width) for known, lift in measured.items()}
        return Served(retrieval, drawn.served, _prompt_text(drawn, len(held.index)), lifts)

    async def alike(self, library: Library, text: str, similarity: float) -> list[str]:
        """Ids of the lessons that share so much of their terms with a text (Jaccard); others may be among them."""
        index = self._holding.use(library.identity).index
        await index.follow(self._store, library)
        return await index.alike(text, similarity)

    def open_retrieval(self, library: Library, task: str, session: Hashable | None) -> str | None:
        """What the session was last served for this task, with nothing submitted under it yet: its retrieval's id."""
        return (
            None if session is None else self._repeats.retrieval_for((session, library.identity, group_key(task, None)))
        )

    def submitted(self, retrieval_id: str) -> None:
        """An attempt was submitted under it: the next call for its task is a retrieval of its own."""
        self._repeats.forget(retrieval_id)

    def rewarded(self, library: Library) -> None:
        """A reward was entered: take it in behind the next answers."""
        if (held := self._holding.known(library.identity)) is not None and held.evidence.loaded:
            self._start(held.evidence.follow(self._store, library))

    def _start(self, work: Coroutine[None, None, None]) -> None:
        failed = "evidence could not be read; what was known serves on"
        self._store.database.background.start(work, "follow evidence", failed)

    async def flush(self) -> None:
        """Returns when what is read in the background is read."""
        await self._store.database.background.flush()


def _check(task: str, limit: int | None) -> None:
    if not says_something(task):
        raise InvalidTask
    if limit is not None and limit < 1:
        raise InvalidInput("limit must be at least 1, or left out for as many as fit the token budget.")


def _prompt_text(drawn: Drawn, lessons: int) -> str:
    """`[id]. lesson` lines under one sentence saying what they are."""
    if not drawn.served:
        return NOTHING_THIS_TIME if drawn.servings else NOTHING_FITS if lessons else NOTHING
    return "\n".join([INTRODUCTION, *(entry.line for entry, _ in drawn.served)])
