"""Sessions of opencode: what `opencode export` prints, and its storage of three levels of files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from explib_server.importers.paths import lookup, objects, text_at
from explib_server.importers.per_document import Document
from explib_server.importers.records import BadRecord, Draft
from explib_server.importers.sessions.turns import Session, Turns, drafts
from explib_server.importers.sources import Source, read_json


@dataclass(frozen=True, slots=True)
class OpenCode:
    """Reads the parts of each message; what the program added to the person's words is left out."""

    name: str = "opencode"

    def recognises(self, source: Source) -> bool:
        """Tell an export by its messages, a file of the storage by its ids."""
        return any(isinstance(document, Mapping) and (_is_export(document) or _is_stored(document))
                   for document in source.head)  # fmt: skip

    def read(self, source: Source) -> Iterator[Draft | BadRecord]:
        """The turns of the session; the storage's files of messages and parts are read with their session."""
        for _, document in source.documents():
            if isinstance(document, BadRecord):
                yield document
            elif isinstance(document, Mapping) and _is_export(document):
                yield from _session(document.get("info"), objects(document.get("messages")), source)
            elif isinstance(document, Mapping) and "directory" in document:
                yield from _session(document, list(_stored_messages(document, source)), source)


def _is_export(document: Document) -> bool:
    messages = objects(document.get("messages"))
    return "info" in document and bool(messages) and "parts" in messages[0] and "info" in messages[0]


def _is_stored(document: Document) -> bool:
    return "id" in document and ("sessionID" in document or ("projectID" in document and "directory" in document))


def _stored_messages(session: Document, source: Source) -> Iterator[Document]:
    storage = source.path.parents[2]
    for path in sorted((storage / "message" / str(session["id"])).glob("*.json")):
        info = read_json(path)
        if isinstance(info, Mapping):
            parts = [read_json(part) for part in (storage / "part" / str(info.get("id"))).glob("*.json")]
            yield {"info": info, "parts": sorted(objects(parts), key=_part_order)}


def _part_order(part: Document) -> tuple[int, str]:
    """Ids grow with time; as numbers where they are numbered."""
    identity = str(part.get("id"))
    return len(identity), identity


def _session(info: object, messages: list[Document], source: Source) -> Iterator[Draft]:
    turns = Turns()
    for message in messages:
        said, parts = message.get("info"), objects(message.get("parts"))
        if lookup(said, "role") == "user":
            words = [part for part in parts if part.get("type") in ("text", "file") and not part.get("synthetic")]
            if words:
                turns.ask(words, lookup(said, "id"))
        elif lookup(said, "role") == "assistant":
            content = [converted for part in parts if (converted := _part(part)) is not None]
            turns.add({"role": "assistant", "content": content}, model=lookup(said, "modelID"))
    session = info if isinstance(info, Mapping) else {}
    identity = str(session.get("id") or source.place)
    yield from drafts(Session("opencode", identity, source.name, text_at(session, "directory")), turns.turns)


def _part(part: Document) -> Mapping[str, object] | None:
    """A part as the parser knows it: a tool's with its result, as pages of the Vercel AI SDK keep them."""
    declared = part.get("type")
    if declared in ("text", "reasoning", "step-start", "file"):
        return part
    if declared != "tool":
        return None
    state = part.get("state")
    state = state if isinstance(state, Mapping) else {}
    failed = state.get("status") == "error" or lookup(state, "metadata.exit") not in (None, 0)
    output = state.get("error") if state.get("status") == "error" else state.get("output")
    call = {"type": "dynamic-tool", "toolCallId": part.get("callID"), "toolName": part.get("tool")}
    done = {"output": output or "", "is_error": failed} if state.get("status") in ("completed", "error") else {}
    return {**call, "input": state.get("input"), "state": "output-error" if failed else "input-available", **done}


FORMAT = OpenCode()
