"""Values of documents by path: `a.b`, `scores[name=correct].value`, and names that hold dots or commas themselves."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from explib.errors import InvalidInput
from explib.text.words import storable
from explib.trajectories.values import loads

_NAMES = ("name", "key", "metric", "scorer", "id")
"""Fields by which an element of a list is named."""


def lookup(value: object, path: str) -> object:
    """The value at a path, None where there is none; JSON text on the way is read."""
    if not path:
        return value
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        value = loads(value)
    if isinstance(value, Mapping):
        for cut in _cuts(path):
            if path[:cut] in value:
                return lookup(value[path[:cut]], path[cut:].removeprefix("."))
    if isinstance(value, list):
        return _element(value, path)
    return None


def text_at(document: Mapping[str, object], path: str) -> str | None:
    """A field as text: text as it is, a number or nested value as JSON, None where it is missing or empty."""
    return as_field(lookup(document, path))


def as_field(value: object) -> str | None:
    """A value as the text of a field, None where it says nothing."""
    if value is None or value in ("", [], {}):
        return None
    written = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
    return storable(written)


def mapping(value: object, name: str) -> Mapping[str, object]:
    """The value as an object; raises InvalidInput naming it."""
    if not isinstance(value, Mapping):
        raise InvalidInput(f"{name} is {type(value).__name__} where an object is needed.")
    return value


def submap(document: Mapping[str, object], path: str) -> Mapping[str, object]:
    """The object at a path; an empty one where there is none."""
    value = lookup(document, path)
    return value if isinstance(value, Mapping) else {}


def objects(value: object) -> list[Mapping[str, object]]:
    """The objects among the elements of a list; none where it is no list."""
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def _cuts(path: str) -> list[int]:
    return [len(path), *(at for at in reversed(range(len(path))) if path[at] in ".[")]


def _element(items: list[object], path: str) -> object:
    if path.startswith("["):
        selector, _, rest = path[1:].partition("]")
        name, equals, wanted = selector.partition("=")
        named: Iterator[object] = (item for item in objects(items) if str(item.get(name)) == wanted)
        chosen = named if equals else (item for at, item in enumerate(items) if str(at) == selector)
        return lookup(next(chosen, None), rest.removeprefix("."))
    for cut in _cuts(path):
        item = next((item for item in objects(items) if any(item.get(name) == path[:cut] for name in _NAMES)), None)
        if item is not None:
            return lookup(item, path[cut:].removeprefix("."))
    return None
