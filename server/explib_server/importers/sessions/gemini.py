"""Sessions of Gemini CLI: `~/.gemini/tmp/<project>/chats/session-<time>-<id>.json`, newer ones `.jsonl`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from explib_server.importers.paths import lookup, objects
from explib_server.importers.sessions.attempts import Said
from explib_server.importers.sessions.reading import SessionFormat
from explib_server.importers.sessions.turns import Event, Session, Turn, persons_words

_EXITED = re.compile(r"Exit Code: (-?\d+)")
_HOOKS = re.compile(r"<hook_context>.*?</hook_context>\s*", re.DOTALL)
_SHELLS = ("run_shell_command",)


@dataclass(frozen=True, slots=True)
class Gemini:
    """Reads the user's and the model's messages; notes of the program are no steps."""

    agent: str = "gemini-cli"

    def recognises(self, document: Event) -> bool:
        """Tell by the session's id and the types of its messages."""
        messages = objects(document.get("messages"))
        is_header = "sessionId" in document and "projectHash" in document
        return is_header or (
            bool(messages) and all(message.get("type") in ("user", "gemini") for message in messages[:1])
        )

    def take(self, document: Event, session: Session) -> None:
        """Take the next line in, or a whole session."""
        session.identity = str(document.get("sessionId") or session.identity)
        session.folder = session.folder or _project(session.path) or _text(document.get("projectHash"))
        for message in objects(document.get("messages")) or [document]:
            _take(message, session)

    def said(self, turn: Turn) -> Said:
        """The messages of a turn, and the exit codes of its commands."""
        messages: list[object] = []
        exits: dict[str, int] = {}
        for message in turn.events.values():
            messages.extend(_messages(message))
            exits.update(_exits(message))
        return Said(messages, exits)


def _take(message: Event, session: Session) -> None:
    content, key = message.get("content"), message.get("id")
    session.at(message.get("timestamp"))
    if "$rewindTo" in message:  # the person went back to before this request
        session.take_back(str(message["$rewindTo"]))
    elif message.get("type") == "user":
        texts = [content] if isinstance(content, str) else [part.get("text") for part in objects(content)]
        words = persons_words(_without_hooks(content))
        if words is not None and not any(turn.key == str(key) for turn in session.turns):
            session.ask(words, key)
        for text in texts:
            session.recall(text)
    elif message.get("type") == "info":
        if str(content).startswith("Request cancelled"):
            session.interrupt()
    elif message.get("type") == "gemini":
        session.ran_on(message.get("model"))
        session.add(message, key)  # written again when results are known


def _without_hooks(content: object) -> object:
    """The content without what hooks have added to the person's words."""
    if isinstance(content, str):
        return _HOOKS.sub("", content)
    if not isinstance(content, list):
        return content
    return [
        {**part, "text": _HOOKS.sub("", part["text"])}
        if isinstance(part, Mapping) and isinstance(part.get("text"), str)
        else part
        for part in content
    ]


def _messages(message: Event) -> Iterator[Mapping[str, object]]:
    calls = objects(message.get("toolCalls"))
    thoughts = [f"{item.get('subject')}: {item.get('description')}" for item in objects(message.get("thoughts"))]
    named = [{"id": call.get("id"), "name": call.get("name"), "arguments": call.get("args")} for call in calls]
    content = message.get("content")
    yield {"role": "assistant", "content": content, "thought": "\n".join(thoughts), "tool_calls": named}
    for call in calls:
        if call.get("result"):
            words = list(_words(call))
            failed = call.get("status") in ("error", "cancelled") or _exit_code(words) not in (None, 0)
            yield {"role": "tool", "tool_call_id": call.get("id"), "content": words, "is_error": failed}


def _words(call: Event) -> Iterator[object]:
    for part in objects(call.get("result")):
        response = lookup(part, "functionResponse.response") or part
        named = [name for name in ("output", "error") if isinstance(response, Mapping) and name in response]
        yield response[named[0]] if isinstance(response, Mapping) and named else response


def _exits(message: Event) -> Iterator[tuple[str, int]]:
    """The exit codes of shell commands; one that ended well tells none."""
    for call in objects(message.get("toolCalls")):
        if call.get("name") in _SHELLS and call.get("status") == "success" and call.get("result"):
            yield str(call.get("id")), _exit_code(list(_words(call))) or 0


def _exit_code(words: list[object]) -> int | None:
    found = (_EXITED.search(str(word)) for word in words)
    return next((int(exited[1]) for exited in found if exited), None)


def _project(path: Path) -> str | None:
    """The folder of the project whose sessions lie here; older versions tell only its hash."""
    try:
        return (path.parents[1] / ".project_root").read_text(encoding="utf-8").strip() or None
    except (OSError, ValueError, IndexError):
        return None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


FORMAT = SessionFormat("gemini", Gemini())
