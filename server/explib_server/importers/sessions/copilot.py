"""Sessions of GitHub Copilot: chats exported from VS Code, and the events of the command line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from explib_server.importers.paths import lookup, objects, text_at
from explib_server.importers.per_document import Document
from explib_server.importers.records import BadRecord, Draft
from explib_server.importers.sessions.turns import Session, Turns, drafts, persons_words
from explib_server.importers.sources import Source

_NAME = "copilot"


@dataclass(frozen=True, slots=True)
class Copilot:
    """Reads the turns of both programs. A thumb is no reward: name `vote` with --reward-field to take it as one."""

    name: str = _NAME

    def recognises(self, source: Source) -> bool:
        """Tell a chat by its requests, the command line's events by their types."""
        return any(isinstance(document, Mapping) and (_is_chat(document) or _is_event(document))
                   for document in source.head)  # fmt: skip

    def read(self, source: Source) -> Iterator[Draft | BadRecord]:
        """The turns of the session."""
        events, folder, identity = Turns(), None, source.path.parent.name
        for _, document in source.documents():
            if isinstance(document, BadRecord):
                yield document
            elif isinstance(document, Mapping) and _is_chat(document):
                yield from _chat(document, source)
            elif isinstance(document, Mapping) and _is_event(document):
                folder = lookup(document, "data.context.cwd") or folder
                _take(events, str(document.get("type")), document)
        yield from drafts(Session(_NAME, identity, source.name, None if folder is None else str(folder)), events.turns)


def _is_chat(document: Document) -> bool:
    return "requests" in document and ("responderUsername" in document or "requesterUsername" in document)


def _is_event(document: Document) -> bool:
    declared = document.get("type")
    return isinstance(declared, str) and "data" in document and declared.partition(".")[0] in (
        "session", "user", "assistant", "tool"
    )  # fmt: skip


def _chat(document: Document, source: Source) -> Iterator[Draft]:
    for number, request in enumerate(objects(document.get("requests")), start=1):
        turns = Turns()
        turns.ask(lookup(request, "message.text") or "", request.get("requestId"))
        turns.add(*_answer(request), model=request.get("modelId"))
        identity = str(document.get("sessionId") or source.place)
        session = Session(_NAME, identity, f"{source.name} request {number}")
        for draft in drafts(session, turns.turns):
            yield Draft(
                trajectory=draft.trajectory,
                position=session.position,
                document=request,
                trial=draft.trial,
                feedback=text_at(request, "result.errorDetails.message"),
                agent=_NAME,
                model=draft.model,
                names=(str(request.get("requestId")),),
            )


def _answer(request: Document) -> Iterator[Mapping[str, object]]:
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


def _take(turns: Turns, declared: str, event: Document) -> None:
    data = event.get("data")
    data = data if isinstance(data, Mapping) else {}
    if declared == "user.message":
        words = persons_words(data.get("content"))
        if words is not None:
            turns.ask(words, event.get("id"))
    elif declared == "assistant.message":
        calls = [{"id": call.get("toolCallId"), **call} for call in objects(data.get("toolRequests"))]
        turns.add({"role": "assistant", "content": data.get("content"), "tool_calls": calls}, model=data.get("model"))
    elif declared == "tool.execution_complete":
        code = lookup(data, "shellExecution.exitCode")
        failed = data.get("success") is False or code not in (None, 0)
        result = lookup(data, "result.content") or data.get("result") or text_at(data, "error.message")
        turns.add({"role": "tool", "tool_call_id": data.get("toolCallId"), "content": result, "is_error": failed})
    elif declared in ("session.interrupted", "abort"):
        turns.interrupt()


FORMAT = Copilot()
