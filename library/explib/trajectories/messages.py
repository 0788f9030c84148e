"""Messages with a role: OpenAI chat, Anthropic, Google, Bedrock, Vercel, OpenTelemetry, and whatever resembles them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from explib.errors import InvalidTrajectory
from explib.models.trajectories import Role, ToolCall
from explib.trajectories.calls import read_calls
from explib.trajectories.fragments import Fragment, lines
from explib.trajectories.media import media_mark
from explib.trajectories.parts import read_content
from explib.trajectories.results import answered, is_failed, read_result
from explib.trajectories.values import as_text, first, keys_of

ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "agent": "assistant",
    "ai": "assistant",
    "bot": "assistant",
    "chatbot": "assistant",
    "model": "assistant",
    "tool": "tool",
    "function": "tool",
    "ipython": "tool",
    "observation": "tool",
    "toolresult": "tool",
    "tool_result": "tool",
}
"""Every name of a role that is read, in lower case."""
_BODIES = ("content", "parts", "text", "message")
_THOUGHTS = ("reasoning_content", "reasoning", "thinking", "thought")
_OTHER_WORDS = ("refusal", "audio", "tool_calls", "toolCalls", "function_call", "error", "reasoning_details",
                "toolInvocations")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Messages:
    """Reads one message; what is known of it beside its words (model, ids, cost) is no part of them."""

    role_key: str = "role"

    def reads(self, item: Mapping[str, object]) -> bool:
        """Tell that the item has a role."""
        return self.role_key in item

    def fragments(self, item: Mapping[str, object], where: str) -> Iterator[Fragment]:
        """The message with its calls, and each result as a step of its own."""
        named = item[self.role_key]
        role = ROLES.get(str(named).lower())
        if role is None:
            raise InvalidTrajectory(f"{where}.{self.role_key} is {named!r:.40}: pass one of {', '.join(ROLES)}.")
        body = _body(item)
        if body is None and not any(key in item for key in (*_BODIES, *_OTHER_WORDS, *_THOUGHTS)):
            raise InvalidTrajectory(
                f"{where} has {keys_of(item)} and no words that are known: pass `content`, `parts` or `tool_calls`."
            )
        if role == "tool":
            yield from _tool(item, body, where)
        else:
            yield from _spoken(item, role, body, where)


def _body(item: Mapping[str, object]) -> str | None:
    """The field with the words; a page of Vercel's keeps the text alone beside the parts, which hold all."""
    parts = item.get("parts")
    if isinstance(item.get("content"), str) and isinstance(parts, list) and parts:
        return "parts"
    return next((key for key in _BODIES if item.get(key) is not None), None)


def _spoken(item: Mapping[str, object], role: Role, body: str | None, where: str) -> Iterator[Fragment]:
    invoked = [] if body == "parts" else read_content(item.get("toolInvocations"), role, f"{where}.toolInvocations")
    steps = [*invoked, *(read_content(item[body], role, f"{where}.{body}") if body else [])]
    beside = Fragment(role, _beside(item), _thoughts(item, role), tuple(_new_calls(item, where, steps)))
    at = next((at for at in reversed(range(len(steps))) if steps[at].role == role), None)
    if at is None:
        yield from [beside, *steps] if beside else steps
        return
    merged = replace(steps[at].with_more(beside), thought=beside.thought or steps[at].thought)
    yield from (merged if index == at else step for index, step in enumerate(steps))


def _new_calls(item: Mapping[str, object], where: str, steps: Sequence[Fragment]) -> Iterator[ToolCall]:
    known = {call.id for step in steps for call in step.calls}
    return (call for call in read_calls(item, where) if call.id not in known)


def _beside(item: Mapping[str, object]) -> str:
    """Words outside of the content: a refusal, the transcript of an answer in sound."""
    refusal, audio = item.get("refusal"), item.get("audio")
    spoken = media_mark({"type": "audio", **audio}) if isinstance(audio, Mapping) else None
    return lines(refusal if isinstance(refusal, str) else "", spoken or "")


def _thoughts(item: Mapping[str, object], role: Role) -> str:
    words = first(item, _THOUGHTS) if role == "assistant" else None
    return as_text(words) if isinstance(words, str) else ""


def _tool(item: Mapping[str, object], body: str | None, where: str) -> Iterator[Fragment]:
    content = item.get(body) if body else None
    if isinstance(content, list) and any(isinstance(part, Mapping) for part in content):
        steps = read_content(content, "tool", f"{where}.{body}")
        if steps and all(step.answers_call for step in steps):
            yield from steps
            return
    if body is not None and item.get("name") and str(item.get("role")).lower() == "function":
        item = {key: value for key, value in item.items() if key != "id"}
    result = read_result(item, "" if content is None else content)
    if item.get("requestor") == "user":
        yield Fragment("user", f"[result] {result.text}")
    else:
        yield replace(result, answers_call=answered(item), is_error=result.is_error or is_failed(item))
