"""A session as its turns: each request of the person with everything up to the next is one attempt."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

from explib_server.importers.context import is_context
from explib_server.importers.sessions.own import retrieval_in

Event: TypeAlias = Mapping[str, object]
MOST_HELD = 200
"""Events that wait for what they follow."""


@dataclass(slots=True)
class Turn:
    """One request and what followed it, as the client wrote it down."""

    key: str
    """The client's own id of the request, or its number."""
    number: int
    words: object
    """The request: text, or parts of a message."""
    session: str
    """Id of the session."""
    folder: str | None
    model: str | None
    document: Event
    """What options of an import look into."""
    events: dict[str, Event] = field(default_factory=dict)
    """What followed, in its order; an event under a key that was there before takes its place."""
    began: float | None = None
    ended: float | None = None
    """When its first and its last event were written (Unix time), where the client tells."""
    retrieval_id: str | None = None
    """Of the lessons that stood in the prompt."""
    is_interrupted: bool = False
    is_taken_back: bool = False
    """The person went back to before it and asked something else."""
    has_ended: bool = False
    """The client says so: nothing more comes of it."""
    root: str = ""
    """Key of the first request of the chain of corrections in which it stands."""


@dataclass(slots=True)
class Session:
    """Collects the turns of a transcript as it is read; those that can no longer change are taken out."""

    client: str
    path: Path
    identity: str
    """The client's id of the session; until it is read the place of the file."""
    folder: str | None = None
    """Where the session began."""
    model: str | None = None
    turns: list[Turn] = field(default_factory=list)
    count: int = 0
    marks: dict[str, str] = field(default_factory=dict)
    """For places in the conversation the turn that they are in: for a client whose persons can go back."""
    request_id: str | None = None
    """The client's id of the request that comes next or is being answered, where it is told apart from the words."""
    held: dict[str, list[Event]] = field(default_factory=dict)
    """Events by what they follow, which is not written yet: some clients write lines out of their order."""
    is_whole: bool = False
    """Nothing that events could wait for is still to come."""
    now: float | None = None
    """When what is read was written (Unix time)."""
    _retrieval: str | None = None
    _offered: tuple[object, object] | None = None

    def at(self, written: object) -> None:
        """What comes next was written then: an ISO time, or milliseconds since the epoch."""
        if isinstance(written, int | float):
            self.now = written / 1_000
        elif isinstance(written, str):
            with suppress(ValueError):
                self.now = datetime.fromisoformat(written).timestamp()

    def hold(self, event: Event, before: str) -> bool:
        """Keep an event until what it follows has come, unless too many wait already; whether it is kept."""
        waits = not self.is_whole and sum(map(len, self.held.values())) < MOST_HELD
        if waits:
            self.held.setdefault(before, []).append(event)
        return waits

    def unheld(self) -> Iterator[Event]:
        """The events that still wait, in their order: what they follow is not in this file."""
        held, self.held, self.is_whole = self.held, {}, True
        for events in held.values():
            yield from events
        self.is_whole = False

    def ask(self, words: object, key: object = None, document: Event | None = None) -> Turn:
        """A request of the person begins a turn."""
        self.count, self._offered = self.count + 1, None
        named = str(key or self.count)
        turn = Turn(named, self.count, words, self.identity, self.folder, self.model, document or {}, root=named)
        turn.retrieval_id, self._retrieval = self._retrieval, None
        turn.began = turn.ended = self.now
        self.turns.append(turn)
        return turn

    def offer(self, words: object, key: object = None) -> None:
        """A command of the client's, which is a request only if the agent does something for it."""
        self._offered = words, key

    def add(self, event: Event, key: object = None) -> None:
        """Something that the agent or a tool did; before the first request it is no part of an attempt."""
        if self._offered is not None:
            self.ask(*self._offered)
        if self.turns:
            turn = self.turns[-1]
            turn.events[f"#{len(turn.events)}" if key is None else str(key)] = event
            turn.is_interrupted = turn.has_ended = False
            turn.ended = self.now

    def ran_on(self, model: object) -> None:
        """The name of the model from here on."""
        if isinstance(model, str) and model and not model.startswith("<"):
            self.model = model
            if self.turns:
                self.turns[-1].model = model

    def recall(self, text: object) -> None:
        """Text that may hold lessons of ours: of the turn that has begun, else of the next one."""
        retrieval_id = retrieval_in(text)
        if retrieval_id is None:
            return
        turn = self.turns[-1] if self.turns else None
        if turn is None or turn.has_ended:
            self._retrieval = retrieval_id
        elif turn.retrieval_id is None:
            turn.retrieval_id = retrieval_id

    def interrupt(self) -> None:
        """The person stopped the agent, if nothing more follows."""
        if self.turns:
            self.turns[-1].is_interrupted = self.turns[-1].has_ended = True

    def take_back(self, key: str) -> None:
        """The person went back to before the request with this key."""
        keys = [turn.key for turn in self.turns]
        for turn in self.turns[keys.index(key) :] if key in keys else ():
            turn.is_taken_back = True

    def end(self) -> None:
        """The agent is done with the request."""
        if self.turns:
            self.turns[-1].has_ended = True

    def settled(self) -> Iterator[tuple[Turn, Turn]]:
        """Each turn that was followed by another one, with that one; it is let go of."""
        while len(self.turns) > 1:
            yield self.turns.pop(0), self.turns[0]


def persons_words(content: object) -> object:
    """A user's content without what the client put there itself; None where nothing else is left."""
    if isinstance(content, str):
        return None if is_context(content) or not content.strip() else content
    if not isinstance(content, list):
        return None
    kept = [part for part in content if not (isinstance(part, Mapping) and _is_clients(part))]
    said = any(isinstance(part, str) or (isinstance(part, Mapping) and part.get("text")) for part in kept)
    return kept if said else None


def _is_clients(part: Mapping[str, object]) -> bool:
    text = part.get("text")
    return isinstance(text, str) and (is_context(text) or not text.strip())
