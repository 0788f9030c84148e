"""Tool schemas as small as they can be said: every byte of tools/list is read by every agent."""

from __future__ import annotations

from pydantic import JsonValue


def compact(schema: JsonValue) -> JsonValue:
    """The same schema without generated titles and null defaults, and with nullable types in short form."""
    if isinstance(schema, list):
        return [compact(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {name: compact(value) for name, value in schema.items() if not _noise(name, value)}
    return _short_nullable(kept)


def _noise(name: str, value: JsonValue) -> bool:
    return (name == "title" and isinstance(value, str)) or (name == "default" and value is None)


def _short_nullable(schema: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """`anyOf: [{type: x}, {type: null}]` as `type: [x, null]`."""
    match schema.get("anyOf"):
        case [{"type": str(kind), **rest}, {"type": "null", **nothing}] if not rest and not nothing:
            return {"type": [kind, "null"], **{name: value for name, value in schema.items() if name != "anyOf"}}
        case _:
            return schema
