"""What agents submit as a trajectory, turned into steps; and steps turned into the bytes that are stored.

Three shapes are read: text, messages (OpenAI or Anthropic), and steps of any other agent loop. Nothing that carries
meaning is dropped: fields that are not known become lines of the step's text, media becomes a marker such as "[image]".
"""

from __future__ import annotations

import json
import math
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence

from explib.errors import InvalidTrajectory, StorageError, TooLarge
from explib.models.json_value import Json
from explib.models.trajectories import Role, Step, ToolCall
from explib.text.words import storable

MAX_DEPTH = 64
"""Levels of nesting that a trajectory may have."""
MAX_INT_BITS = 4096
"""A longer integer is kept as hexadecimal text: Python refuses to write it in decimal."""

_ACCEPTED = "pass text, a list of messages (OpenAI or Anthropic shape) or a list of steps"
_ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "agent": "assistant",
    "ai": "assistant",
    "model": "assistant",
    "tool": "tool",
    "function": "tool",
}
_MEANINGLESS = re.compile(
    "((call|message|parent|step|run|trace|span|session|event)_)?id|uuid|index|timestamp|ts|created(_at)?"
    "|cache_control|signature|logprobs|usage"
)
_MESSAGE_FIELDS = {"role", "source", "type", "content", "tool_calls", "function_call", "tool_call_id", "is_error"}
_ORDINARY_ENDS = ("stop", "tool_calls", "function_call", "end_turn", "tool_use")
_MEDIA = ("image", "audio", "video", "file", "document")
_CALL_IDS = ("id", "tool_call_id", "call_id", "tool_use_id")
_CALL_NAMES = ("name", "function_name", "tool_name", "tool")
_INPUTS = ("arguments", "args", "input", "action_input", "tool_input", "parameters", "kwargs")
_THOUGHTS = ("thought", "thinking", "reasoning", "text", "message", "content")
_OBSERVATIONS = ("observation", "tool_output", "tool_result", "result", "output", "response", "error")
_OWN_WORDS = frozenset(("result", "output", "response", "error"))
"""Fields that hold a tool's answer only where the step has a call or an action."""


def parse_trajectory(value: object, max_bytes: int) -> tuple[Step, ...]:
    """Turn what an agent submitted into steps, at least one.

    Lone surrogates and NUL characters become U+FFFD. Raises TooLarge where the texts, names and numbers of `value`
    have more than `max_bytes` bytes of UTF-8, InvalidTrajectory (naming the position) where it cannot be read.
    """
    size = _measure(value)
    if size > max_bytes:
        raise TooLarge(
            f"The trajectory has {size} bytes where at most {max_bytes} are allowed: submit the steps that matter, "
            "or raise EXPLIB_MAX_TRAJECTORY_BYTES."
        )
    steps = _from_text(value) if isinstance(value, str) else _from_value(value)
    if not any(step.text.strip() or step.calls for step in steps):
        raise InvalidTrajectory(f"The trajectory is empty: {_ACCEPTED}, with what the agent really did.")
    return tuple(steps)


def encode_steps(steps: Sequence[Step]) -> bytes:
    """Steps as compact JSON behind one byte that names the form: `j` as it is, `z` compressed with zlib."""
    rows = [
        [step.role, step.text, [[call.id, call.name, call.arguments] for call in step.calls], step.answers_call,
         step.is_error]
        for step in steps
    ]  # fmt: skip
    raw = json.dumps(rows, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
    packed = zlib.compress(raw, 6) if len(raw) > 200 else raw
    return b"z" + packed if len(packed) < len(raw) else b"j" + raw


def decode_steps(data: bytes) -> tuple[Step, ...]:
    """The steps that `encode_steps` was given. Raises StorageError where the bytes are not its work."""
    try:
        raw = zlib.decompress(data[1:]) if data[:1] == b"z" else data[1:]
        rows: object = json.loads(raw.decode("utf-8", "surrogatepass"))
        if data[:1] in (b"j", b"z") and isinstance(rows, list):
            return tuple(_decode_row(row) for row in rows)
    except (ValueError, TypeError, LookupError, RecursionError, zlib.error) as error:
        raise StorageError("Stored steps are damaged: restore the database from a backup.") from error
    raise StorageError("Stored steps have an unknown form: upgrade this program to the one that wrote them.")


def _decode_row(row: object) -> Step:
    role, text, calls, answers_call, is_error = _list(row)
    return Step(
        role=_ROLES[str(role)],
        text=str(text),
        calls=tuple(_decode_call(call) for call in _list(calls)),
        answers_call=None if answers_call is None else str(answers_call),
        is_error=bool(is_error),
    )


def _decode_call(call: object) -> ToolCall:
    call_id, name, arguments = _list(call)
    if not isinstance(arguments, dict):
        raise TypeError("a call's arguments are not an object")
    return ToolCall(str(call_id), str(name), arguments)


def _list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise TypeError("a list is missing")
    return value


def _measure(value: object) -> int:
    """Bytes of UTF-8 in a nested value, walked without recursion; a number counts 8."""
    size, stack = 0, [(value, 0)]
    while stack:
        item, depth = stack.pop()
        if depth > MAX_DEPTH:
            raise InvalidTrajectory(f"The trajectory is nested deeper than {MAX_DEPTH} levels: {_ACCEPTED}.")
        if isinstance(item, str):
            size += len(item) if item.isascii() else len(item.encode("utf-8", "surrogatepass"))
        elif isinstance(item, Mapping):
            stack.extend((part, depth + 1) for pair in item.items() for part in pair)
        elif isinstance(item, list | tuple):
            stack.extend((part, depth + 1) for part in item)
        else:
            size += 8
    return size


def _loads(text: str) -> object:
    """The JSON value of a text, or None where it is none (or nested too deep to be worked with)."""
    try:
        value: object = json.loads(text)
        _measure(value)
    except (ValueError, RecursionError, InvalidTrajectory):
        return None
    return value


def _from_text(text: str) -> list[Step]:
    value = _loads(text) if text.lstrip()[:1] in ("[", "{") else None
    known = {"role", "messages", "thought", "action", "observation", "tool"}
    items = [value] if isinstance(value, Mapping) and "messages" in value else value
    if isinstance(items, list) and all(isinstance(item, Mapping) and known & item.keys() for item in items):
        try:
            return _from_value(value)
        except InvalidTrajectory:  # JSON of something else, so the agent's own words
            pass
    return [Step("assistant", storable(text))]


def _from_value(value: object) -> list[Step]:
    steps: list[Step] = []
    where, items = "trajectory", value
    if isinstance(value, Mapping):
        name = "messages" if "messages" in value else "steps"
        where, items = f"trajectory.{name}", value.get(name)
        if value.get("system"):
            steps.extend(_from_message({"content": value["system"]}, "system", "trajectory.system"))
    if not isinstance(items, list | tuple):
        raise InvalidTrajectory(f"{where} is {_kind(items)}: {_ACCEPTED}.")
    for index, item in enumerate(items):
        steps.extend(_from_item(item, index, f"{where}[{index}]"))
    return steps


def _from_item(item: object, index: int, where: str) -> list[Step]:
    if isinstance(item, str):
        return [Step("assistant", storable(item))] if item.strip() else []
    if not isinstance(item, Mapping):
        raise InvalidTrajectory(
            f"{where} is {_kind(item)}: pass a message (an object with role and content) or a step."
        )
    role = _ROLES.get(str(item.get("role", item.get("source"))).lower())
    if role is not None:
        return _from_message(item, role, where)
    if "role" in item:
        raise InvalidTrajectory(f"{where}.role is {item['role']!r:.40}: pass one of {', '.join(_ROLES)}.")
    return _from_step(item, index, where)


def _from_message(message: Mapping[str, object], role: Role, where: str) -> list[Step]:
    texts: list[str] = []
    calls: list[ToolCall] = []
    results: list[Step] = []
    body = "content" if "content" in message else "message"
    for at, part in enumerate(_parts(message.get(body))):
        read = _read_part(part, f"{where}.{body}[{at}]")
        if isinstance(read, Step):
            results.append(read)
        elif isinstance(read, ToolCall):
            calls.append(read)
        else:
            texts.append(read)
    calls.extend(_read_calls(message, where))
    answers = _first(message, (*_CALL_IDS[1:], "name")) if role == "tool" else None
    texts.extend(_extras(message, _MESSAGE_FIELDS | {body} | ({"name"} if role == "tool" else set())))
    text = "\n".join(filter(None, texts))
    is_error = role == "tool" and (bool(message.get("is_error")) or message.get("status") == "error")
    own = Step(role, text, tuple(calls), None if answers is None else _text(answers), is_error)
    if not (text or calls or role == "tool"):
        return results
    return [*results, own] if role == "user" else [own, *results]


def _read_part(part: object, where: str) -> str | ToolCall | Step:
    if not isinstance(part, Mapping):
        return _text(part)
    kind = str(part.get("type", ""))
    if kind.endswith(("tool_use", "tool_call")):
        return _read_call(part, where)
    if kind.endswith(("tool_result", "tool_call_response")):
        answers = _first(part, ("tool_use_id", *_CALL_IDS))
        text = _content_text(_first(part, ("content", "response", "result")))
        return Step("tool", text, (), None if answers is None else _text(answers), bool(part.get("is_error")))
    if kind.startswith(("redacted", "encrypted")):
        return storable(f"[{kind}]")
    for media in _MEDIA:
        if media in kind:
            return f"[{media}]"
    for key in ("text", "thinking", "reasoning", "refusal"):
        if isinstance(part.get(key), str):
            return "\n".join([_text(part[key]), *_extras(part, {key, "type", "annotations"})])
    return _text(part)


def _read_calls(item: Mapping[str, object], where: str) -> Iterator[ToolCall]:
    calls = item.get("tool_calls") or ()
    if not isinstance(calls, list | tuple):
        raise InvalidTrajectory(f"{where}.tool_calls is {_kind(calls)}: pass a list of tool calls.")
    for at, call in enumerate(calls):
        yield _read_call(call, f"{where}.tool_calls[{at}]")
    if item.get("function_call"):
        yield _read_call(item["function_call"], f"{where}.function_call")


def _read_call(call: object, where: str, fallback_id: str | None = None) -> ToolCall:
    inner = (call.get("function") or call.get("custom") or call) if isinstance(call, Mapping) else None
    name = _first(inner, _CALL_NAMES) if isinstance(inner, Mapping) else None
    if not (isinstance(call, Mapping) and isinstance(inner, Mapping) and isinstance(name, str)):
        raise InvalidTrajectory(f"{where} names no tool: pass an object with `name` and `arguments`.")
    call_id = _first(call, _CALL_IDS) or fallback_id or name
    return ToolCall(_text(call_id), storable(name), _arguments(_first(inner, _INPUTS)))


def _arguments(value: object) -> dict[str, Json]:
    parsed = _loads(value) if isinstance(value, str) else value
    if isinstance(parsed, Mapping):
        return {_text(key): _json(item) for key, item in parsed.items()}
    return {} if value is None or value == "" else {"input": _json(value)}


def _from_step(item: Mapping[str, object], index: int, where: str) -> list[Step]:
    used = {key for key in _THOUGHTS if key in item} | {"tool_calls", "function_call", "is_error"}
    texts = [_content_text(item[key]) for key in _THOUGHTS if key in item]
    calls = list(_read_calls(item, where))
    action, given = item.get("action"), any(key in item for key in _INPUTS)
    if isinstance(action, Mapping) and _first(action, _CALL_NAMES) is not None:
        calls.append(_read_call(action, f"{where}.action", f"call-{index}"))
        used.add("action")
    elif "tool" in item or "tool_name" in item or "function_name" in item or (given and (action or "name" in item)):
        named = {"name": action, **item} if isinstance(action, str) else item
        calls.append(_read_call(named, where, f"call-{index}"))
        used.update(("action", *_CALL_NAMES, *_INPUTS))
    acted = bool(calls or action)
    answers = [key for key in _OBSERVATIONS if item.get(key) is not None and (acted or key not in _OWN_WORDS)]
    texts.extend(_extras(item, used.union(answers)))
    text = "\n".join(filter(None, texts))
    steps = [Step("assistant", text, tuple(calls))] if text or calls else []
    for key in answers:
        failed = bool(item.get("is_error")) or key == "error"
        steps.append(Step("tool", _content_text(item[key]), (), calls[-1].id if calls else None, failed))
    return steps


def _extras(item: Mapping[str, object], used: set[str]) -> list[str]:
    """Fields that no rule reads, as lines; those that are empty or mean nothing to a reader are left out."""
    lines = []
    for key, value in item.items():
        empty = value is None or (isinstance(value, str | list | tuple | Mapping) and not value)
        ordinary = key in ("finish_reason", "stop_reason") and value in _ORDINARY_ENDS
        if not (empty or ordinary or key in used or _MEANINGLESS.fullmatch(str(key))):
            lines.append(f"{_text(key)}: {_text(value)}")
    return lines


def _content_text(content: object) -> str:
    pieces = []
    for part in _parts(content):
        read = _read_part(part, "") if isinstance(part, Mapping) and "type" in part else _text(part)
        pieces.append(read if isinstance(read, str) else _text(part))
    return "\n".join(filter(None, pieces))


def _parts(content: object) -> Sequence[object]:
    if content is None:
        return ()
    return content if isinstance(content, list | tuple) else (content,)


def _text(value: object) -> str:
    if isinstance(value, str):
        return storable(value)
    return "" if value is None else json.dumps(_json(value), ensure_ascii=False, separators=(",", ":"))


def _json(value: object) -> Json:
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, Mapping):
        return {_text(key): _json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_json(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > MAX_INT_BITS:
        return hex(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    raise InvalidTrajectory(f"The trajectory holds {_kind(value)}: pass what JSON can hold, in messages or steps.")


def _first(item: Mapping[str, object], keys: Sequence[str]) -> object:
    """The first of these fields that has a value."""
    return next((item[key] for key in keys if item.get(key) not in (None, "")), None)


def _kind(value: object) -> str:
    return "missing" if value is None else f"of type {type(value).__name__}"
