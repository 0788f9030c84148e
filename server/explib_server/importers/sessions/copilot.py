"""Sessions of GitHub Copilot: chats exported from VS Code, and the events of the command line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from explib_server.importers.paths import lookup, objects, text_at
from explib_server.importers.sessions.attempts import Said
from explib_server.importers.sessions.reading import SessionFormat
from explib_server.importers.sessions.turns import Event, Session, Turn, persons_words

_KINDS = ("session", "user", "assistant", "tool")


@dataclass(frozen=True, slots=True)
class Copilot:
    """Reads the turns of both programs. A thumb is no reward: name `vote` with --reward-field to take it as one."""

    agent: str = "copilot"

    def recognises(self, document: Event) -> bool:
        """Tell a chat by its requests, the command line's events by their types."""
        return _is_chat(document) or _is_event(document)

    def take(self, document: Event, session: Session) -> None:
        """Take a chat in, or the next event."""
        if _is_chat(document):
            session.identity = str(document.get("sessionId") or session.identity)
            for request in objects(document.get("requests")):
                session.ask(lookup(request, "message.text") or "", request.get("requestId"), request)
                session.ran_on(request.get("modelId"))
                session.add(request)
                session.end()
        elif _is_event(document):
            _take(str(document["type"]), document, session)

    def said(self, turn: Turn) -> Said:
        """The messages of a turn, and the exit codes of its commands."""
        messages: list[object] = []
        exits: dict[str, int] = {}
        for event in turn.events.values():
            messages.extend(_of_event(event) if _is_event(event) else _answer(event))
            code = lookup(event, "data.shellExecution.exitCode")
            if isinstance(code, int):
                exits[str(lookup(event, "data.toolCallId"))] = code
        return Said(messages, exits)


def _is_chat(document: Event) -> bool:
    return "requests" in document and ("responderUsername" in document or "requesterUsername" in document)


def _is_event(document: Event) -> bool:
    declared = document.get("type")
    return isinstance(declared, str) and "data" in document and declared.partition(".")[0] in (*_KINDS, "abort")


def _answer(request: Event) -> Iterator[Mapping[str, object]]:
    """The rounds of calls with their results, then the words that no round has said."""
    results = lookup(request, "result.metadata.toolCallResults")
    told: set[str] = set()
    for turn in objects(lookup(request, "result.metadata.toolCallRounds")):
        calls = objects(turn.get("toolCalls"))
        told.add(str(turn.get("response") or "").strip())
        if calls or turn.get("response"):
            yield {"role": "assistant", "content": turn.get("response"), "tool_calls": calls}
        for call in calls:
            result = results.get(str(call.get("id"))) if isinstance(results, Mapping) else None
            if isinstance(result, Mapping):
                yield {"role": "tool", "tool_call_id": call.get("id"), "content": result.get("content")}
    said = [
        part.get("value") for part in objects(request.get("response")) if part.get("kind") in (None, "markdownContent")
    ]
    words = [text.strip() for text in said if isinstance(text, str) and text.strip() not in told]
    if words:
        yield {"role": "assistant", "content": "\n".join(words)}


def _take(declared: str, event: Event, session: Session) -> None:
    data = event["data"] if isinstance(event["data"], Mapping) else {}
    if declared in ("session.start", "session.resume"):
        unnamed = session.identity == str(session.path)
        session.identity = str(data.get("sessionId") or (session.path.parent.name if unnamed else session.identity))
        session.folder = session.folder or text_at(data, "context.cwd")
        session.ran_on(data.get("selectedModel"))
    elif declared == "user.message":
        words = persons_words(data.get("content"))
        if words is not None and data.get("delivery") == "steering" and session.turns:  # while the agent works
            session.add(event)
        elif words is not None:
            session.ask(words, event.get("id"))
        session.recall(data.get("transformedContent"))
    elif declared == "assistant.message":
        session.ran_on(data.get("model"))
        session.add(event)
    elif declared == "tool.execution_complete":
        session.add(event)
    elif declared in ("session.interrupted", "abort"):
        session.interrupt()


def _of_event(event: Event) -> Iterator[Mapping[str, object]]:
    data = event["data"] if isinstance(event["data"], Mapping) else {}
    if event["type"] == "assistant.message":
        calls = [{"id": call.get("toolCallId"), **call} for call in objects(data.get("toolRequests"))]
        yield {"role": "assistant", "content": data.get("content"), "tool_calls": calls}
    elif event["type"] == "user.message":
        yield {"role": "user", "content": data.get("content")}
    else:
        failed = data.get("success") is False or lookup(data, "shellExecution.exitCode") not in (None, 0)
        result = lookup(data, "result.content") or data.get("result") or text_at(data, "error.message")
        yield {"role": "tool", "tool_call_id": data.get("toolCallId"), "content": result, "is_error": failed}


FORMAT = SessionFormat("copilot", Copilot())
