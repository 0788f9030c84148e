"""What the formats of tracers share: spans put together by their trace, and failures that stand beside the messages."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from explib.trajectories.values import as_text, first

_CALL_IDS = ("tool_call_id", "call_id", "id", "tool_use_id")


def with_failures(messages: Iterable[object], call_ids: Collection[str], words: Collection[str]) -> list[object]:
    """The messages with the results marked that answer one of these calls, or have the words of a failure."""
    return [_marked(message, call_ids, words) for message in messages] if call_ids or words else list(messages)


def _marked(message: object, call_ids: Collection[str], words: Collection[str]) -> object:
    if not isinstance(message, Mapping):
        return message
    parts = message.get("parts")
    if isinstance(parts, list):
        return {**message, "parts": [_marked(part, call_ids, words) for part in parts]}
    is_result = message.get("role") in ("tool", "function") or str(message.get("type")).endswith(("response", "tool"))
    failed = is_result and (
        as_text(first(message, _CALL_IDS)) in call_ids or as_text(first(message, ("content", "response"))) in words
    )
    return {**message, "is_error": True} if failed else message
