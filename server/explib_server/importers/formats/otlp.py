"""Spans of OpenTelemetry (OTLP JSON) with the attributes of its GenAI conventions; a trace is an attempt."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from explib.errors import InvalidInput
from explib.trajectories.values import loads
from explib_server.importers.paths import objects
from explib_server.importers.per_document import Document
from explib_server.importers.records import BadRecord, Draft
from explib_server.importers.sources import Source
from explib_server.importers.traces import with_failures

_NUMBERED = (
    (re.compile(r"gen_ai\.prompt\.(\d+)\.(role|content)"), re.compile(r"gen_ai\.completion\.(\d+)\.(role|content)")),
    (
        re.compile(r"llm\.input_messages\.(\d+)\.message\.(role|content)"),
        re.compile(r"llm\.output_messages\.(\d+)\.message\.(role|content)"),
    ),
)
"""How older instrumentations number the messages of a request and of its answer, one attribute a field."""


@dataclass(slots=True)
class _Trace:
    """What an attempt is made of: the last request to a model, the agent's name, failed calls, scores."""

    position: str
    last: dict[str, object] = field(default_factory=dict)
    began: int = -1
    agent: str | None = None
    failed: set[str] = field(default_factory=set)
    scores: dict[str, object] = field(default_factory=dict)

    def add(self, span: Document) -> None:
        """Take one span of the trace."""
        attributes = _attributes(span)
        began = int(str(span.get("startTimeUnixNano") or 0)) if str(span.get("startTimeUnixNano") or 0).isdigit() else 0
        if _messages(attributes) and began >= self.began:
            self.last, self.began = attributes, began
        name = attributes.get("gen_ai.agent.name")
        self.agent = str(name) if name and self.agent is None else self.agent
        status = span.get("status")
        is_error = isinstance(status, Mapping) and status.get("code") in (2, "STATUS_CODE_ERROR")
        if is_error and attributes.get("gen_ai.tool.call.id"):
            self.failed.add(str(attributes["gen_ai.tool.call.id"]))
        for event in objects(span.get("events")):
            said = _attributes(event)
            if event.get("name") == "gen_ai.evaluation.result":
                value = said.get("gen_ai.evaluation.score.value", said.get("gen_ai.evaluation.score.label"))
                self.scores[str(said.get("gen_ai.evaluation.name"))] = value


@dataclass(frozen=True, slots=True)
class Otlp:
    """Reads what OTLP's file exporter writes; the spans of one trace may stand in several lines."""

    name: str = "otlp"

    def recognises(self, source: Source) -> bool:
        """Tell by the field that all such documents have."""
        return any(isinstance(document, Mapping) and "resourceSpans" in document for document in source.head)

    def read(self, source: Source) -> Iterator[Draft | BadRecord]:
        """The traces that hold a request to a model, in the order of their first spans."""
        traces: dict[str, _Trace] = {}
        for position, document in source.documents():
            if isinstance(document, BadRecord):
                yield document
                continue
            for span in _spans(document):
                traces.setdefault(str(span.get("traceId")), _Trace(position)).add(span)
        for identity, trace in traces.items():
            if trace.last:
                yield _draft(identity, trace)
        if not any(trace.last for trace in traces.values()):
            raise InvalidInput(
                "No span holds the messages of a model: record gen_ai.input.messages and output.messages."
            )


def _spans(document: object) -> Iterator[Document]:
    resources = objects(document.get("resourceSpans")) if isinstance(document, Mapping) else []
    for resource in resources:
        for scope in objects(resource.get("scopeSpans")):
            yield from objects(scope.get("spans"))


def _attributes(item: Document) -> dict[str, object]:
    found: dict[str, object] = {}
    for attribute in objects(item.get("attributes")):
        value = attribute.get("value")
        found[str(attribute.get("key"))] = next(iter(value.values()), None) if isinstance(value, Mapping) else value
    return found


def _messages(attributes: Document) -> list[object]:
    asked, answered = _list(attributes, "gen_ai.input.messages"), _list(attributes, "gen_ai.output.messages")
    if asked or answered:
        system = _list(attributes, "gen_ai.system_instructions")
        return [*([{"role": "system", "parts": system}] if system else []), *asked, *answered]
    for request, answer in _NUMBERED:
        numbered = [*_numbered(attributes, request), *_numbered(attributes, answer)]
        if numbered:
            return numbered
    return []


def _list(attributes: Document, name: str) -> list[object]:
    value = attributes.get(name)
    parsed = loads(value) if isinstance(value, str) else value
    return parsed if isinstance(parsed, list) else []


def _numbered(attributes: Document, pattern: re.Pattern[str]) -> list[object]:
    messages: dict[int, dict[str, object]] = {}
    for name, value in attributes.items():
        matched = pattern.fullmatch(name)
        if matched:
            messages.setdefault(int(matched[1][:9]), {"role": "assistant"})[matched[2]] = value
    return [messages[number] for number in sorted(messages)]


def _draft(identity: str, trace: _Trace) -> Draft:
    model = trace.last.get("gen_ai.request.model") or trace.last.get("gen_ai.response.model")
    return Draft(
        trajectory=with_failures(_messages(trace.last), trace.failed, ()),
        position=trace.position,
        document={"scores": trace.scores, **trace.last},
        trial=f"otlp:{identity}",
        reward=trace.scores or None,
        reward_at="scores",
        agent=trace.agent,
        model=None if model is None else str(model),
        names=(identity,),
    )


FORMAT = Otlp()
