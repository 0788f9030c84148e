"""Chats of VS Code as newer versions keep them: a first state, then a line for each change of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from explib_server.importers.records import BadRecord, Draft
from explib_server.importers.sessions.copilot import Copilot
from explib_server.importers.sessions.reading import Reader
from explib_server.importers.sessions.turns import Event, Session
from explib_server.importers.sources import Source

_FIRST, _SET, _PUSH, _DELETE = range(4)


@dataclass(frozen=True, slots=True)
class CopilotChanges:
    """Puts the chat together and reads it as an exported one."""

    name: str = "copilot"

    def recognises(self, source: Source) -> bool:
        """Tell by the first state."""
        first = next(iter(source.head), None)
        state = first.get("v") if isinstance(first, Mapping) and first.get("kind") == _FIRST else None
        return isinstance(state, Mapping) and "requests" in state

    def read(self, source: Source) -> Iterator[Draft | BadRecord]:
        """The turns of the chat as it stands after its last change."""
        state: object = None
        for _, change in source.documents():
            if isinstance(change, BadRecord):
                yield change
            elif isinstance(change, Mapping):
                state = change.get("v") if change.get("kind") == _FIRST else _changed(state, change)
        reader = Reader(Copilot(), Session(Copilot().agent, source.path, source.place))
        if isinstance(state, Mapping):
            yield from reader.take({"responderUsername": None, **state})
        yield from reader.last()


def _changed(state: object, change: Event) -> object:
    """The state after a change at the path `k`; one that leads nowhere changes nothing."""
    path = change.get("k")
    *above, last = path if isinstance(path, list) and path else [None]
    place = state
    for key in above:
        place = _inside(place, key)
    value, kind = change.get("v"), change.get("kind")
    if kind == _PUSH:
        items = _inside(place, last)
        if isinstance(items, list):
            keep = change.get("i")
            del items[keep if isinstance(keep, int) and keep >= 0 else len(items) :]
            items.extend(value if isinstance(value, list) else ())
    elif isinstance(place, dict) and isinstance(last, str):
        place.update({last: value}) if kind == _SET else place.pop(last, None)
    elif isinstance(place, list) and isinstance(last, int) and 0 <= last < len(place) and kind == _SET:
        place[last] = value
    return state


def _inside(value: object, key: object) -> object:
    if isinstance(value, dict):
        return value.get(key) if isinstance(key, str) else None
    return value[key] if isinstance(value, list) and isinstance(key, int) and 0 <= key < len(value) else None


FORMAT = CopilotChanges()
