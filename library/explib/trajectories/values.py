"""Values of any nesting as text and as JSON, within limits."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence

from explib.errors import InvalidTrajectory
from explib.models.json_value import Json
from explib.text.words import storable

MAX_DEPTH = 64
"""Levels of nesting that a trajectory may have."""
MAX_INT_BITS = 4096
"""A longer integer is kept as hexadecimal text: Python refuses to write it in decimal."""
ACCEPTED = "pass text, a list of messages (of any common API) or a list of steps"


def measure(value: object) -> int:
    """Bytes of UTF-8 in a nested value, walked without recursion; a number counts 8.

    Raises InvalidTrajectory where it is nested deeper than MAX_DEPTH.
    """
    size, stack = 0, [(value, 0)]
    while stack:
        item, depth = stack.pop()
        if depth > MAX_DEPTH:
            raise InvalidTrajectory(f"The trajectory is nested deeper than {MAX_DEPTH} levels: {ACCEPTED}.")
        if isinstance(item, str):
            size += len(item) if item.isascii() else len(item.encode("utf-8", "surrogatepass"))
        elif isinstance(item, Mapping):
            stack.extend((part, depth + 1) for pair in item.items() for part in pair)
        elif isinstance(item, list | tuple):
            stack.extend((part, depth + 1) for part in item)
        else:
            size += 8
    return size


def loads(text: str) -> object:
    """The JSON value of a text, or None where it is none (or nested too deep to be worked with)."""
    try:
        value: object = json.loads(text)
        measure(value)
    except (ValueError, RecursionError, InvalidTrajectory):
        return None
    return value


def as_text(value: object) -> str:
    """Text as it is, None as nothing, everything else as compact JSON."""
    if isinstance(value, str):
        return storable(value)
    return "" if value is None else json.dumps(as_json(value), ensure_ascii=False, separators=(",", ":"))


def as_json(value: object) -> Json:
    """The value as JSON can hold it. Raises InvalidTrajectory for what it cannot."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, Mapping):
        return {as_text(key): as_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > MAX_INT_BITS:
        return hex(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    raise InvalidTrajectory(f"The trajectory holds {kind(value)}: pass what JSON can hold, in messages or steps.")


def first(item: Mapping[str, object], keys: Iterable[str]) -> object:
    """The first of these fields that has a value."""
    return next((item[key] for key in keys if item.get(key) not in (None, "")), None)


def as_list(value: object) -> Sequence[object]:
    """A list as it is, nothing as an empty one, everything else as the only element."""
    if value is None:
        return ()
    return value if isinstance(value, list | tuple) else (value,)


def kind(value: object) -> str:
    """The type of a value as an error names it."""
    return "missing" if value is None else f"of type {type(value).__name__}"


def keys_of(item: Mapping[str, object]) -> str:
    """The names of an object's fields as an error names them."""
    names = [f"`{str(name)[:40]}`" for name in item]
    return ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "") if names else "no key"
