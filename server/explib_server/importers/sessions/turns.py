"""A session as its turns: each request of the person with everything up to the next is one attempt."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from explib_server.importers.context import is_context
from explib_server.importers.records import Draft

INTERRUPTED = "interrupted by the person"


@dataclass(frozen=True, slots=True)
class Session:
    """What all turns of a session share."""

    client: str
    """The name of the agent as attempts carry it."""
    identity: str
    position: str
    """The file's name, for people."""
    folder: str | None = None
    model: str | None = None


@dataclass(slots=True)
class Turn:
    """One request and what followed it."""

    key: str
    """The client's own id of the request, or its number."""
    messages: list[object] = field(default_factory=list)
    model: str | None = None
    is_interrupted: bool = False

    def has_answer(self) -> bool:
        """Tell whether the agent did or said anything."""
        return any(isinstance(item, Mapping) and item.get("role") != "user" for item in self.messages)


@dataclass(slots=True)
class Turns:
    """Collects the messages of a session, in their order."""

    turns: list[Turn] = field(default_factory=list)

    def ask(self, content: object, key: object = None) -> None:
        """A request of the person begins a turn."""
        self.turns.append(Turn(str(key or len(self.turns)), [{"role": "user", "content": content}]))

    def add(self, *messages: object, model: object = None) -> None:
        """What the agent or a tool said; before the first request it is no part of an attempt."""
        if self.turns:
            self.turns[-1].messages.extend(messages)
            if isinstance(model, str) and model and not model.startswith("<"):
                self.turns[-1].model = model

    def interrupt(self) -> None:
        """The person stopped the agent."""
        if self.turns:
            self.turns[-1].is_interrupted = True


def drafts(session: Session, turns: Iterable[Turn]) -> Iterator[Draft]:
    """The attempts of a session: the turns in which the agent did something."""
    for number, turn in enumerate(turns, start=1):
        if turn.has_answer():
            yield Draft(
                trajectory=turn.messages,
                position=f"{session.position} turn {number}",
                document={"cwd": session.folder, "session": session.identity, "turn": number},
                trial=f"session:{session.client}:{session.identity}:{turn.key}",
                feedback=INTERRUPTED if turn.is_interrupted else None,
                agent=session.client,
                model=turn.model or session.model,
                names=(f"{session.identity}:{number}", session.identity),
            )


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
