"""Tool calls in every spelling of the common APIs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from explib.errors import InvalidTrajectory
from explib.models.json_value import Json
from explib.models.trajectories import ToolCall
from explib.text.words import storable
from explib.trajectories.values import as_json, as_text, first, kind, loads

CALL_NAMES = ("name", "function_name", "toolName", "tool_name", "tool", "function")
INPUTS = ("arguments", "args", "input", "action_input", "tool_input", "parameters", "kwargs")
_IDS = ("call_id", "tool_call_id", "toolCallId", "toolUseId", "tool_use_id", "callID", "id")
_WRAPPERS = ("function", "custom", "toolUse", "functionCall", "function_call", "toolCall", "tool_call")


def read_call(call: object, where: str, fallback_id: str | None = None) -> ToolCall:
    """One call. Raises InvalidTrajectory where it names no tool."""
    outer = loads(call) if isinstance(call, str) else call
    inner = _inner(outer) if isinstance(outer, Mapping) else None
    name = None if inner is None else first(inner, CALL_NAMES)
    if not (isinstance(outer, Mapping) and inner is not None and isinstance(name, str)):
        raise InvalidTrajectory(f"{where} names no tool: pass an object with `name` and `arguments`.")
    call_id = first(outer, _IDS) or first(inner, _IDS) or fallback_id or name
    return ToolCall(as_text(call_id), storable(name), arguments(first(inner, INPUTS)))


def read_calls(item: Mapping[str, object], where: str) -> Iterator[ToolCall]:
    """The calls that a message lists beside its content."""
    name = "tool_calls" if item.get("tool_calls") else "toolCalls"
    calls = item.get(name) or ()
    if not isinstance(calls, list | tuple):
        raise InvalidTrajectory(f"{where}.{name} is {kind(calls)}: pass a list of tool calls.")
    for at, call in enumerate(calls):
        yield read_call(call, f"{where}.{name}[{at}]")
    if item.get("function_call"):
        yield read_call(item["function_call"], f"{where}.function_call")


def arguments(value: object) -> dict[str, Json]:
    """A call's arguments as an object; what is none stands under `input`."""
    parsed = loads(value) if isinstance(value, str) else value
    if isinstance(parsed, Mapping):
        return {as_text(key): as_json(item) for key, item in parsed.items()}
    return {} if value is None or value == "" else {"input": as_json(value)}


def _inner(call: Mapping[str, object]) -> Mapping[str, object]:
    for name in _WRAPPERS:
        inner = call.get(name)
        if isinstance(inner, Mapping):
            return inner
    return call
