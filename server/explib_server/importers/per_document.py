"""Formats whose documents are attempts: each is told by its shape and read by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from explib.errors import InvalidInput
from explib.trajectories.values import keys_of
from explib_server.importers.records import BadRecord, Draft
from explib_server.importers.sources import Source

Document: TypeAlias = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class PerDocument:
    """A format of which every document is an attempt, or holds several."""

    name: str
    is_mine: Callable[[Document, Source], bool]
    drafts: Callable[[Document, str, Source], Iterator[Draft | BadRecord]]
    """The attempts of a document at a position. Raises InvalidInput saying what is wrong with it."""
    is_strict: bool = True
    """Documents of another shape are refused before they are read."""

    def recognises(self, source: Source) -> bool:
        """Tell that one of the first documents is of this format."""
        bodies = (_body(document) for document in source.head)
        return any(isinstance(body, Mapping) and self.is_mine(body, source) for body in bodies)

    def read(self, source: Source) -> Iterator[Draft | BadRecord]:
        """The attempts of every document."""
        for position, document in source.documents():
            if isinstance(document, BadRecord):
                yield document
                continue
            body = _body(document)
            if not isinstance(body, Mapping):
                yield BadRecord(position, f"It is {type(document).__name__} where an object is needed.")
                continue
            if self.is_strict and not self.is_mine(body, source):
                yield BadRecord(position, f"It is no attempt of the format {self.name}: it has {keys_of(body)}.")
                continue
            try:
                yield from self.drafts(body, position, source)
            except InvalidInput as error:
                yield BadRecord(position, str(error))


def _body(document: object) -> object:
    """A bare list of messages as a document that holds them."""
    return {"messages": document} if isinstance(document, list) else document
