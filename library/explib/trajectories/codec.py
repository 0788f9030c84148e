"""Steps as the bytes that are stored, and back; steps as messages for other programs."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence

from explib.errors import StorageError
from explib.models.json_value import Json
from explib.models.trajectories import Role, Step, ToolCall

_COMPRESSED_FROM = 200
"""Bytes."""
_ROLES: dict[str, Role] = {"system": "system", "user": "user", "assistant": "assistant", "tool": "tool"}


def encode_steps(steps: Sequence[Step]) -> bytes:
    """Steps as compact JSON behind one byte that names the form: `j` as it is, `z` compressed with zlib."""
    rows = [
        [step.role, step.text, [[call.id, call.name, call.arguments] for call in step.calls], step.answers_call,
         step.is_error]
        for step in steps
    ]  # fmt: skip
    raw = json.dumps(rows, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
    packed = zlib.compress(raw, 6) if len(raw) > _COMPRESSED_FROM else raw
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


def as_messages(steps: Sequence[Step]) -> list[dict[str, Json]]:
    """Steps as messages in OpenAI's shape, which are read as the same steps again."""
    return [_message(step) for step in steps]


def _message(step: Step) -> dict[str, Json]:
    message: dict[str, Json] = {"role": step.role, "content": step.text}
    if step.calls:
        message["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in step.calls
        ]
    if step.answers_call is not None:
        message["tool_call_id"] = step.answers_call
    return {**message, "is_error": True} if step.is_error else message


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
