"""Sessions of Codex: `~/.codex/sessions/YYYY/MM/DD/rollout-<time>-<id>.jsonl`, before version 0.32 without payloads."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from explib.trajectories.values import loads
from explib_server.importers.paths import lookup, objects
from explib_server.importers.sessions.attempts import Said
from explib_server.importers.sessions.reading import SessionFormat
from explib_server.importers.sessions.turns import Event, Session, Turn, persons_words

_TYPES = ("session_meta", "turn_context", "response_item", "event_msg", "compacted")
_EXITED = re.compile(r"(?:Process exited with code|Exit code:?) (-?\d+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Codex:
    """Reads the items of the model's conversation; what the client tells its pages besides is left out."""

    agent: str = "codex"

    def recognises(self, document: Event) -> bool:
        """Tell by the types of its lines, or by the first line of old files."""
        is_old = "id" in document and "instructions" in document and "timestamp" in document
        return is_old or (document.get("type") in _TYPES and "payload" in document)

    def take(self, document: Event, session: Session) -> None:
        """Take the next line in."""
        declared = document.get("type")
        payload = document.get("payload") if declared in _TYPES else document
        if not isinstance(payload, Mapping):
            return
        if declared == "session_meta" or "instructions" in document:
            session.identity = str(payload.get("id") or session.identity)
            session.folder = _text(payload.get("cwd")) or session.folder
        elif declared == "turn_context":
            session.ran_on(payload.get("model"))
            session.folder = session.folder or _text(payload.get("cwd"))
            session.request_id = _text(payload.get("turn_id")) or session.request_id
        elif declared == "event_msg":
            _hear(payload, session)
        elif declared != "compacted":
            _take(payload, session)

    def said(self, turn: Turn) -> Said:
        """The items of a turn, and the exit codes of its commands."""
        messages = [_result(item) if "output" in item else item for item in turn.events.values()]
        codes = ((str(item.get("call_id")), _exit_code(item)) for item in turn.events.values() if "output" in item)
        return Said(messages, {call_id: code for call_id, code in codes if code is not None})


def _hear(event: Event, session: Session) -> None:
    """What the client tells its pages: where turns begin and end."""
    declared = event.get("type")
    if declared == "task_started":
        session.request_id = _text(event.get("turn_id"))
    elif declared == "turn_aborted":
        session.interrupt()
    elif declared == "task_complete":
        session.end()


def _take(item: Event, session: Session) -> None:
    declared, role = item.get("type"), item.get("role")
    if declared == "message" and role in ("user", "developer"):
        words = persons_words(item.get("content")) if role == "user" else None
        if words is not None:
            _hear_person(words, session)
        for part in objects(item.get("content")):
            session.recall(part.get("text"))
    elif declared == "message" and role == "assistant":
        session.add({"role": "assistant", "content": item.get("content")})
    elif declared == "reasoning" or str(declared).endswith(("_call", "_output")):
        session.add(item)


def _hear_person(words: object, session: Session) -> None:
    last = session.turns[-1] if session.turns else None
    if last is not None and session.request_id is not None and last.key == session.request_id:
        session.add({"role": "user", "content": words})  # said while the agent worked
    else:
        session.ask(words, session.request_id)


def _result(item: Event) -> Event:
    """The output of a call, in old sessions JSON text with the exit code."""
    output = item.get("output")
    parsed = loads(output) if isinstance(output, str) and output.startswith("{") else None
    words = parsed["output"] if isinstance(parsed, Mapping) and "output" in parsed else output
    return {**item, "output": words, "is_error": _exit_code(item) not in (None, 0)}


def _exit_code(item: Event) -> int | None:
    output = item.get("output")
    parsed = loads(output) if isinstance(output, str) and output.startswith("{") else None
    code = lookup(parsed, "metadata.exit_code") if isinstance(parsed, Mapping) else None
    if isinstance(code, int):
        return code
    exited = _EXITED.search(output[:400]) if isinstance(output, str) else None
    return int(exited[1]) if exited else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


FORMAT = SessionFormat("codex", Codex())
