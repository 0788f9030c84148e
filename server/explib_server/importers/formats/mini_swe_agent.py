"""Runs of mini-swe-agent: one `.traj.json` file for each instance, of versions 1 and 2."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from explib_server.importers.paths import lookup, objects, text_at
from explib_server.importers.per_document import Document, PerDocument
from explib_server.importers.records import Draft
from explib_server.importers.sources import Source

_COMMAND = re.compile(r"```(?:mswea_bash_command|bash)\s*\n(.*?)\n?```", re.DOTALL)
_RETURNED = re.compile(r"\s*<returncode>(-?\d+)</returncode>")


def _is_mine(document: Document, source: Source) -> bool:
    declared = str(document.get("trajectory_format")).startswith("mini-swe-agent")
    is_named = source.path.name.endswith(".traj.json")  # very old files are a bare list of messages
    return "messages" in document and (declared or is_named or lookup(document, "info.mini_version") is not None)


def _drafts(document: Document, position: str, source: Source) -> Iterator[Draft]:
    instance = text_at(document, "instance_id") or source.path.name.partition(".")[0]
    yield Draft(
        trajectory=list(_messages(objects(document.get("messages")))),
        position=position,
        document=document,
        answer=text_at(document, "info.submission"),
        feedback=text_at(document, "info.exit_status"),
        group=f"swe:{instance}",
        agent="mini-swe-agent",
        model=text_at(document, "info.config.model.model_name"),
        names=(instance, source.path.parent.name),
    )


def _messages(messages: list[Document]) -> Iterator[Document]:
    """The messages with the commands of text models as calls, and what they returned as tools' results."""
    asked: str | None = None
    for at, message in enumerate(messages):
        role, content = message.get("role"), message.get("content")
        if message.get("object") == "response":
            yield from objects(message.get("output"))
        elif role == "assistant" and isinstance(content, str) and not message.get("tool_calls"):
            command = _COMMAND.search(content)
            asked = f"command-{at}" if command else None
            call = {"id": asked, "name": "bash", "arguments": {"command": command[1] if command else ""}}
            yield {**message, "tool_calls": [call]} if command else message
        elif role == "user" and asked is not None:
            yield _result({**message, "role": "tool", "tool_call_id": asked})
            asked = None
        elif role != "exit":
            yield _result(message)


def _result(message: Document) -> Mapping[str, object]:
    """The message, marked as an error where its command failed."""
    code = lookup(message, "extra.returncode")
    written = _RETURNED.match(str(message.get("content"))) if code is None and message.get("role") == "tool" else None
    failed = code not in (None, 0) or (written is not None and written[1] != "0")
    return {**message, "is_error": True} if failed else message


FORMAT = PerDocument("mini-swe-agent", _is_mine, _drafts)
