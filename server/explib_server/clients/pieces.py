"""What of a client's configuration is ours: the server's entry, hooks, permissions, single settings."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from explib.errors import InvalidInput
from explib_server.clients.entries import ADDED_TO, OUR_VARIABLES, Entry
from explib_server.clients.values import Json, Key, Keys, Remove, Step, Write

OUR_HOOK = re.compile(r"\bexplib(?:_server|\.exe)?['\"]? hook [a-z-]+ --client [a-z-]+")
"""A command line that is ours, of this installation or another, in any shell's quotes."""
OUR_STATUS_LINE = re.compile(r"\bexplib(?:_server|\.exe)?['\"]? status --line$")


class Piece(Protocol):
    """One thing of ours in a document. Both ways change nothing where nothing has to be changed."""

    @property
    def containers(self) -> tuple[Keys, ...]:
        """Objects and arrays that it may have made; of an object with keys of its own, the object."""
        ...

    def put(self, document: Json) -> Iterator[Step]:
        """The steps that put it in, each for the document after the one before. Raises InvalidInput."""
        ...

    def take(self, document: Json) -> Iterator[Step]:
        """The steps that take it out, whoever's version of it stands there. Raises InvalidInput."""
        ...


@dataclass(frozen=True, slots=True)
class ServerEntry:
    """The server under its name."""

    servers: str
    name: str
    entry: Entry

    @property
    def containers(self) -> tuple[Keys, ...]:
        """The map of servers."""
        return ((self.servers,),)

    def put(self, document: Json) -> Iterator[Step]:
        """Merge the entry into one that is there."""
        present = members(document, self.servers).get(self.name)
        if isinstance(present, dict):
            yield from self._merged(present, self.entry)
        else:
            yield Write((self.servers, self.name), self.entry.fresh())

    def take(self, document: Json) -> Iterator[Step]:
        """The whole entry, with what a person added to it."""
        if self.name in members(document, self.servers):
            yield Remove((self.servers, self.name))

    def _merged(self, present: Mapping[str, Json], entry: Entry) -> Iterator[Step]:
        """An entry that is there already: what contradicts is taken out, what differs is set, the rest stays."""
        at: Keys = (self.servers, self.name)
        for key in present:
            if key in entry.foreign:
                yield Remove((*at, key))
        for key, value in entry.value.items():
            inner = present.get(key)
            if isinstance(value, dict) and isinstance(inner, dict):
                for name in sorted(inner.keys() & (OUR_VARIABLES - value.keys())):
                    yield Remove((*at, key, name))
                for name, setting in value.items():
                    if inner.get(name) != setting:
                        yield Write((*at, key, name), setting)
            elif key in ADDED_TO and isinstance(value, list) and isinstance(inner, list):
                if missing := [element for element in value if element not in inner]:
                    yield Write((*at, key), [*inner, *missing])
            elif inner != value and not (value == {} and key not in present):
                yield Write((*at, key), value)


@dataclass(frozen=True, slots=True)
class TokenPrompt:
    """VS Code's question for a server's token, kept among its inputs: asked once, gone when no server needs it."""

    servers: str
    prompt_id: str

    @property
    def containers(self) -> tuple[Keys, ...]:
        """The inputs."""
        return (("inputs",),)

    def put(self, document: Json) -> Iterator[Step]:
        """The question, once."""
        if not self._places(document):
            yield Write(("inputs", len(self._inputs(document))), self._question())

    def take(self, document: Json) -> Iterator[Step]:
        """A question that another server refers to stays."""
        servers = {name: value for name, value in members(document, self.servers).items() if not self._is_of(name)}
        if f"${{input:{self.prompt_id}}}" not in json.dumps(servers):
            for place in reversed(self._places(document)):
                yield Remove(("inputs", place))

    def _is_of(self, name: str) -> bool:
        return f"{name}-token" == self.prompt_id

    def _inputs(self, document: Json) -> list[Json]:
        inputs = members(document).get("inputs")
        return inputs if isinstance(inputs, list) else []

    def _places(self, document: Json) -> list[int]:
        inputs = enumerate(self._inputs(document))
        return [at for at, each in inputs if isinstance(each, dict) and each.get("id") == self.prompt_id]

    def _question(self) -> Json:
        about = "Token of the experience library"
        return {"type": "promptString", "id": self.prompt_id, "description": about, "password": True}


@dataclass(frozen=True, slots=True)
class HookEntries:
    """One element of ours in the array of each event under `hooks`."""

    elements: Mapping[str, Mapping[str, Json]]

    @property
    def containers(self) -> tuple[Keys, ...]:
        """`hooks` and its arrays."""
        return (*(("hooks", event) for event in self.elements), ("hooks",))

    def put(self, document: Json) -> Iterator[Step]:
        """What is ours and different goes, what is missing is appended; a person's own hooks stay."""
        yield from self._out(document, self.elements)
        hooks = members(document, "hooks")
        for event, element in self.elements.items():
            present = _elements(hooks, event)
            if element not in present:
                yield Write(("hooks", event, len([each for each in present if not _all_ours(each)])), {**element})

    def take(self, document: Json) -> Iterator[Step]:
        """Everything of ours, also of events that are no longer used."""
        top = members(document)
        if isinstance(top.get("hooks"), dict):
            yield from self._out(document, {})

    def _out(self, document: Json, wanted: Mapping[str, Mapping[str, Json]]) -> Iterator[Step]:
        hooks = members(document, "hooks")
        for event, elements in hooks.items():
            for at, element in reversed(list(enumerate(elements if isinstance(elements, list) else []))):
                if _all_ours(element) and element != wanted.get(event):
                    yield Remove(("hooks", event, at))
                elif not _all_ours(element):
                    for inner in reversed([place for place, hook in enumerate(_hooks_of(element)) if _is_ours(hook)]):
                        yield Remove(("hooks", event, at, "hooks", inner))


def _elements(hooks: Mapping[str, Json], event: str) -> list[Json]:
    elements = hooks.get(event, [])
    if not isinstance(elements, list):
        raise InvalidInput(f"hooks.{event} is not an array")
    return elements


def _hooks_of(element: Json) -> list[Json]:
    """The hooks of a group with a matcher; of a hook without a group, itself."""
    inner = element.get("hooks") if isinstance(element, dict) else None
    return inner if isinstance(inner, list) else [element]


def _all_ours(element: Json) -> bool:
    hooks = _hooks_of(element)
    return bool(hooks) and all(map(_is_ours, hooks))


def _is_ours(hook: Json) -> bool:
    texts = hook.values() if isinstance(hook, dict) else ()
    return any(isinstance(text, str) and OUR_HOOK.search(text) for text in texts)


@dataclass(frozen=True, slots=True)
class Elements:
    """Texts of ours in one array."""

    keys: Keys
    texts: tuple[str, ...]

    @property
    def containers(self) -> tuple[Keys, ...]:
        """The array and the objects above it."""
        return tuple(self.keys[:depth] for depth in range(len(self.keys), 0, -1))

    def put(self, document: Json) -> Iterator[Step]:
        """Append those that are missing."""
        present = _at(document, self.keys)
        if present is not None and not isinstance(present, list):
            raise InvalidInput(f"{'.'.join(map(str, self.keys))} is not an array")
        missing = [text for text in self.texts if text not in (present or [])]
        for place, text in enumerate(missing, len(present or [])):
            yield Write((*self.keys, place), text)

    def take(self, document: Json) -> Iterator[Step]:
        """Each of them."""
        present = _at(document, self.keys)
        for place, text in reversed(list(enumerate(present if isinstance(present, list) else []))):
            if text in self.texts:
                yield Remove((*self.keys, place))


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting that is only put where there is none, and only taken where `pattern` is found in it."""

    key: str
    value: Json
    pattern: re.Pattern[str] | None = None
    """Without one it stays: other things in the file may need it."""

    @property
    def containers(self) -> tuple[Keys, ...]:
        """None: it stands at the top."""
        return ()

    def put(self, document: Json) -> Iterator[Step]:
        """A person's own value stays."""
        present = members(document).get(self.key)
        if present is None or (self._is_ours(present) and present != self.value):
            yield Write((self.key,), self.value)

    def take(self, document: Json) -> Iterator[Step]:
        """Ours only."""
        if self._is_ours(members(document).get(self.key)):
            yield Remove((self.key,))

    def _is_ours(self, value: Json) -> bool:
        command = value.get("command") if isinstance(value, dict) else None
        return self.pattern is not None and isinstance(command, str) and self.pattern.search(command) is not None


def members(document: Json, key: str | None = None) -> Mapping[str, Json]:
    """An object of the document; empty where it is missing. Raises InvalidInput where it is something else."""
    if not isinstance(document, dict):
        raise InvalidInput("its top level is not an object")
    if key is None or key not in document:
        return document if key is None else {}
    inner = document[key]
    if not isinstance(inner, dict):
        raise InvalidInput(f"{key} is not an object")
    return inner


def _at(document: Json, keys: Keys) -> Json:
    for key in keys:
        document = _member(document, key)
    return document


def _member(document: Json, key: Key) -> Json:
    return document.get(key) if isinstance(document, dict) and isinstance(key, str) else None
