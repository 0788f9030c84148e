"""Results of tool calls in every spelling of the common APIs: their words, what they answer, and that they failed."""

from __future__ import annotations

from collections.abc import Mapping

from explib.trajectories.fragments import Fragment, lines
from explib.trajectories.media import media_mark
from explib.trajectories.values import as_list, as_text, first

_ANSWERED = (
    "tool_use_id", "toolUseId", "tool_call_id", "toolCallId", "call_id", "source_call_id", "tool_call_ids", "callID"
)  # fmt: skip
_NAMES = ("name", "toolName", "tool_name", "function")
_BODIES = ("content", "response", "output", "result", "outputs", "observation", "text", "value")
_WORDS = ("output", "result", "content", "text", "value")
_FAILED = frozenset(("error", "failed", "failure", "output-error", "error-text", "error-json", "incomplete", "denied"))


def read_result(result: Mapping[str, object], body: object = None) -> Fragment:
    """The result of a call as a tool's step; `body` where its words stand elsewhere."""
    body = first(result, _BODIES) if body is None else body
    text, failed = _words(body)
    error = first(result, ("error", "errorText"))
    if error is not None and not isinstance(error, bool) and not text:
        text = _error_words(error)
    return Fragment("tool", text, answers_call=answered(result), is_error=failed or is_failed(result))


def answered(result: Mapping[str, object]) -> str | None:
    """The id of the call that is answered, else its tool's name."""
    call_id = first(result, (*_ANSWERED, "id", *_NAMES))
    if isinstance(call_id, list | tuple):
        call_id = call_id[0] if call_id else None
    return None if call_id is None else as_text(call_id)


def is_failed(result: Mapping[str, object]) -> bool:
    """Tell by its fields that a result is an error."""
    status = result.get("status") or result.get("state")
    return (
        bool(result.get("is_error") or result.get("isError") or result.get("error") or result.get("errorText"))
        or (isinstance(status, str) and status.lower() in _FAILED)
        or result.get("success") is False
    )


def content_text(content: object) -> str:
    """The words of any content: of text parts their text, of media a mark, of other values their JSON."""
    return lines(*(_piece(part) for part in as_list(content)))


def _words(body: object) -> tuple[str, bool]:
    """The words of a result, and whether their form says that it failed."""
    if not isinstance(body, Mapping):
        return content_text(body), False
    mark = media_mark(body) if isinstance(body.get("type"), str) else None
    if mark is not None:
        return mark, False
    if isinstance(body.get("type"), str) and "value" in body:  # Vercel: {type: error-text, value}
        return content_text(body["value"]), str(body["type"]) in _FAILED
    if body.get("error") and not set(body) - {"error", "output", "result"}:  # Google: {error}
        return lines(content_text(first(body, ("output", "result"))), _error_words(body["error"])), True
    if len(body) == 1:
        only = first(body, _WORDS)
        if only is not None:
            return content_text(only), False
    if isinstance(body.get("content"), list) and not set(body) - {
        "content", "isError", "is_error", "structuredContent", "_meta", "status"
    }:  # MCP  # fmt: skip
        return content_text(body["content"]), is_failed(body)
    return as_text(body), False


def _error_words(error: object) -> str:
    words = first(error, ("message", "detail", "text")) if isinstance(error, Mapping) else error
    return as_text(error if words is None else words)


def _piece(part: object) -> str:
    if not isinstance(part, Mapping):
        return as_text(part)
    for key in ("text", "content", "value"):
        if isinstance(part.get(key), str) and str(part.get("type", part.get("kind", "text"))).endswith("text"):
            return as_text(part[key])
    mark = media_mark(part)
    if mark is not None:
        return mark
    only = part.get("json") if len(part) == 1 else None
    return as_text({key: part[key] for key in part if not str(key).startswith("encrypted")} if only is None else only)
