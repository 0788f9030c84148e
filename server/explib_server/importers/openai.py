"""Chats in OpenAI shape: `{messages, task?, reward?, group?, answer?, model?, …}` or a bare list of messages."""

from __future__ import annotations

from dataclasses import dataclass

from explib_server.importers.records import FieldNames, Record, chat_record, is_conversation


@dataclass(frozen=True, slots=True)
class OpenAI:
    """Reads OpenAI chats; the task defaults to the first user message."""

    name: str = "openai"

    def recognises(self, document: object) -> bool:
        """Whether it is a list of messages, alone or under `messages`."""
        return is_conversation(document.get("messages") if isinstance(document, dict) else document)

    def record(self, document: object, position: str, fields: FieldNames) -> Record:
        """The attempt of one chat."""
        return chat_record(self.name, document, position, fields)
