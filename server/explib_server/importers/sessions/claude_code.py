"""Sessions of Claude Code: `~/.claude/projects/<folder>/<session>.jsonl`, one event a line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from explib_server.importers.paths import objects
from explib_server.importers.per_document import Document
from explib_server.importers.records import BadRecord, Draft
from explib_server.importers.sessions.turns import Session, Turns, drafts, persons_words
from explib_server.importers.sources import Source

_EVENTS = (
    "user",
    "assistant",
    "summary",
    "system",
    "attachment",
    "queue-operation",
    "file-history-snapshot",
    "progress",
)


@dataclass(frozen=True, slots=True)
class ClaudeCode:
    """Reads the live branch of a session; files of sub-agents hold no request of a person."""

    name: str = "claude-code"

    def recognises(self, source: Source) -> bool:
        """Tell by the fields of its events."""
        return any(isinstance(line, Mapping) and (_is_event(line) or "loglines" in line) for line in source.head)

    def read(self, source: Source) -> Iterator[Draft | BadRecord]:
        """The turns of the session."""
        lines: list[Document] = []
        for _, line in source.documents():
            if isinstance(line, BadRecord):
                yield line
            elif isinstance(line, Mapping):
                lines.extend(objects(line["loglines"]) if "loglines" in line else [line])
        events = [line for line in _live_branch(lines) if not line.get("isSidechain")]
        folder = next((str(line["cwd"]) for line in events if line.get("cwd")), None)
        identity = next((str(line["sessionId"]) for line in events if line.get("sessionId")), source.place)
        yield from drafts(Session(self.name, identity, source.name, folder), _turns(events).turns)


def _is_event(line: Document) -> bool:
    return line.get("type") in _EVENTS and ("sessionId" in line or "leafUuid" in line or "snapshot" in line)


def _live_branch(lines: list[Document]) -> list[Document]:
    """The events that lead to the last one: what was taken back by a rewind is left out."""
    order = {str(line["uuid"]): at for at, line in enumerate(lines) if line.get("uuid")}
    at = next((at for at in reversed(range(len(lines))) if lines[at].get("type") in ("user", "assistant")), None)
    branch: list[Document] = []
    while at is not None:
        branch.append(lines[at])
        at = _parent(lines, at, order)
    return branch[::-1]


def _parent(lines: list[Document], at: int, order: Mapping[str, int]) -> int | None:
    line = lines[at]
    parent = line.get("parentUuid") or line.get("logicalParentUuid")
    if parent is None and "parentUuid" in line and line.get("type") in ("user", "assistant"):
        return None
    before = order.get(str(parent), at - 1)
    return before if 0 <= before < at else None


def _turns(events: Iterable[Document]) -> Turns:
    turns, last_id = Turns(), None
    for event in events:
        message = event.get("message")
        if event.get("type") not in ("user", "assistant") or not isinstance(message, Mapping):
            continue
        if event.get("type") == "assistant":
            same = message.get("id") is not None and message.get("id") == last_id
            _answer(turns, message, same=same)
            last_id = message.get("id")
        elif not (event.get("isMeta") or event.get("isCompactSummary")):
            _hear(turns, message.get("content"), event.get("promptId") or event.get("uuid"))
    return turns


def _answer(turns: Turns, message: Document, *, same: bool) -> None:
    """One message of the model, whose blocks may stand on several lines."""
    content = message.get("content")
    blocks = list(content) if isinstance(content, list) else [{"type": "text", "text": content}]
    last = turns.turns[-1].messages[-1] if turns.turns else None
    if same and isinstance(last, dict) and isinstance(last.get("content"), list) and last.get("role") == "assistant":
        last["content"].extend(blocks)
        return
    turns.add({"role": "assistant", "content": blocks}, model=message.get("model"))


def _hear(turns: Turns, content: object, key: object) -> None:
    """A line of the user: results of tools, or the person's words."""
    results = [part for part in objects(content) if part.get("type") == "tool_result"]
    if results:
        turns.add({"role": "user", "content": results})
    said = [content] if isinstance(content, str) else [part.get("text") for part in objects(content)]
    if any(isinstance(text, str) and text.startswith("[Request interrupted by user") for text in said):
        turns.interrupt()
    words = None if results else persons_words(content)
    if words is not None:
        turns.ask(words, key)


FORMAT = ClaudeCode()
