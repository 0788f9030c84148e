"""The parts of a message's content, told apart by their shape: words, thoughts, calls, results, media, marks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from explib.errors import InvalidTrajectory
from explib.models.trajectories import Role, ToolCall
from explib.trajectories.calls import arguments, read_call
from explib.trajectories.fragments import Fragment
from explib.trajectories.media import media_mark
from explib.trajectories.results import content_text, read_result
from explib.trajectories.values import as_list, as_text, first, keys_of, kind

BOUNDARY = Fragment("assistant")
"""Between two turns of the model in one message."""

_TEXTS = ("text", "content", "refusal", "input_text", "output_text", "transcript", "value")
_THOUGHTS = ("thinking", "reasoning", "text", "content", "summary", "thought")
_CALL_TYPES = ("tool_use", "tool_call", "tool-call", "function_call", "toolcall", "tooluse")
_RESULT_TYPES = ("tool_result", "tool-result", "tool_call_response", "function_response", "toolresult", "_call_output")
_CALL_KEYS = ("toolUse", "functionCall", "function_call")
_RESULT_KEYS = ("toolResult", "functionResponse", "function_response")
_CODES, _CODE_RESULTS = ("executableCode", "executable_code"), ("codeExecutionResult", "code_execution_result")
_GUARDED = ("guardContent", "citationsContent")
_SILENT = ("citation", "source", "data-", "redacted", "encrypted", "compaction", "container", "cache", "metadata")
"""Beginnings of the types that say nothing of what was done."""


def read_content(content: object, role: Role, where: str) -> list[Fragment]:
    """The steps of one message's content, in order: results are steps of their own.

    Raises InvalidTrajectory, naming the part, for one that is not known.
    """
    return list(_folded(_pieces(content, role, where), role))


def _folded(pieces: Iterable[Fragment], role: Role) -> Iterator[Fragment]:
    own, held = Fragment(role), list[Fragment]()
    for piece in pieces:
        is_result = piece.role == "tool"
        ends = piece is BOUNDARY or (held and not is_result and not piece.calls)
        if ends or (is_result and piece.joins == "no"):
            yield from _closed(own, held)
            own, held = Fragment(role), []
        if is_result:
            held.append(replace(piece, joins="no"))
            if piece.joins == "no":
                yield from held
                held = []
        else:
            own = own.with_more(piece)
    yield from _closed(own, held)


def _closed(own: Fragment, held: list[Fragment]) -> Iterator[Fragment]:
    if own.text or own.thought or own.calls:
        yield own
    yield from held


def _pieces(content: object, role: Role, where: str) -> Iterator[Fragment]:
    for at, part in enumerate(as_list(content)):
        if isinstance(part, Mapping):
            yield from _piece(part, role, f"{where}[{at}]")
        elif part is None or isinstance(part, str | int | float):
            yield Fragment(role, as_text(part))
        else:
            raise InvalidTrajectory(f"{where}[{at}] is {kind(part)}: pass text, or a part with its `type`.")


def _piece(part: Mapping[str, object], role: Role, where: str) -> Iterator[Fragment]:
    declared = str(part.get("type") or part.get("kind") or "").lower()
    if declared.startswith(("step-", "step_")):
        yield BOUNDARY
    elif _is_result(part, declared):
        yield _result(part)
    elif _is_ui_tool(part, declared):
        yield from _ui_tool(part, declared, where)
    elif (code := first(part, _CODES)) is not None:
        yield Fragment("assistant", calls=(ToolCall("code", "code_execution", arguments(code)),))
    elif isinstance(ran := first(part, _CODE_RESULTS), Mapping):
        failed = str(ran.get("outcome", "OUTCOME_OK")) not in ("OUTCOME_OK", "1")
        yield Fragment("tool", as_text(ran.get("output")), answers_call="code", is_error=failed)
    elif isinstance(guarded := first(part, _GUARDED), Mapping):
        yield Fragment(role, content_text(first(guarded, ("text", "content"))))
    elif declared.endswith(_CALL_TYPES) or any(isinstance(part.get(key), Mapping) for key in _CALL_KEYS):
        yield Fragment("assistant", calls=(read_call(part, where),))
    elif _is_thought(part, declared):
        yield Fragment(role, thought=_thought(part))
    elif not declared.startswith(_SILENT) and "cachePoint" not in part:
        yield Fragment(role, _words(part, role, declared, where))


def _is_result(part: Mapping[str, object], declared: str) -> bool:
    return declared.endswith(_RESULT_TYPES) or any(isinstance(part.get(key), Mapping) for key in _RESULT_KEYS)


def _result(part: Mapping[str, object]) -> Fragment:
    inner = first(part, _RESULT_KEYS)
    return read_result(inner if isinstance(inner, Mapping) else part)


def _is_ui_tool(part: Mapping[str, object], declared: str) -> bool:
    return declared == "tool-invocation" or ("state" in part and (
        declared.startswith("tool-") or declared == "dynamic-tool" or "toolName" in part
    ))  # fmt: skip


def _ui_tool(part: Mapping[str, object], declared: str, where: str) -> Iterator[Fragment]:
    """A call with its result in one part, as the Vercel AI SDK keeps them for its pages."""
    inner = part.get("toolInvocation")
    part = inner if declared == "tool-invocation" and isinstance(inner, Mapping) else part
    call = read_call(part if "toolName" in part else {**part, "toolName": declared[len("tool-") :]}, where)
    yield Fragment("assistant", calls=(call,))
    if str(part.get("state")).startswith(("output", "result")) or "output" in part or "errorText" in part:
        result = read_result(part, first(part, ("output", "result")))
        yield replace(result, answers_call=call.id, joins="previous")


def _is_thought(part: Mapping[str, object], declared: str) -> bool:
    named = declared in ("thinking", "reasoning", "thought", "reasoning_content", "summary_text", "reasoning_text")
    return named or part.get("thought") is True or "reasoningContent" in part


def _thought(part: Mapping[str, object]) -> str:
    inner = part.get("reasoningContent")
    inner = inner.get("reasoningText") if isinstance(inner, Mapping) else None
    words = first(inner if isinstance(inner, Mapping) else part, _THOUGHTS)
    return "" if words is True else content_text(words)


def _words(part: Mapping[str, object], role: Role, declared: str, where: str) -> str:
    if not declared or declared in _TEXTS or declared.endswith("text"):
        for key in _TEXTS:
            if isinstance(part.get(key), str):
                return as_text(part[key])
    mark = media_mark(part)
    if mark is not None:
        return mark
    for key in ("text", "refusal"):
        if isinstance(part.get(key), str):
            return as_text(part[key])
    if role == "tool":
        return content_text(part)
    raise InvalidTrajectory(
        f"{where} is no part that is known: it has {keys_of(part)}"
        + (f" and the type {declared[:40]!r}" if declared else "")
        + ". Pass text, thinking, a tool call, a tool result or media, as the common APIs write them."
    )
