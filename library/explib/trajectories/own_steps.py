"""Steps of other agent loops: a thought, an action, what was observed. Steps of ATIF are among them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from explib.errors import InvalidTrajectory
from explib.models.trajectories import Role, ToolCall
from explib.trajectories.calls import CALL_NAMES, INPUTS, read_call, read_calls
from explib.trajectories.fragments import Fragment, lines
from explib.trajectories.messages import ROLES
from explib.trajectories.parts import read_content
from explib.trajectories.results import content_text, read_result
from explib.trajectories.values import as_list, as_text, first, keys_of

_THOUGHTS = ("thought", "thinking", "reasoning", "reasoning_content")
_WORDS = ("text", "message", "content")
_OBSERVATIONS = ("observation", "tool_output", "tool_result")
_ANSWERS = ("result", "output", "response", "error")
"""Fields that hold a tool's answer only where the step has a call or an action, and else the agent's own words."""


@dataclass(frozen=True, slots=True)
class OwnSteps:
    """Reads a step: the agent's words and calls, then each answer as a tool's step."""

    def reads(self, item: Mapping[str, object]) -> bool:
        """Tell that the item has no role; every such object is tried."""
        return "role" not in item

    def fragments(self, item: Mapping[str, object], where: str) -> Iterator[Fragment]:
        """The step. Raises InvalidTrajectory, with the names of its fields, where none of them is known."""
        source = str(item.get("source", "agent")).lower()
        role = ROLES.get(source) if "source" in item else "assistant"
        calls = tuple(_calls(item, where))
        acts = bool(calls or item.get("action"))
        if role is None or not (calls or any(key in item for key in _known())):
            raise InvalidTrajectory(
                f"{where} is no step that is known: it has {keys_of(item)}. Pass a message (role, content) or a step "
                "(thought, action or tool, observation)."
            )
        yield from _said(item, role, calls, acts=acts, where=where)
        yield from _observed(item, calls, acts=acts)


def _known() -> tuple[str, ...]:
    return (*_THOUGHTS, *_WORDS, *_OBSERVATIONS, *_ANSWERS, "action")


def _said(
    item: Mapping[str, object], role: Role, calls: tuple[ToolCall, ...], *, acts: bool, where: str
) -> Iterator[Fragment]:
    words = [read_content(item[key], role, f"{where}.{key}") for key in _WORDS if item.get(key) is not None]
    said = Fragment(role, thought=lines(*(content_text(item[key]) for key in _THOUGHTS if key in item)))
    for fragment in (fragment for fragments in words for fragment in fragments):
        said = said.with_more(fragment)
    action = item.get("action")
    if isinstance(action, str) and action and not calls:
        said = replace(said, text=lines(said.text, f"action: {as_text(action)}"))
    if not acts:
        said = replace(said, text=lines(said.text, *(content_text(item[key]) for key in _ANSWERS if key in item)))
    said = said.with_more(Fragment(role, calls=calls))
    if said:
        yield said


def _calls(item: Mapping[str, object], where: str) -> Iterator[ToolCall]:
    yield from read_calls(item, where)
    action, given = item.get("action"), any(key in item for key in INPUTS)
    fallback = "call-" + where.rpartition("[")[2].rstrip("]")
    if isinstance(action, Mapping) and first(action, CALL_NAMES) is not None:
        yield read_call(action, f"{where}.action", fallback)
    elif any(key in item for key in ("tool", "tool_name", "function_name")) or (given and (action or "name" in item)):
        named = {"name": action, **item} if isinstance(action, str) else item
        yield read_call(named, where, fallback)


def _observed(item: Mapping[str, object], calls: tuple[ToolCall, ...], *, acts: bool) -> Iterator[Fragment]:
    answers_call = calls[-1].id if calls else None
    for key in (*_OBSERVATIONS, *(_ANSWERS if acts else ())):
        value = item.get(key)
        if value is None or value is False or (key == "error" and value is True):
            continue
        results = value.get("results") if isinstance(value, Mapping) and len(value) == 1 else None
        if isinstance(results, list):
            yield from _results(results, calls)
            continue
        failed = bool(item.get("is_error")) or key == "error" or bool(item.get("error"))
        yield replace(read_result({}, value), answers_call=answers_call, is_error=failed)


def _results(results: list[object], calls: tuple[ToolCall, ...]) -> Iterator[Fragment]:
    """The results of ATIF, each with the id of its call or in the order of the calls."""
    for at, result in enumerate(results):
        read = read_result(result if isinstance(result, Mapping) else {"content": as_list(result)})
        in_order = calls[at].id if at < len(calls) else None
        yield replace(read, answers_call=read.answers_call or in_order)
