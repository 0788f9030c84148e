"""Runs of LangSmith, one a line; the runs of one trace are one attempt."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from explib_server.importers.formats.chat import messages_of, model_of
from explib_server.importers.paths import as_field, lookup, objects, text_at
from explib_server.importers.per_document import Document
from explib_server.importers.records import BadRecord, Draft, or_bad
from explib_server.importers.sources import Source
from explib_server.importers.tables import cell
from explib_server.importers.traces import with_failures

_WORDS = ("content", "kwargs.content", "data.content")
"""Where the words of a message stand, however LangChain wrote it down."""


@dataclass(slots=True)
class _Trace:
    """What an attempt is made of: the outermost run, the last request to a model, the failures of tools."""

    position: str
    root: Document = field(default_factory=dict)
    last: Document = field(default_factory=dict)
    failures: set[str] = field(default_factory=set)

    def add(self, run: Document) -> None:
        """Take one run of the trace."""
        kind, when = run.get("run_type"), str(run.get("dotted_order") or run.get("start_time"))
        if not run.get("parent_run_id"):
            self.root = run
        if kind == "llm" and when >= str(self.last.get("dotted_order") or self.last.get("start_time") or ""):
            self.last = run
        if kind == "tool" and run.get("error"):
            self.failures.update(
                {str(run["error"]), str(lookup(run, "outputs.output")), str(lookup(run, "outputs.content"))}
            )


@dataclass(frozen=True, slots=True)
class LangSmith:
    """Reads exported runs; those of one trace may stand anywhere in the file."""

    name: str = "langsmith"

    def recognises(self, source: Source) -> bool:
        """Tell by the fields that every run has."""
        return any(isinstance(run, Mapping) and "run_type" in run and "inputs" in run for run in source.head)

    def read(self, source: Source) -> Iterator[Draft | BadRecord]:
        """The traces in the order of their first runs."""
        traces: dict[str, _Trace] = {}
        for position, run in source.documents():
            if isinstance(run, BadRecord):
                yield run
            elif not isinstance(run, Mapping) or "run_type" not in run:
                yield BadRecord(position, "It is no run: it has no run_type.")
            else:
                for each in _with_children({key: cell(value) for key, value in run.items()}):
                    identity = text_at(run, "trace_id") or text_at(run, "id") or position
                    traces.setdefault(identity, _Trace(position)).add(each)
        for identity, trace in traces.items():
            yield or_bad(trace.position, _draft, identity, trace)


def _with_children(run: Document) -> Iterator[Document]:
    """The run and those that are nested in it."""
    yield run
    for child in objects(run.get("child_runs")):
        yield from _with_children(child)


def _draft(identity: str, trace: _Trace) -> Draft:
    run = trace.last or trace.root
    asked, answered = messages_of(run.get("inputs")), _outputs(run.get("outputs"))
    messages = answered if _repeats(answered, asked) else [*asked, *answered]
    root = trace.root or run
    kept = lookup(root, "outputs.messages")
    if isinstance(kept, list) and len(kept) > len(messages):  # the last request was a side agent's
        messages = messages_of(kept)
    return Draft(
        trajectory=with_failures(messages, (), trace.failures),
        position=trace.position,
        document=root,
        trial=f"langsmith:{identity}",
        reward=root.get("feedback_stats"),
        reward_at="feedback_stats",
        feedback=as_field(root.get("error")),
        group=text_at(root, "reference_example_id"),
        agent=text_at(root, "name"),
        model=text_at(run, "extra.metadata.ls_model_name") or model_of(messages),
        names=(identity, str(root.get("id"))),
    )


def _repeats(answered: list[object], asked: list[object]) -> bool:
    """Tell that an answer holds the whole conversation, as graphs that keep their messages answer."""
    words = {as_field(lookup(message, path)) for message in asked[:1] for path in _WORDS} - {None}
    begins = {as_field(lookup(message, path)) for message in answered[:1] for path in _WORDS} - {None}
    return len(answered) > len(asked) and bool(words & begins)


def _outputs(outputs: object) -> list[object]:
    generation = lookup(outputs, "generations")
    while isinstance(generation, list) and generation:
        generation = generation[0]
    if isinstance(generation, Mapping):
        message = generation.get("message")
        return [message] if message else [{"role": "assistant", "content": generation.get("text")}]
    if isinstance(outputs, Mapping) and "role" not in outputs:
        for name in ("messages", "output", "answer", "result", "response"):
            value = outputs.get(name)
            if isinstance(value, str):
                return [{"role": "assistant", "content": value}]
            if isinstance(value, list | Mapping):
                return messages_of(value)
    return messages_of({"messages": [], "output": outputs}) if outputs else []


FORMAT = LangSmith()
