"""Sessions of opencode: what `opencode export` prints, its database, and its older storage of three levels of files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from explib_server.importers.paths import lookup, objects, submap, text_at
from explib_server.importers.sessions.attempts import Said
from explib_server.importers.sessions.reading import SessionFormat
from explib_server.importers.sessions.turns import Event, Session, Turn
from explib_server.importers.sources import read_json


@dataclass(frozen=True, slots=True)
class OpenCode:
    """Reads the parts of each message; what the program added to the person's words is left out."""

    agent: str = "opencode"

    def recognises(self, document: Event) -> bool:
        """Tell an export by its messages, a file of the storage by its ids."""
        is_stored = "id" in document and (
            "sessionID" in document or ("projectID" in document and "directory" in document)
        )
        return _is_export(document) or is_stored

    def take(self, document: Event, session: Session) -> None:
        """Take a session in; the storage's files of messages and parts are read with their session."""
        if _is_export(document):
            info, messages = submap(document, "info"), iter(objects(document.get("messages")))
        elif "directory" in document:
            info, messages = document, _stored_messages(document, session.path)
        else:
            return
        if info.get("parentID"):  # a sub-agent's
            return
        session.identity = str(info.get("id") or session.identity)
        session.folder = text_at(info, "directory")
        for message in messages:
            _take(message, session)

    def said(self, turn: Turn) -> Said:
        """The messages of a turn, and the exit codes of its commands."""
        messages: list[object] = []
        exits: dict[str, int] = {}
        for message in turn.events.values():
            parts = objects(message.get("parts"))
            content = [converted for part in parts if (converted := _part(part)) is not None]
            messages.append({"role": "assistant", "content": content})
            codes = ((str(part.get("callID")), lookup(part, "state.metadata.exit")) for part in parts)
            exits.update((call_id, code) for call_id, code in codes if isinstance(code, int))
        return Said(messages, exits)


def _is_export(document: Event) -> bool:
    messages = objects(document.get("messages"))
    return "info" in document and bool(messages) and "parts" in messages[0] and "info" in messages[0]


def _stored_messages(session: Event, path: Path) -> Iterator[Event]:
    storage = path.parent.parent.parent
    for stored in sorted((storage / "message" / str(session["id"])).glob("*.json")):
        info = read_json(stored)
        if isinstance(info, Mapping):
            parts = [read_json(part) for part in (storage / "part" / str(info.get("id"))).glob("*.json")]
            yield {"info": info, "parts": sorted(objects(parts), key=_part_order)}


def _part_order(part: Event) -> tuple[int, str]:
    """Ids grow with time; as numbers where they are numbered."""
    identity = str(part.get("id"))
    return len(identity), identity


def _take(message: Event, session: Session) -> None:
    said, parts = message.get("info"), objects(message.get("parts"))
    session.at(lookup(said, "time.completed") or lookup(said, "time.created"))
    if lookup(said, "role") == "user":
        told = (part for part in parts if part.get("type") in ("text", "file") and not part.get("synthetic"))
        words = [_unquoted(part) for part in told]
        if words:
            session.ask(words, lookup(said, "id"))
        for part in parts:
            session.recall(part.get("text"))
    elif lookup(said, "role") == "assistant":
        session.ran_on(lookup(said, "modelID"))
        session.add(message)
        if lookup(said, "error.name") == "MessageAbortedError":
            session.interrupt()
        elif lookup(said, "finish") == "stop":
            session.end()


def _unquoted(part: Event) -> Event:
    """The words without the quotes that `opencode run` puts around them."""
    text = part.get("text")
    if not isinstance(text, str) or len(text) < 2 or not (text[0] == text[-1] == '"'):
        return part
    return {**part, "text": text[1:-1].replace('\\"', '"')}


def _part(part: Event) -> Mapping[str, object] | None:
    """A part as the parser knows it: a tool's with its result, as pages of the Vercel AI SDK keep them."""
    declared = part.get("type")
    if declared in ("text", "reasoning", "step-start", "file"):
        return part
    if declared != "tool":
        return None
    state = submap(part, "state")
    failed = state.get("status") == "error" or lookup(state, "metadata.exit") not in (None, 0)
    output = state.get("error") if state.get("status") == "error" else state.get("output")
    call = {"type": "dynamic-tool", "toolCallId": part.get("callID"), "toolName": part.get("tool")}
    done = {"output": output or "", "is_error": failed} if state.get("status") in ("completed", "error") else {}
    return {**call, "input": state.get("input"), "state": "output-error" if failed else "input-available", **done}


FORMAT = SessionFormat("opencode", OpenCode())
