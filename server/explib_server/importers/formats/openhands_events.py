"""Events of OpenHands as messages: those of its first generation (action, observation) and of its agent SDK (kind)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeAlias

from explib_server.importers.paths import lookup, objects
from explib_server.importers.per_document import Document

Message: TypeAlias = Mapping[str, object]
_PROGRAMS = ("recall", "system", "agent_state_changed", "change_agent_state", "null", "condensation",
             "condensation_request", "server_ready", "task_tracking_state", "user_rejected")  # fmt: skip
"""Actions and observations of the program itself."""
_NOT_ARGUMENTS = ("thought", "hidden", "is_input", "confirmation_state", "security_risk", "blocking")


def is_event(item: object) -> bool:
    """Tell an event of either generation."""
    if not isinstance(item, Mapping) or "role" in item:
        return False
    acts = isinstance(item.get("action"), str) and isinstance(item.get("args"), Mapping)
    observes = isinstance(item.get("observation"), str) and ("content" in item or "extras" in item)
    return acts or observes or (str(item.get("kind")) in _KINDS or str(item.get("kind")).endswith("Event"))


def messages_of_events(events: Iterable[Document]) -> list[Message]:
    """The conversation: calls of one answer of the model are one message, what the program notes for itself is none."""
    said: list[Message] = []
    last = None
    for event in events:
        response = first_of(event, "llm_response_id", "tool_call_metadata.model_response.id")
        for message in _messages(event):
            if response is not None and response == last and "tool_calls" in said[-1] and "tool_calls" in message:
                calls = [*objects(said[-1]["tool_calls"]), *objects(message.get("tool_calls"))]
                said[-1] = {**said[-1], "tool_calls": calls}
            else:
                said.append(message)
            last = response
    return said


def _messages(event: Document) -> Iterator[Message]:
    kind = event.get("kind")
    if isinstance(kind, str):
        yield from _KINDS.get(kind, _unheard)(event)
        return
    action, observation = event.get("action"), event.get("observation")
    if isinstance(action, str) and (action not in _PROGRAMS or action == "system"):
        yield _action(event, action)
    elif isinstance(observation, str) and observation not in _PROGRAMS:
        yield _observation(event, observation)


def model_of_events(events: Iterable[Document]) -> str | None:
    """The model whose answers the events are, where one says so."""
    named = (lookup(event, "tool_call_metadata.model_response.model") for event in events)
    return next((model for model in named if isinstance(model, str)), None)


def first_of(document: Document, *paths: str) -> object:
    """The first value at these paths."""
    return next((value for path in paths if (value := lookup(document, path)) is not None), None)


def _action(event: Document, action: str) -> Message:
    args = event.get("args")
    args = args if isinstance(args, Mapping) else {}
    if action in ("message", "system", "finish", "think"):
        said = first_of(args, "content", "final_thought", "outputs.content", "thought")
        role = "system" if action == "system" else "user" if event.get("source") == "user" else "assistant"
        return {"role": role, "content": said if isinstance(said, str) and said else event.get("message")}
    call_id = lookup(event, "tool_call_metadata.tool_call_id") or f"event-{event.get('id')}"
    given = {key: value for key, value in args.items() if key not in _NOT_ARGUMENTS and value}
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
    code = first_of(event, "extras.metadata.exit_code", "extras.exit_code")
    failed = observation == "error" or code not in (None, 0, -1) or event.get("success") is False
    return {
        "role": "tool",
        "tool_call_id": lookup(event, "tool_call_metadata.tool_call_id") or f"event-{event.get('cause')}",
        "content": event.get("content") or event.get("message") or "",
        "is_error": failed,
    }


def _unheard(event: Document) -> Iterator[Message]:
    return iter(())


def _spoken(event: Document) -> Iterator[Message]:
    message = event.get("llm_message")
    if isinstance(message, Mapping):
        yield {"role": message.get("role", event.get("source")), "content": message.get("content")}


def _acted(event: Document) -> Iterator[Message]:
    words = {"role": "assistant", "reasoning_content": event.get("reasoning_content"), "content": event.get("thought")}
    given = first_of(event, "tool_call.arguments", "tool_call.function.arguments", "action")
    if event.get("tool_name") == "finish":
        yield words
        yield {"role": "assistant", "content": first_of(event, "action.message", "tool_call.arguments.message")}
        return
    call = {"id": event.get("tool_call_id"), "name": event.get("tool_name"), "arguments": given}
    yield {**words, "tool_calls": [call]}


def _observed(event: Document) -> Iterator[Message]:
    if event.get("tool_name") == "finish":
        return
    said = first_of(event, "observation.content", "observation.output", "observation", "error", "rejection_reason")
    code = first_of(event, "observation.exit_code", "observation.metadata.exit_code")
    failed = event.get("kind") != "ObservationEvent" or lookup(event, "observation.is_error") is True
    failed = failed or code not in (None, 0, -1)
    yield {"role": "tool", "tool_call_id": event.get("tool_call_id"), "content": said, "is_error": failed}


def _told(event: Document) -> Iterator[Message]:
    yield {"role": "system", "content": first_of(event, "system_prompt.text", "system_prompt")}


_KINDS: dict[str, Callable[[Document], Iterator[Message]]] = {
    "MessageEvent": _spoken,
    "ActionEvent": _acted,
    "ObservationEvent": _observed,
    "UserRejectObservation": _observed,
    "AgentErrorEvent": _observed,
    "SystemPromptEvent": _told,
}
"""The events of the agent SDK that are part of the conversation."""
