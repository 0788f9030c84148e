"""Messages of LangChain in its three written forms: plain, `{type, data}`, and serialised constructors."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from explib.trajectories.fragments import Fragment
from explib.trajectories.messages import Messages
from explib.trajectories.values import as_list

_MESSAGES = Messages()
_CLASSES = re.compile("(Human|AI|System|Tool|Function|Chat)Message(Chunk)?")
_TYPES = ("human", "ai", "system", "tool", "function", "chat")


@dataclass(frozen=True, slots=True)
class LangChain:
    """Reads a message whose type is its role."""

    def reads(self, item: Mapping[str, object]) -> bool:
        """Tell that the item is one of the three forms."""
        return "role" not in item and _plain(item) is not None

    def fragments(self, item: Mapping[str, object], where: str) -> Iterable[Fragment]:
        """The message as one with a role."""
        return _MESSAGES.fragments(_plain(item) or {}, where)


def _plain(item: Mapping[str, object]) -> dict[str, object] | None:
    if "lc" in item and isinstance(item.get("kwargs"), Mapping):
        path = item.get("id")
        name = path[-1] if isinstance(path, list) and path else ""
        return _with_role(str(name), item["kwargs"])
    declared = item.get("type")
    if not isinstance(declared, str):
        return None
    data = item.get("data")
    if isinstance(data, Mapping):
        return _with_role(declared, data)
    return _with_role(declared, item) if "content" in item else None


def _with_role(name: str, body: object) -> dict[str, object] | None:
    matched = _CLASSES.fullmatch(name)
    role = matched[1].lower() if matched else name.lower()
    if role not in _TYPES or not isinstance(body, Mapping):
        return None
    calls = {"tool_calls": calls} if (calls := _calls(body)) else {}
    return {**body, **calls, "role": str(body.get("role", "user")) if role == "chat" else role}


def _calls(body: Mapping[str, object]) -> list[object]:
    """The calls of a message; older versions keep them apart, as they came from the API, newer ones the broken ones."""
    kept = body.get("additional_kwargs")
    told = body.get("tool_calls") or (kept.get("tool_calls") if isinstance(kept, Mapping) else None)
    if not told and isinstance(kept, Mapping) and kept.get("function_call"):
        told = [{"function": kept["function_call"]}]
    return [*as_list(told), *as_list(body.get("invalid_tool_calls"))]
