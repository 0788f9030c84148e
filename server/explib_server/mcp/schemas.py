"""Tool schemas as small as they can be said (every agent reads every byte), and what is wrong with a call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from pydantic import JsonValue, ValidationError


def compact(schema: JsonValue) -> JsonValue:
    """The same schema without generated titles and empty defaults."""
    if isinstance(schema, list):
        return [compact(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {name: compact(value) for name, value in schema.items() if not _noise(name, value)}


def compact_input(schema: JsonValue) -> JsonValue:
    """A compact schema in which an optional argument is one to leave out: some clients know no nullable types."""
    compacted = compact(schema)
    if isinstance(compacted, dict) and isinstance(properties := compacted.get("properties"), dict):
        return {**compacted, "properties": {name: _not_null(value) for name, value in properties.items()}}
    return compacted


def _noise(name: str, value: JsonValue) -> bool:
    return (name == "title" and isinstance(value, str)) or (name == "default" and value in (None, ""))


def _not_null(schema: JsonValue) -> JsonValue:
    if not isinstance(schema, dict):
        return schema
    match schema.get("anyOf"):
        case [dict(given), {"type": "null"}]:
            return {**given, **{name: value for name, value in schema.items() if name != "anyOf"}}
        case _:
            return schema


def unknown_argument(arguments: Mapping[str, object], names: Sequence[str]) -> str | None:
    """The problem with the first argument that is not among these names, with the nearest name that is."""
    for name in arguments:
        if name not in names:
            near = get_close_matches(name, names, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"it takes {', '.join(names) or 'none'}."
            return f"There is no argument {name[:60]!r}: {hint}"
    return None


def wrong_arguments(error: ValidationError) -> str:
    """The problems with the arguments, in a sentence each."""
    return " ".join(f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}." for problem in error.errors())
