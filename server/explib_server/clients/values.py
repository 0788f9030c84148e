"""Values of configuration files and the steps that change them, the same for every format."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
"""A plain document. TOML's dates pass through it unchanged."""
Key: TypeAlias = str | int
Keys: TypeAlias = tuple[Key, ...]
"""The way from the top of a document to a value; an index one past an array's end appends to it."""


@dataclass(frozen=True, slots=True)
class Write:
    """Put `value` at `keys`; objects and arrays on the way are made."""

    keys: Keys
    value: Json


@dataclass(frozen=True, slots=True)
class Remove:
    """Take out what stands at `keys`."""

    keys: Keys


Step: TypeAlias = Write | Remove


class Format(Protocol):
    """A file format that can be changed in one place while the rest keeps its bytes."""

    def plain(self, text: str) -> Json:
        """The document as values. Raises InvalidInput, saying where it is wrong."""
        ...

    def changed(self, text: str, step: Step) -> str:
        """The text after one step. Raises InvalidInput where the document does not allow it."""
        ...

    def is_bare(self, text: str, keys: Keys) -> bool:
        """True for an object or array that holds nothing, not even a comment."""
        ...

    def fragment(self, value: Mapping[str, Json]) -> str:
        """A document of its own with only this, for people to paste."""
        ...


def after(document: Json, steps: Iterable[Step]) -> Json:
    """The plain document after the steps; a format's own result is checked against it."""
    for step in steps:
        document = _after_one(document, step.keys, step)
    return document


def has(document: Json, keys: Keys) -> bool:
    """True if something stands at `keys`, which name members of objects."""
    for key in keys:
        if not isinstance(document, dict) or key not in document:
            return False
        document = document[str(key)]
    return True


def nested(keys: Keys, value: Json) -> Json:
    """`value` inside as many new objects and arrays as `keys` says."""
    for key in reversed(keys):
        value = [value] if isinstance(key, int) else {key: value}
    return value


def _after_one(document: Json, keys: Keys, step: Step) -> Json:
    key, rest = keys[0], keys[1:]
    if isinstance(document, dict) and isinstance(key, str):
        if rest or isinstance(step, Write):
            return {**document, key: _value(document.get(key), rest, step)}
        return {name: value for name, value in document.items() if name != key}
    if isinstance(document, list) and isinstance(key, int):
        value = [_value(document[key] if key < len(document) else None, rest, step)]
        return document[:key] + (value if rest or isinstance(step, Write) else []) + document[key + 1 :]
    return document


def _value(inner: Json, rest: Keys, step: Step) -> Json:
    if isinstance(step, Write) and (not rest or inner is None):
        return nested(rest, step.value)
    return _after_one(inner, rest, step) if rest else None
