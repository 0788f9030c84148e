"""Turns of ShareGPT, AgentGym and LLaMA-Factory: `{from, value}`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from explib.trajectories.fragments import Fragment
from explib.trajectories.messages import Messages
from explib.trajectories.values import loads

_MESSAGES = Messages()
_ROLES = {"gpt": "assistant", "chatgpt": "assistant", "bard": "assistant", "bing": "assistant"}


@dataclass(frozen=True, slots=True)
class ShareGPT:
    """Reads a turn that says whom it is from."""

    def reads(self, item: Mapping[str, object]) -> bool:
        """Tell that the item has a sender and a text."""
        return "from" in item and "value" in item and "role" not in item

    def fragments(self, item: Mapping[str, object], where: str) -> Iterable[Fragment]:
        """The turn as a message with a role; a call is JSON text."""
        sender = str(item["from"]).lower()
        if sender in ("function_call", "tool_call"):
            call = loads(item["value"]) if isinstance(item["value"], str) else item["value"]
            calls = call if isinstance(call, list) else [call]
            return _MESSAGES.fragments({"role": "assistant", "tool_calls": calls}, where)
        named = {"observation": "tool", "tool_response": "tool", **_ROLES}.get(sender, sender)
        return _MESSAGES.fragments({"role": named, "content": item["value"]}, where)
