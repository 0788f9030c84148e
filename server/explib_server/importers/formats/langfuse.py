"""Traces of Langfuse: with their observations (API, download), observations by themselves (blob export), table rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from explib.trajectories.values import first, loads
from explib_server.importers.formats.chat import messages_of
from explib_server.importers.paths import as_field, mapping, objects, submap, text_at
from explib_server.importers.per_document import Document
from explib_server.importers.records import BadRecord, Draft, or_bad
from explib_server.importers.sources import Source
from explib_server.importers.traces import with_failures

_TYPES = ("GENERATION", "SPAN", "EVENT", "AGENT", "TOOL", "CHAIN", "RETRIEVER", "EVALUATOR", "EMBEDDING", "GUARDRAIL")
_TRACE, _PARENT = ("traceId", "trace_id"), ("parentObservationId", "parent_observation_id")
_MODEL = ("model", "providedModelName", "provided_model_name")
_OF_A_TABLE = {
    "bookmarked", "observationCount", "sessionId", "userId", "release", "version", "environment", "latency",
    "totalCost", "htmlPath", "public", "createdAt",
}  # fmt: skip
"""Columns of exported tables of traces."""


@dataclass(slots=True)
class _Trace:
    """What an attempt is made of: the last generation, whose input and output are the whole conversation."""

    position: str
    head: Document = field(default_factory=dict)
    """The trace itself, else its outermost observation."""
    last: Document = field(default_factory=dict)
    model: str | None = None
    failures: set[str] = field(default_factory=set)
    scores: list[Document] = field(default_factory=list)

    def add(self, observation: Document) -> None:
        """Take one observation."""
        if not first(observation, _PARENT) and not self.head:
            self.head = observation
        is_asked = observation.get("type") == "GENERATION" and observation.get("input") is not None
        if is_asked and _began(observation) >= _began(self.last):
            self.last = observation
            self.model = as_field(first(observation, _MODEL)) or self.model
        if observation.get("level") == "ERROR":
            said = (observation.get(name) for name in ("output", "statusMessage", "status_message"))
            self.failures.update(str(_value(words)) for words in said if words)


@dataclass(frozen=True, slots=True)
class Langfuse:
    """Reads traces; observations of one trace may stand anywhere in a file of them."""

    name: str = "langfuse"

    def recognises(self, source: Source) -> bool:
        """Tell by the fields of traces, observations and scores."""
        return any(
            _is_trace(document) or _is_observation(document) or _is_score(document) or _is_row(document)
            for document in source.head
            if isinstance(document, Mapping)
        )

    def read(self, source: Source) -> Iterator[Draft | BadRecord]:
        """Traces as they come, then those whose observations came by themselves, in the order of the first."""
        traces: dict[str, _Trace] = {}
        for position, document in source.documents():
            if isinstance(document, BadRecord):
                yield document
            elif not isinstance(document, Mapping):
                yield BadRecord(position, f"It is {type(document).__name__} where an object is needed.")
            elif _is_observation(document):
                traces.setdefault(str(first(document, _TRACE)), _Trace(position)).add(document)
            elif not _is_score(document):
                yield or_bad(position, _of_document, document, position)
        scores = _scores_beside(source) if traces else {}
        for identity, trace in traces.items():
            trace.scores = scores.get(identity, [])
            yield or_bad(trace.position, _draft, identity, trace)


def _is_trace(document: Document) -> bool:
    return any("type" in item for item in objects(document.get("observations")))


def _is_observation(document: Document) -> bool:
    return first(document, _TRACE) is not None and str(document.get("type")).upper() in _TYPES


def _is_score(document: Document) -> bool:
    return first(document, _TRACE) is not None and first(document, ("dataType", "data_type")) is not None


def _is_row(document: Document) -> bool:
    told = all(name in document for name in ("id", "timestamp", "input", "output"))
    return told and len(document.keys() & _OF_A_TABLE) > 1


def _of_document(document: Document, position: str) -> Draft:
    """A trace with its observations, or the row of a table: what its agent was asked and answered."""
    told = {**document, **submap(document, "trace")}
    trace = _Trace(position, told, scores=objects(document.get("scores")))
    for observation in objects(document.get("observations")):
        trace.add(observation)
    return _draft(text_at(told, "id"), trace)


def _scores_beside(source: Source) -> dict[str, list[Document]]:
    """The scores by trace that an export to a blob store keeps in another folder."""
    found: dict[str, list[Document]] = {}
    for path in sorted(source.path.parent.parent.glob("scores/*")):
        for _, score in Source(path, path.name, source.run).documents():
            if isinstance(score, Mapping) and _is_score(score):
                found.setdefault(str(first(score, _TRACE)), []).append(score)
    return found


def _draft(identity: str | None, trace: _Trace) -> Draft:
    last = trace.last or trace.head
    asked, answered = _value(mapping(last, "The trace").get("input")), _value(last.get("output"))
    remarks = [text_at(score, "comment") for score in trace.scores]
    messages = [message for message in messages_of(asked) if not _is_tool_definition(message)]
    scores = trace.scores or trace.head.get("scores")
    return Draft(
        trajectory=with_failures([*messages, *_reply(answered)], (), trace.failures),
        position=trace.position,
        document={**trace.head, "scores": scores},
        trial=identity and f"langfuse:{trace.head.get('projectId')}:{identity}",
        reward=scores,
        reward_at="scores",
        feedback="\n".join(remark for remark in remarks if remark) or None,
        model=trace.model,
        names=(identity,) if identity else (),
    )


def _began(observation: Document) -> str:
    return str(first(observation, ("startTime", "start_time")) or "")


def _is_tool_definition(message: object) -> bool:
    """Tell what the callback of LangChain adds to a request: the tools at hand, as if they were messages."""
    content = message.get("content") if isinstance(message, Mapping) and message.get("role") == "tool" else None
    return isinstance(content, Mapping) and content.get("type") == "function" and "function" in content


def _value(value: object) -> object:
    """The value, which exports write as JSON text."""
    parsed = loads(value) if isinstance(value, str) and value.lstrip()[:1] in ("{", "[", '"') else None
    return value if parsed is None else parsed


def _reply(output: object) -> list[object]:
    if output is None:
        return []
    if isinstance(output, str):
        return [{"role": "assistant", "content": output}]
    if isinstance(output, Mapping) and "role" not in output and not ("choices" in output or "output" in output):
        words = output.get("content") or output.get("completion") or output.get("text")
        calls = {"tool_calls": output["tool_calls"]} if output.get("tool_calls") else {}
        return [{"role": "assistant", "content": words if words or calls else as_field(output), **calls}]
    if isinstance(output, Mapping) and "role" not in output:
        return messages_of({"messages": [], **output})
    return output if isinstance(output, list) else [output]


FORMAT = Langfuse()
