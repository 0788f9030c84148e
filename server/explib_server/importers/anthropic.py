"""Chats in Anthropic shape: `{system?, messages, task?, reward?, …}` with content blocks."""

from __future__ import annotations

from dataclasses import dataclass

from explib_server.importers.records import FieldNames, Record, chat_record, is_conversation

_BLOCKS = ("tool_use", "tool_result", "thinking", "redacted_thinking")


@dataclass(frozen=True, slots=True)
class Anthropic:
    """Reads Anthropic chats; the task defaults to the first user message."""

    name: str = "anthropic"

    def recognises(self, document: object) -> bool:
        """Whether it has a `system` beside its messages, or content blocks that only Anthropic's API has."""
        messages = document.get("messages") if isinstance(document, dict) else document
        if not isinstance(messages, list) or not is_conversation(messages):
            return False
        if isinstance(document, dict) and "system" in document:
            return True
        contents = [message.get("content") for message in messages]
        blocks = [block for content in contents if isinstance(content, list) for block in content]
        return any(isinstance(block, dict) and block.get("type") in _BLOCKS for block in blocks)

    def record(self, document: object, position: str, fields: FieldNames) -> Record:
        """The attempt of one chat, its system prompt as the first step."""
        return chat_record(self.name, document, position, fields)
