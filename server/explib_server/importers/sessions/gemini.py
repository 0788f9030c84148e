"""Sessions of Gemini CLI: `~/.gemini/tmp/<project>/chats/session-<time>-<id>.json`, newer ones `.jsonl`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from explib_server.importers.paths import lookup, objects
from explib_server.importers.per_document import Document
from explib_server.importers.records import BadRecord, Draft
from explib_server.importers.sessions.turns import Session, Turns, drafts, persons_words
from explib_server.importers.sources import Source

_EXITED = re.compile(r"Exit Code: (-?[1-9]\d*)")
_HOOKS = re.compile(r"<hook_context>.*?</hook_context>\s*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Gemini:
    """Reads the user's and the model's messages; notes of the program are no steps."""

    name: str = "gemini"

    def recognises(self, source: Source) -> bool:
        """Tell by the session's id and the types of its messages."""
        return any(isinstance(document, Mapping) and _is_session(document) for document in source.head)

    def read(self, source: Source) -> Iterator[Draft | BadRecord]:
        """The turns of the session."""
        identity, project, messages = source.place, None, dict[str, Document]()
        for _, document in source.documents():
            if isinstance(document, BadRecord):
                yield document
            elif isinstance(document, Mapping):
                identity = str(document.get("sessionId") or identity)
                project = document.get("projectHash") or project
                for message in objects(document.get("messages")) or [document]:
                    if message.get("type") in ("user", "gemini", "info"):
                        messages[str(message.get("id"))] = message  # written again when results are known
        turns = Turns()
        for key, message in messages.items():
            _take(turns, message, key)
        session = Session("gemini-cli", identity, source.name, None if project is None else str(project))
        yield from drafts(session, turns.turns)


def _is_session(document: Document) -> bool:
    messages = objects(document.get("messages"))
    is_header = "sessionId" in document and "projectHash" in document
    return is_header or (bool(messages) and all(message.get("type") in ("user", "gemini") for message in messages[:1]))


def _take(turns: Turns, message: Document, key: str) -> None:
    content = message.get("content")
    if message.get("type") == "user":
        words = persons_words(_HOOKS.sub("", content) if isinstance(content, str) else content)
        if words is not None:
            turns.ask(words, key)
    elif message.get("type") == "info":
        if str(content).startswith("Request cancelled"):
            turns.interrupt()
    else:
        calls = objects(message.get("toolCalls"))
        thoughts = [f"{item.get('subject')}: {item.get('description')}" for item in objects(message.get("thoughts"))]
        named = [{"id": call.get("id"), "name": call.get("name"), "arguments": call.get("args")} for call in calls]
        said = {"role": "assistant", "content": content, "thought": "\n".join(thoughts), "tool_calls": named}
        turns.add(said, *(_result(call) for call in calls if call.get("result")), model=message.get("model"))


def _result(call: Document) -> Mapping[str, object]:
    parts = [lookup(part, "functionResponse.response") or part for part in objects(call.get("result"))]
    words = [next((response[name] for name in ("output", "error") if name in response), response) if isinstance(
        response, Mapping) else response for response in parts]  # fmt: skip
    failed = call.get("status") in ("error", "cancelled") or any(_EXITED.search(str(word)) for word in words)
    return {"role": "tool", "tool_call_id": call.get("id"), "content": words, "is_error": failed}


FORMAT = Gemini()
