"""Sessions of Claude Code: `~/.claude/projects/<folder>/<session>.jsonl`, and the lines that `claude -p` prints."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from explib.errors import InvalidInput
from explib_server.importers.paths import lookup, objects
from explib_server.importers.sessions.attempts import Said
from explib_server.importers.sessions.reading import SessionFormat
from explib_server.importers.sessions.turns import Event, Session, Turn, persons_words

_EVENTS = (
    "user", "assistant", "summary", "system", "attachment", "queue-operation", "file-history-snapshot", "progress",
)  # fmt: skip
_EXITED = re.compile(r"(?:Error: )?Exit code (\d+)")
_COMMAND = re.compile(r"<command-name>(/\S+?)</command-name>(?:.*<command-args>(.*?)</command-args>)?", re.DOTALL)
_INTERRUPTED = "[Request interrupted by user"


@dataclass(frozen=True, slots=True)
class ClaudeCode:
    """Reads the person's requests and what the agent did for them; sub-agents have files of their own."""

    agent: str = "claude-code"

    def recognises(self, document: Event) -> bool:
        """Tell by the fields of its events."""
        is_event = document.get("type") in _EVENTS and (
            "sessionId" in document or "leafUuid" in document or "snapshot" in document
        )
        is_printed = "session_id" in document and ("message" in document or document.get("subtype") == "init")
        return is_event or (is_printed and document.get("type") in _EVENTS) or "loglines" in document

    def take(self, document: Event, session: Session) -> None:
        """Take the next line in, or all lines of an exported session."""
        for event in objects(document["loglines"]) if "loglines" in document else (document,):
            _in_order(event, session)

    def said(self, turn: Turn) -> Said:
        """The messages on the branch that leads to the turn's last event, and the exit codes of its commands."""
        messages: list[object] = []
        exits: dict[str, int] = {}
        told: list[object] = []
        last_id: object = None
        for event in _live_branch(list(turn.events.values())):
            message = event.get("message")
            content = message.get("content") if isinstance(message, Mapping) else None
            if event.get("type") == "assistant":
                message_id = lookup(message, "id")
                blocks = list(content) if isinstance(content, list) else [{"type": "text", "text": content}]
                if message_id is not None and message_id == last_id:
                    told.extend(blocks)
                else:
                    told = blocks
                    messages.append({"role": "assistant", "content": told})
                last_id = message_id
            else:
                results = [part for part in objects(content) if part.get("type") == "tool_result"]
                messages.append({"role": "user", "content": results or content})
                exits.update(_exits(results, event.get("toolUseResult") or event.get("tool_use_result")))
                last_id = None
        return Said(messages, exits)


def _in_order(event: Event, session: Session) -> None:
    """Take an event behind the one that it follows, though the answer may be written before the request."""
    if event.get("isSidechain") or event.get("parent_tool_use_id"):
        return
    parent, place = event.get("parentUuid"), event.get("uuid")
    if (
        place is not None
        and parent is not None
        and str(parent) not in session.marks
        and session.hold(event, str(parent))
    ):
        return
    _take(event, session)
    for follower in session.held.pop(str(place), ()):
        _in_order(follower, session)


def _take(event: Event, session: Session) -> None:
    declared, message = event.get("type"), event.get("message")
    session.identity = str(event.get("sessionId") or event.get("session_id") or session.identity)
    session.folder = session.folder or _text(event.get("cwd"))
    if "session_id" in event and declared == "assistant" and not session.turns:
        raise InvalidInput("It holds no request: claude -p prints it only with --replay-user-messages.")
    if declared == "attachment":
        session.recall(json.dumps(event.get("attachment"), ensure_ascii=False))
    elif declared == "assistant" and isinstance(message, Mapping) and not event.get("isApiErrorMessage"):
        session.ran_on(message.get("model"))
        session.add(event)
        if message.get("stop_reason") in ("end_turn", "stop_sequence"):
            session.end()
    elif declared == "user" and isinstance(message, Mapping):
        _hear(event, message.get("content"), session)
    elif declared == "system" and event.get("subtype") == "init":
        session.ran_on(event.get("model"))
    elif declared == "result":
        session.end()
    if event.get("uuid"):
        session.marks[str(event["uuid"])] = session.turns[-1].key if session.turns else ""


def _hear(event: Event, content: object, session: Session) -> None:
    """A line of the user: results of tools, what the client says, or the person's words."""
    texts = [content] if isinstance(content, str) else [part.get("text") for part in objects(content)]
    if not (event.get("isMeta") or event.get("isCompactSummary")):
        _understand(event, content, texts, session)
    for text in texts:
        session.recall(text)


def _understand(event: Event, content: object, texts: Sequence[object], session: Session) -> None:
    """Tell results, an interruption, a command and a request apart."""
    if any(part.get("type") == "tool_result" for part in objects(content)):
        session.add(event)
    elif any(isinstance(text, str) and text.startswith(_INTERRUPTED) for text in texts):
        session.interrupt()
    elif isinstance(content, str) and (command := _COMMAND.search(content)) is not None:
        session.offer(f"{command[1]} {command[2] or ''}".strip(), event.get("promptId") or event.get("uuid"))
    elif (words := persons_words(content)) is not None:
        _ask(event, words, session)


def _ask(event: Event, words: object, session: Session) -> None:
    """A request; where the person went back before asking, what stood there is taken back."""
    before = session.turns[-1] if session.turns else None
    prompt = event.get("promptId")
    if before is not None and prompt is not None and before.key == prompt:
        session.add(event)
        return
    if before is not None and "parentUuid" in event:
        parent = event["parentUuid"] or event.get("logicalParentUuid")
        stands_in = "" if parent is None else session.marks.get(str(parent), before.key)
        before.is_taken_back = stands_in != before.key
    session.ask(words, prompt or event.get("uuid"))


def _live_branch(events: list[Event]) -> Iterator[Event]:
    """The events that lead to the last one, with the results of all calls on the way."""
    order = {str(event["uuid"]): at for at, event in enumerate(events) if event.get("uuid")}
    kept, at = set[int](), len(events) - 1
    while at >= 0:
        kept.add(at)
        before = order.get(str(events[at].get("parentUuid")), at - 1)
        at = before if before < at else at - 1
    messages = {str(message) for place in kept if (message := lookup(events[place], "message.id")) is not None}
    kept.update(place for place, event in enumerate(events) if str(lookup(event, "message.id")) in messages)
    for place, event in enumerate(events):
        if place in kept or (event.get("type") == "user" and order.get(str(event.get("parentUuid"))) in kept):
            yield event


def _exits(results: list[Event], told: object) -> Iterator[tuple[str, int]]:
    """The exit codes of shell commands, which only failed ones tell; of one in the background there is none yet."""
    is_shell = isinstance(told, Mapping) and "stdout" in told and not told.get("backgroundTaskId")
    for result in results:
        content = result.get("content")
        words = content if isinstance(content, str) else next((part.get("text") for part in objects(content)), "")
        exited = _EXITED.match(words) if isinstance(words, str) else None
        if result.get("is_error") and exited:
            yield str(result.get("tool_use_id")), int(exited[1])
        elif is_shell and not result.get("is_error") and not lookup(told, "interrupted"):
            yield str(result.get("tool_use_id")), 0


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


FORMAT = SessionFormat("claude-code", ClaudeCode())
