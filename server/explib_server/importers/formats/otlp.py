"""Spans of OpenTelemetry (OTLP JSON) with the attributes of its GenAI conventions; a trace is an attempt."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from explib.errors import InvalidInput
from explib.trajectories.values import first
from explib_server.importers.formats.otlp_messages import attributes_of, messages_of_span
from explib_server.importers.paths import objects
from explib_server.importers.per_document import Document
from explib_server.importers.records import BadRecord, Draft
from explib_server.importers.sources import Source
from explib_server.importers.traces import with_failures

_RESOURCES = ("resourceSpans", "resource_spans", "batches")
_SCOPES = ("scopeSpans", "scope_spans", "instrumentationLibrarySpans")
_MODELS = ("gen_ai.request.model", "gen_ai.response.model", "llm.model_name", "ai.model.id")
_IDS = ("traceId", "trace_id")
_BEGAN = ("startTimeUnixNano", "start_time_unix_nano")


@dataclass(slots=True)
class _Trace:
    """What an attempt is made of: the last request to a model, the agent's name, failed calls, scores."""

    position: str
    last: dict[str, object] = field(default_factory=dict)
    messages: list[object] = field(default_factory=list)
    began: int = -1
    agent: str | None = None
    failed: set[str] = field(default_factory=set)
    scores: dict[str, object] = field(default_factory=dict)

    def add(self, span: Document) -> None:
        """Take one span of the trace."""
        attributes, when = attributes_of(span), str(first(span, _BEGAN) or 0)
        began = int(when) if when.isdecimal() else 0
        messages = messages_of_span(span, attributes)
        if messages and began >= self.began:
            self.last, self.messages, self.began = attributes, messages, began
        name = attributes.get("gen_ai.agent.name")
        self.agent = str(name) if name and self.agent is None else self.agent
        status = span.get("status")
        is_error = isinstance(status, Mapping) and status.get("code") in (2, "STATUS_CODE_ERROR")
        if is_error and attributes.get("gen_ai.tool.call.id"):
            self.failed.add(str(attributes["gen_ai.tool.call.id"]))
        for event in objects(span.get("events")):
            said = attributes_of(event)
            if event.get("name") == "gen_ai.evaluation.result":
                value = said.get("gen_ai.evaluation.score.value", said.get("gen_ai.evaluation.score.label"))
                self.scores[str(said.get("gen_ai.evaluation.name"))] = value


@dataclass(frozen=True, slots=True)
class Otlp:
    """Reads what OTLP's file exporter writes; the spans of one trace may stand in several lines."""

    name: str = "otlp"

    def recognises(self, source: Source) -> bool:
        """Tell by the field that all such documents have."""
        return any(isinstance(document, Mapping) and first(document, _RESOURCES) for document in source.head)

    def read(self, source: Source) -> Iterator[Draft | BadRecord]:
        """The traces that hold a request to a model, in the order of their first spans."""
        traces: dict[str, _Trace] = {}
        for position, document in source.documents():
            if isinstance(document, BadRecord):
                yield document
                continue
            for span in _spans(document):
                traces.setdefault(str(first(span, _IDS) or position), _Trace(position)).add(span)
        for identity, trace in traces.items():
            if trace.messages:
                yield _draft(identity, trace)
        if not any(trace.messages for trace in traces.values()):
            raise InvalidInput(
                "No span holds the messages of a model: record gen_ai.input.messages and output.messages."
            )


def _spans(document: object) -> Iterator[Document]:
    resources = objects(first(document, _RESOURCES)) if isinstance(document, Mapping) else []
    for resource in resources:
        for scope in objects(first(resource, _SCOPES)):
            yield from objects(scope.get("spans"))


def _draft(identity: str, trace: _Trace) -> Draft:
    model = first(trace.last, _MODELS)
    return Draft(
        trajectory=with_failures(trace.messages, trace.failed, ()),
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
