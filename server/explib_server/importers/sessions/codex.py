"""Sessions of Codex: `~/.codex/sessions/YYYY/MM/DD/rollout-<time>-<id>.jsonl`, before version 0.32 without payloads."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from explib.trajectories.values import loads
from explib_server.importers.paths import lookup
from explib_server.importers.per_document import Document
from explib_server.importers.records import BadRecord, Draft
from explib_server.importers.sessions.turns import Session, Turns, drafts, persons_words
from explib_server.importers.sources import Source

_TYPES = ("session_meta", "turn_context", "response_item", "event_msg", "compacted")
_EXITED = re.compile(r"(?:Process exited with code|Exit code:?) (-?\d+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Codex:
    """Reads the items of the model's conversation; what the client tells its pages besides is left out."""

    name: str = "codex"

    def recognises(self, source: Source) -> bool:
        """Tell by the types of its lines, or by the first line of old files."""
        return any(isinstance(line, Mapping) and _is_line(line) for line in source.head)

    def read(self, source: Source) -> Iterator[Draft | BadRecord]:
        """The turns of the session."""
        turns, identity, folder, model = Turns(), source.place, None, None
        for _, line in source.documents():
            if isinstance(line, BadRecord):
                yield line
                continue
            payload = lookup(line, "payload") if lookup(line, "type") in _TYPES else line
            if not isinstance(line, Mapping) or not isinstance(payload, Mapping):
                continue
            if line.get("type") == "session_meta" or "instructions" in line:
                identity, folder = str(payload.get("id") or identity), payload.get("cwd") or folder
            elif line.get("type") == "turn_context":
                model, folder = payload.get("model") or model, payload.get("cwd") or folder
            elif line.get("type") == "event_msg":
                if payload.get("type") == "turn_aborted":
                    turns.interrupt()
            elif line.get("type") != "compacted":
                _take(turns, payload, model)
        session = Session(self.name, identity, source.name, None if folder is None else str(folder))
        yield from drafts(session, turns.turns)


def _is_line(line: Document) -> bool:
    is_old = "id" in line and "instructions" in line and "timestamp" in line
    return is_old or (line.get("type") in _TYPES and "payload" in line)


def _take(turns: Turns, item: Document, model: object) -> None:
    declared = item.get("type")
    if declared == "message" and item.get("role") == "user":
        words = persons_words(item.get("content"))
        if words is not None:
            turns.ask(words)
    elif declared == "message" and item.get("role") == "assistant":
        turns.add({"role": "assistant", "content": item.get("content")}, model=model)
    elif declared != "message" and str(declared).endswith("_output"):
        turns.add(_result(item))
    elif declared == "reasoning" or str(declared).endswith("_call"):
        turns.add(item, model=model)


def _result(item: Document) -> Mapping[str, object]:
    """The output of a call, in old sessions JSON text with the exit code."""
    output = item.get("output")
    parsed = loads(output) if isinstance(output, str) and output.startswith("{") else output
    code = lookup(parsed, "metadata.exit_code") if isinstance(parsed, Mapping) else None
    words = parsed["output"] if isinstance(parsed, Mapping) and "output" in parsed else output
    if code is None and isinstance(words, str):
        exited = _EXITED.search(words[:400])
        code = int(exited[1]) if exited else None
    return {**item, "output": words, "is_error": code not in (None, 0)}


FORMAT = Codex()
