"""Tool schemas as small as they can be said (every agent reads every byte), and what is wrong with a call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import Tool
from pydantic import JsonValue, ValidationError

LIKE = 0.75
"""Names that are more alike than this are taken for one another's misspelling (difflib's ratio)."""
ADDED_BY_CLIENTS = frozenset({"action", "chatInput", "sessionId", "toolCallId", "tool_call_id", "session_id"})
"""Arguments that workflow programs add to every call."""


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


def misspelt(arguments: Mapping[str, object], names: Sequence[str]) -> str | None:
    """The first argument that is nearly one of the names that were left out, with that name."""
    left_out = [name for name in names if name not in arguments]
    for name in arguments:
        if name not in names and (near := get_close_matches(name, left_out, n=1, cutoff=LIKE)):
            return f"There is no argument {name[:60]!r}: did you mean {near[0]!r}?"
    return None


@dataclass(frozen=True, slots=True)
class Parameters:
    """The parameters of a tool."""

    names: tuple[str, ...]
    required: frozenset[str]
    changes: bool
    """The tool changes what people decide on: an argument that it doesn't know may be one that matters."""

    @classmethod
    def of(cls, tool: Tool) -> Parameters:
        """The parameters in a tool's description."""
        schema = tool.input_schema
        changes = tool.annotations is not None and bool(tool.annotations.destructive_hint)
        return cls(tuple(schema["properties"]), frozenset(schema.get("required", ())), changes)

    def taken(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments that the tool takes; null or "" for one that may be left out means left out."""
        return {
            name: value
            for name, value in arguments.items()
            if name in self.names and (name in self.required or value not in (None, ""))
        }

    def ignored(self, arguments: Mapping[str, object]) -> list[str]:
        """The names that a client may have added for itself. Raises ToolError for one that looks like a mistake."""
        if (problem := misspelt(arguments, self.names)) is not None:
            raise ToolError(problem)
        others = [name for name in arguments if name not in self.names]
        for name in others:
            if self.changes and not added_by_client(name):
                raise ToolError(f"There is no argument {name[:60]!r}: it takes {', '.join(self.names) or 'none'}.")
        return others


def added_by_client(name: str) -> bool:
    """True for an argument that its name marks as the client's own."""
    return name.startswith("_") or name in ADDED_BY_CLIENTS


def wrong_arguments(error: ValidationError) -> str:
    """The problems with the arguments, in a sentence each."""
    return " ".join(f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}." for problem in error.errors())
