"""What `get_experiences` answers: a shortlist that fits the token budget, each of it included by chance."""

from __future__ import annotations

import time
from collections.abc import Coroutine, Hashable, Iterable, Sequence
from dataclasses import dataclass, field

from explib.errors import InvalidInput, InvalidTask
from explib.evidence.interval import Interval
from explib.ids import new_id, owner_mark
from explib.models.libraries import Library
from explib.models.retrievals import Retrieval
from explib.retrieval.cache import MOST_LESSONS, Cached, IndexCache
from explib.retrieval.embedding import Embedder
from explib.retrieval.entry import Ranked, line_of
from explib.retrieval.sessions import SessionRetrievals
from explib.retrieval.shortlist import Drawn, Room, draw
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
FARTHER_SHARE = 0.25
"""Of an answer's tokens that the nearest layer leaves to farther ones, where these have lessons."""
INTRODUCTION_TOKENS = estimate_tokens(INTRODUCTION)
NOTHING = "No experiences yet for this library. Solve the task, then submit the attempt: it is what is learned from."
NOTHING_FITS = "No experience of this library fits the task. Solve it, then submit the attempt."
NOTHING_THIS_TIME = "No experiences for this task this time. Solve it, then submit the attempt."


@dataclass(frozen=True, slots=True)
class FromLayer:
    """A farther layer's part of an answer, with the layer's own record of it."""

    library: Library
    retrieval: Retrieval
    experiences: tuple[Ranked, ...]

    @property
    def mark(self) -> str:
        """Stands before the ids of its lessons, e.g. `default/`."""
        return mark_of(self.library)


@dataclass(frozen=True, slots=True)
class Served:
    """One answer: the record of it, the experiences in order of relevance, and the text for a prompt."""

    retrieval: Retrieval
    experiences: tuple[Ranked, ...]
    text: str
    lifts: dict[str, Interval] = field(default_factory=dict)
    """By id, in rewards; only where there is a number that means something."""
    farther: tuple[FromLayer, ...] = ()

    @property
    def nothing_fits(self) -> bool:
        """No lesson was up for the draw: none is withheld by chance or by the hold-out either."""
        return not self.retrieval.servings and not self.retrieval.held_out and not self.farther


def mark_of(layer: Library) -> str:
    """Tells the ids of a farther layer from the nearest one's."""
    return f"{layer.name}/"


@dataclass(frozen=True, slots=True)
class _Part:
    """What was drawn from one layer, as of a revision."""

    library: Library
    revision: int
    drawn: Drawn


@dataclass(frozen=True, slots=True)
class _Asked:
    """One request, under the id of its retrieval."""

    id: str
    task: str
    limit: int | None
    tools: frozenset[str]

    def record(self, part: _Part, layers: Sequence[int]) -> Retrieval:
        """The retrieval of one layer; `layers` are the ids of all."""
        settings, drawn = part.library.settings, part.drawn
        return Retrieval(
            self.id,
            self.task,
            part.revision,
            drawn.servings,
            time.time(),
            holdout=settings.holdout if settings.exploration else 0.0,
            held_out=drawn.held_out,
            arms=drawn.arms,
            layers=tuple(each for each in layers if each != part.library.id),
        )


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
        farther: Sequence[Library] = (),
    ) -> Served:
        """The experiences for a task as of `library.revision`, most relevant first; recorded behind the answer.

        `tools` are the names of those in play: lessons that speak of them are raised, those of others left out.
        `farther` layers, nearest first, add theirs to the same answer: each of them records a retrieval of the same id.
        The retrieval belongs to the access token `owner`. A call that a session repeats at the same revision, with
        nothing submitted since, gets the same answer.
        Raises InvalidTask for an empty task and InvalidInput for a limit below 1.
        """
        _check(task, limit)
        in_play = frozenset(name.strip().lower() for name in tools)
        layers = [(each, await self._following(each)) for each in (library, *farther)]
        purpose = (session, library.identity, group_key(task, None))
        standing = tuple((each.identity, each.settings, held.index.revision) for each, held in layers)
        conditions = (standing, limit, in_play)
        known = None if session is None else self._repeats.get(purpose, conditions)
        if known is not None:
            return known
        served = await self._answer(layers, _Asked(new_id("r") + owner_mark(owner), task, limit, in_play))
        self._store.retrievals.record_behind(library, served.retrieval)
        for part in served.farther:
            self._store.retrievals.record_behind(part.library, part.retrieval)
        if session is not None:
            self._repeats.put(purpose, conditions, served.retrieval.id, served)
        return served

    async def preview(self, library: Library, task: str, tools: Iterable[str] = ()) -> Served:
        """What `serve` would answer; nothing is recorded, so no reward can count for it. Raises InvalidTask."""
        _check(task, None)
        asked = _Asked(new_id("r"), task, None, frozenset(name.strip().lower() for name in tools))
        return await self._answer([(library, await self._following(library))], asked)

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

    async def _answer(self, layers: Sequence[tuple[Library, Cached]], asked: _Asked) -> Served:
        (library, held), *_ = layers
        nearest, *farther = await _draw_from(layers, asked)
        ids = [part.library.id for part in (nearest, *farther)]
        parts = tuple(FromLayer(part.library, asked.record(part, ids), part.drawn.served) for part in farther)
        measured = held.evidence.claimed(entry for entry, _ in nearest.drawn.served)
        settings = library.settings
        lifts = {known: lift.times(settings.reward_width) for known, lift in measured.items()}
        text = _prompt_text(nearest.drawn, parts, any(len(known.index) for _, known in layers))
        return Served(asked.record(nearest, ids), nearest.drawn.served, text, lifts, parts)

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


async def _draw_from(layers: Sequence[tuple[Library, Cached]], asked: _Asked) -> list[_Part]:
    """The nearest layer's lessons, then those of the farther ones that have any, in the budget of the nearest.

    A farther layer is left out where none of its lessons came up for the draw, whatever chance would have said.
    """
    (nearest, _), *others = layers
    left, limit = nearest.settings.serve_tokens - INTRODUCTION_TOKENS, asked.limit
    kept = int(left * FARTHER_SHARE) if any(len(known.index) for _, known in others) else 0
    parts: list[_Part] = []
    for library, held in layers:
        if parts and not len(held.index):
            continue
        each = estimate_tokens(mark_of(library)) if parts else 0
        room = Room(left if parts else left - kept, limit, each)
        candidates = await held.index.candidates(asked.task, room.tokens, asked.tools)
        seed = f"{asked.id}/{library.name}" if parts else asked.id
        drawn = draw(seed, candidates, held.evidence, library.settings, room)
        if not parts or drawn.servings:
            parts.append(_Part(library, candidates.revision, drawn))
        left -= sum(entry.tokens + each for entry, _ in drawn.served)
        limit = None if limit is None else limit - len(drawn.served)
    return parts


def _check(task: str, limit: int | None) -> None:
    if not says_something(task):
        raise InvalidTask
    if limit is not None and limit < 1:
        raise InvalidInput("limit must be at least 1, or left out for as many as fit the token budget.")


def _prompt_text(nearest: Drawn, farther: Sequence[FromLayer], any_lessons: bool) -> str:
    """`[id]. lesson` lines under one sentence saying what they are."""
    lines = [entry.line for entry, _ in nearest.served]
    lines += [line_of(entry, part.mark) for part in farther for entry, _ in part.experiences]
    if not lines:
        withheld = nearest.servings or farther
        return NOTHING_THIS_TIME if withheld else NOTHING_FITS if any_lessons else NOTHING
    return "\n".join([INTRODUCTION, *lines])
