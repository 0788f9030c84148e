"""What a client tells a hook, in one spelling. Standard library only: a person waits for it.

An event is a plain dictionary, which goes over the service's socket and into the spool as it is: `event`, `client`,
`session`, `transcript`, `cwd`, `at`, and where there are any `library`, `prompt`, `tool`, `arguments`, `spoken`. Of a
client that keeps no transcript it is one itself: with `info` and `messages` it is what `opencode export` prints.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Mapping

NAMES = ("session-start", "prompt", "tool", "turn-end", "session-end", "interrupt")
"""Our words for the moments at which clients call a hook."""
CAPTURING = ("turn-end", "session-end", "interrupt")
"""Moments at which there is something to store."""
MOST_BYTES = 64 * 1024 * 1024
"""Of what a client may write to a hook: a whole session of a client that keeps no transcript is in it."""
MOST_CHARACTERS = 100_000
"""Of a prompt, and of a tool's arguments."""

_SESSION = ("session_id", "sessionId", "conversation_id", "sessionID", "thread_id")
_TRANSCRIPT = ("transcript_path", "transcriptPath")
_FOLDER = ("cwd", "directory", "workspace_roots", "workspaceRoots")
_PROMPT = ("prompt", "initialPrompt", "message")
_TOOL = ("tool_name", "toolName", "tool")
_ARGUMENTS = ("tool_input", "toolInput", "toolArgs", "args", "command")
_EVENT = ("hook_event_name", "hookEventName")


def read_fields(content: bytes) -> dict[str, object]:
    """The object that a client wrote to standard input; empty where it wrote none. Raises ValueError otherwise."""
    if not content.strip():
        return {}
    try:
        fields = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"standard input is not the client's JSON ({error}): nothing of it is taken") from error
    if not isinstance(fields, dict):
        raise ValueError(f"standard input holds {type(fields).__name__} where an object is needed")
    return fields


def event_of(name: str, client: str | None, fields: Mapping[str, object]) -> dict[str, object]:
    """One event in our spelling, from the fields of any client's."""
    event: dict[str, object] = {
        "event": name,
        "client": client_of(client, fields),
        "session": _text(fields, _SESSION),
        "transcript": _text(fields, _TRANSCRIPT),
        "cwd": _text(fields, _FOLDER) or os.getcwd(),  # noqa: PTH109  as text, and cheap
        "at": time.time(),
    }
    messages = fields.get("messages") if name in CAPTURING else None
    optional: dict[str, object] = {
        "prompt": _text(fields, _PROMPT)[:MOST_CHARACTERS] if name in ("session-start", "prompt") else "",
        "tool": _text(fields, _TOOL) if name == "tool" else "",
        "arguments": _arguments(fields) if name == "tool" else "",
        "info": {"id": event["session"], "directory": event["cwd"]} if messages else None,
        "messages": messages,
        "spoken": _text(fields, _EVENT),
    }
    return event | {key: value for key, value in optional.items() if value}


def client_of(named: str | None, fields: Mapping[str, object]) -> str:
    """The client that runs the hook: Cursor and VS Code run the hooks of Claude Code's settings too."""
    if "conversation_id" in fields or "cursor_version" in fields:
        return "cursor"
    if "hookEventName" in fields:
        return "vscode"
    return "".join(char for char in named or "" if char.isalnum() or char in "-_")[:40] or "unknown"


def _text(fields: Mapping[str, object], names: Iterable[str]) -> str:
    """The first text among the fields; of a list its first. Empty without one."""
    for name in names:
        value = fields.get(name)
        value = value[0] if isinstance(value, list) and value else value
        if isinstance(value, str) and value:
            return value
    return ""


def _arguments(fields: Mapping[str, object]) -> str:
    """The arguments of a tool call as text: JSON, or what a client wrote as text itself."""
    given = next((fields[name] for name in _ARGUMENTS if fields.get(name)), "")
    written = given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)
    return written[:MOST_CHARACTERS]
