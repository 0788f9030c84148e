"""The messages of a request to a model in a span of OpenTelemetry, however its instrumentation writes them down."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from explib.trajectories.values import loads
from explib_server.importers.paths import lookup, objects
from explib_server.importers.per_document import Document

_NUMBERED = (("gen_ai.prompt", "gen_ai.completion"), ("llm.input_messages", "llm.output_messages"))
"""Prefixes under which OpenLLMetry and OpenInference number the messages, one attribute a field."""
_WRAPPERS = ("message", "tool_call", "message_content")
"""Names that OpenInference puts around each element of a list."""
_DETAILS = "gen_ai.client.inference.operation.details"
_EVENT = re.compile(r"gen_ai\.(system|user|assistant|tool)\.message|gen_ai\.choice")


def attributes_of(item: Document) -> dict[str, object]:
    """The attributes of a span or an event by name."""
    return {str(each.get("key")): _value(each.get("value")) for each in objects(item.get("attributes"))}


def messages_of_span(span: Document, attributes: Document) -> list[object]:
    """The request and its answer; none where the span holds no messages."""
    events = [(str(event.get("name")), attributes_of(event)) for event in objects(span.get("events"))]
    attributes = {
        **attributes,
        **{key: value for name, said in events if name == _DETAILS for key, value in said.items()},
    }
    return (
        _of_the_conventions(attributes)
        or _numbered(attributes)
        or _of_vercel(attributes)
        or [message for name, said in events for message in _of_event(name, said)]
    )


def _value(value: object) -> object:
    """A value of OTLP as JSON has it."""
    if not isinstance(value, Mapping):
        return value
    kind, inside = next(iter(value.items()), ("", None))
    if kind == "arrayValue":
        return [_value(each) for each in objects(lookup(inside, "values"))]
    if kind == "kvlistValue":
        return {str(each.get("key")): _value(each.get("value")) for each in objects(lookup(inside, "values"))}
    return inside


def _of_the_conventions(attributes: Document) -> list[object]:
    asked, answered = _list(attributes, "gen_ai.input.messages"), _list(attributes, "gen_ai.output.messages")
    system = _list(attributes, "gen_ai.system_instructions") if asked or answered else []
    return [*([{"role": "system", "parts": system}] if system else []), *asked, *answered]


def _list(attributes: Document, name: str) -> list[object]:
    value = attributes.get(name)
    parsed = loads(value) if isinstance(value, str) else value
    return parsed if isinstance(parsed, list) else []


def _numbered(attributes: Document) -> list[object]:
    for request, answer in _NUMBERED:
        told = [*_nested(attributes, request), *_nested(attributes, answer)]
        if told:
            return [_spoken(message) for message in objects(told)]
    return []


def _nested(attributes: Document, prefix: str) -> list[object]:
    """What stands under a prefix: `prefix.0.role`, `prefix.0.tool_calls.0.name` as a list of objects."""
    tree: dict[str, object] = {}
    for name, value in attributes.items():
        *above, last = name.removeprefix(f"{prefix}.").split(".") if name.startswith(f"{prefix}.") else [""]
        branch = tree
        for step in above:
            below = branch.setdefault(step, {})
            branch = below if isinstance(below, dict) else {}
        branch[last] = value
    tree.pop("", None)
    listed = _listed(tree)
    return listed if isinstance(listed, list) else []


def _listed(value: object) -> object:
    """A tree whose numbered branches are lists, without the names around their elements."""
    if not isinstance(value, Mapping):
        return value
    if value and all(name.isdecimal() for name in value):
        return [_unwrapped(_listed(value[name])) for name in sorted(value, key=lambda name: int(name[:9]))]
    return {name: _listed(inside) for name, inside in value.items()}


def _unwrapped(value: object) -> object:
    only = next(iter(value)) if isinstance(value, Mapping) and len(value) == 1 else None
    return value[only] if isinstance(value, Mapping) and only in _WRAPPERS else value


def _spoken(message: Document) -> Document:
    """A message with a role and words, which older instrumentations leave out where there are none."""
    content = message.get("content", message.get("contents"))
    parsed = loads(content) if isinstance(content, str) and content.startswith("[{") else None
    return {"role": "assistant", **message, "content": content if parsed is None else parsed}


def _of_vercel(attributes: Document) -> list[object]:
    """The attributes of the Vercel AI SDK."""
    asked = _list(attributes, "ai.prompt.messages")
    text = attributes.get("ai.response.text")
    calls = [{**call, "type": "tool-call"} for call in objects(_list(attributes, "ai.response.toolCalls"))]
    words = [{"type": "text", "text": text}] if isinstance(text, str) and text else []
    return [*asked, {"role": "assistant", "content": [*words, *calls]}] if asked and (words or calls) else asked


def _of_event(name: str, said: Document) -> Iterator[Document]:
    """The message that an event of the first conventions is."""
    matched = _EVENT.fullmatch(name)
    if matched is None:
        return
    body = said.get("gen_ai.event.content") or said.get("message") or said
    body = loads(body) if isinstance(body, str) else body
    inner = body.get("message") if isinstance(body, Mapping) and isinstance(body.get("message"), Mapping) else body
    if isinstance(inner, Mapping):
        calls = inner.get("tool_calls")
        parsed = {"tool_calls": loads(calls)} if isinstance(calls, str) else {}
        yield {"role": matched[1] or "assistant", "content": None, **inner, **parsed}
