"""Runs of OpenHands: `output.jsonl` and the resolver's output, whose history is a list of events."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

from explib_server.importers.paths import as_field, lookup, objects, text_at
from explib_server.importers.per_document import Document, PerDocument
from explib_server.importers.records import Draft
from explib_server.importers.sources import Source

Message: TypeAlias = Mapping[str, object]
_PROGRAMS = ("recall", "system", "agent_state_changed", "change_agent_state", "null", "condensation",
             "condensation_request", "server_ready", "task_tracking_state", "user_rejected")  # fmt: skip
"""Actions and observations of the program itself."""


def _is_mine(document: Document, source: Source) -> bool:
    events = _events(document)
    return bool(events) and any(name in events[0] for name in ("action", "observation", "kind")) and (
        "instance_id" in document or "instruction" in document or "issue" in document or "metadata" in document
    )  # fmt: skip


def _events(document: Document) -> list[Document]:
    """The events, of which very old files make pairs."""
    history = document.get("history")
    flat = [event for item in history for event in (item if isinstance(item, list) else [item])] if isinstance(
        history, list
    ) else []  # fmt: skip
    return objects(flat)


def _drafts(document: Document, position: str, source: Source) -> Iterator[Draft]:
    instance = text_at(document, "instance_id") or _issue(document)
    messages = [message for event in _events(document) for message in _messages(event)]
    asked = text_at(document, "instruction")
    if asked and not any(message.get("role") == "user" for message in messages[:3]):
        messages = [{"role": "user", "content": asked}, *messages]
    remarks = (text_at(document, "error"), text_at(document, "result_explanation"))
    yield Draft(
        trajectory=messages,
        position=position,
        document=document,
        task=asked,
        reward=_first(document, "test_result.report.resolved", "success", "report.resolved"),
        answer=_patch(document),
        feedback="\n".join(remark for remark in remarks if remark) or None,
        group=f"swe:{instance}" if instance else None,
        agent=text_at(document, "metadata.agent_class") or "openhands",
        model=text_at(document, "metadata.llm_config.model"),
        names=(instance,) if instance else (),
    )


def _patch(document: Document) -> str | None:
    return as_field(_first(document, "test_result.git_patch", "git_patch"))


def _issue(document: Document) -> str | None:
    issue = document.get("issue")
    if not isinstance(issue, Mapping):
        return None
    return f"{issue.get('owner')}/{issue.get('repo')}#{issue.get('number')}"


def _first(document: Document, *paths: str) -> object:
    return next((value for path in paths if (value := lookup(document, path)) is not None), None)


def _messages(event: Document) -> Iterator[Message]:
    kind = event.get("kind")
    if isinstance(kind, str) and kind in _KINDS:
        yield from _KINDS[kind](event)
        return
    action, observation = event.get("action"), event.get("observation")
    if isinstance(action, str) and (action not in _PROGRAMS or action == "system"):
        yield _action(event, action)
    elif isinstance(observation, str) and observation not in _PROGRAMS:
        yield _observation(event, observation)


def _action(event: Document, action: str) -> Message:
    args = event.get("args")
    args = args if isinstance(args, Mapping) else {}
    if action in ("message", "system", "finish", "think"):
        said = _first(args, "content", "final_thought", "outputs.content", "thought")
        role = "system" if action == "system" else "user" if event.get("source") == "user" else "assistant"
        return {"role": role, "content": said if isinstance(said, str) and said else event.get("message")}
    call_id = lookup(event, "tool_call_metadata.tool_call_id") or f"event-{event.get('id')}"
    given = {key: value for key, value in args.items() if key not in ("thought", "hidden", "is_input") and value}
    call = {
        "id": call_id,
        "name": lookup(event, "tool_call_metadata.function_name") or action,
        "arguments": _true_arguments(event, call_id) or given,
    }
    return {"role": "assistant", "content": args.get("thought") or "", "tool_calls": [call]}


def _true_arguments(event: Document, call_id: object) -> object:
    """The arguments as the model wrote them."""
    calls = objects(lookup(event, "tool_call_metadata.model_response.choices[0].message.tool_calls"))
    return next((lookup(call, "function.arguments") for call in calls if call.get("id") == call_id), None)


def _observation(event: Document, observation: str) -> Message:
    code = _first(event, "extras.metadata.exit_code", "extras.exit_code")
    failed = observation == "error" or code not in (None, 0, -1) or event.get("success") is False
    return {
        "role": "tool",
        "tool_call_id": lookup(event, "tool_call_metadata.tool_call_id") or f"event-{event.get('cause')}",
        "content": event.get("content") or event.get("message") or "",
        "is_error": failed,
    }


def _spoken(event: Document) -> Iterator[Message]:
    message = event.get("llm_message")
    if isinstance(message, Mapping):
        yield {"role": message.get("role", event.get("source")), "content": message.get("content")}


def _acted(event: Document) -> Iterator[Message]:
    given = _first(event, "tool_call.arguments", "tool_call.function.arguments", "action")
    call = {"id": event.get("tool_call_id"), "name": event.get("tool_name"), "arguments": given}
    yield {"role": "assistant", "content": event.get("thought"), "tool_calls": [call]}


def _observed(event: Document) -> Iterator[Message]:
    said = _first(event, "observation.content", "observation.output", "observation", "error")
    failed = event.get("kind") == "AgentErrorEvent" or lookup(event, "observation.is_error") is True
    yield {"role": "tool", "tool_call_id": event.get("tool_call_id"), "content": said, "is_error": failed}


def _told(event: Document) -> Iterator[Message]:
    yield {"role": "system", "content": _first(event, "system_prompt.text", "system_prompt")}


_KINDS: dict[str, Callable[[Document], Iterator[Message]]] = {
    "MessageEvent": _spoken,
    "ActionEvent": _acted,
    "ObservationEvent": _observed,
    "AgentErrorEvent": _observed,
    "SystemPromptEvent": _told,
}
"""The events of the agent SDK."""

FORMAT = PerDocument("openhands", _is_mine, _drafts)
