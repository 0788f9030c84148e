"""Reading sessions: how a client writes them down, and what the turns that follow each other are as attempts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from explib.errors import InvalidInput
from explib_server.importers.paths import objects
from explib_server.importers.records import BadRecord, Draft
from explib_server.importers.sessions.attempts import Said, attempt
from explib_server.importers.sessions.turns import Event, Session, Turn
from explib_server.importers.sources import HEAD, Source


class Client(Protocol):
    """How one client writes down its sessions."""

    @property
    def agent(self) -> str:
        """The name of the agent as attempts carry it."""

    def recognises(self, document: Event) -> bool:
        """Tell that a document is surely of this client."""

    def take(self, document: Event, session: Session) -> None:
        """Take the next document of the transcript in."""

    def said(self, turn: Turn) -> Said:
        """The messages of a turn after its request, as they stand now."""


@dataclass(slots=True)
class Reader:
    """The attempts of a session whose documents come one after the other."""

    client: Client
    session: Session

    def take(self, document: Event) -> Iterator[Draft | BadRecord]:
        """Take a document in; the turns that are told to be over by it."""
        self.session.at(document.get("timestamp"))
        self.client.take(document, self.session)
        for turn, following in self.session.settled():
            yield from self._attempt(turn, following)

    def last(self) -> Iterator[Draft | BadRecord]:
        """The last turn as it stands: later documents may still change it."""
        for event in self.session.unheld():
            yield from self.take(event)
        for turn in self.session.turns:
            yield from self._attempt(turn, None)

    def _attempt(self, turn: Turn, following: Turn | None) -> Iterator[Draft | BadRecord]:
        place = f"{self.session.path.name} turn {turn.number}"
        try:
            made = attempt(turn, following, self.client.said(turn), self.client.agent, place)
        except InvalidInput as error:
            yield BadRecord(place, str(error))
            return
        if made is not None:
            yield made


@dataclass(frozen=True, slots=True)
class SessionFormat:
    """The sessions of one client as a format of logs."""

    name: str
    client: Client

    def recognises(self, source: Source) -> bool:
        """Tell by its first documents."""
        return any(self.client.recognises(event) for document in source.head for event in _events(document)[:HEAD])

    def read(self, source: Source) -> Iterator[Draft | BadRecord]:
        """The turns of the session in which the agent did something."""
        reader = Reader(self.client, Session(self.client.agent, source.path, source.place))
        for _, document in source.documents():
            if isinstance(document, BadRecord):
                yield document
                continue
            for event in _events(document):
                yield from reader.take(event)
        yield from reader.last()


def _events(document: object) -> list[Event]:
    """A line of a transcript; all of them where they are written as one list."""
    return [document] if isinstance(document, Mapping) else objects(document)
