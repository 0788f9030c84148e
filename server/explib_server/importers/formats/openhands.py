"""Runs of OpenHands: evaluations (`output.jsonl`), the resolver's output, conversations as lists or files of events."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from explib_server.importers.formats.openhands_events import (
    first_of,
    is_event,
    messages_of_events,
    model_of_events,
)
from explib_server.importers.paths import as_field, objects, text_at
from explib_server.importers.per_document import Document, PerDocument
from explib_server.importers.records import BadRecord, Draft
from explib_server.importers.sources import Source, read_json

_HISTORIES = ("history", "trajectory", "events", "messages")
_VERDICTS = ("report.resolved", "resolved", "score", "reward", "success", "passed", "result")
"""Where the evaluations of the various benchmarks say in `test_result` how it went."""
_ID = re.compile(r"[0-9a-f-]{16,}")
"""A name that no two conversations share."""
_STATE = "../base_state.json"
"""What the agent SDK keeps of a conversation beside its folder of events."""


@dataclass(frozen=True, slots=True)
class OpenHands:
    """Reads documents with a history of events, and conversations of one event a line or a file."""

    name: str = "openhands"

    def recognises(self, source: Source) -> bool:
        """Tell by the events."""
        return _DOCUMENTS.recognises(source) or any(map(is_event, source.head))

    def read(self, source: Source) -> Iterator[Draft | BadRecord]:
        """Each document, or the whole conversation."""
        if not any(map(is_event, source.head)):
            yield from _DOCUMENTS.read(source)
            return
        documents = list(source.documents() if source.path.parent.name != "events" else _files(source))
        yield from (document for _, document in documents if isinstance(document, BadRecord))
        events, above = objects([document for _, document in documents]), source.path.parent.parent.name
        yield Draft(
            trajectory=messages_of_events(events),
            position=source.name,
            document={"events": events},
            trial=f"openhands:{above}" if source.path.parent.name == "events" and _ID.fullmatch(above) else None,
            agent=_AGENT,
            model=as_field(first_of({"state": source.companion(_STATE)}, "state.agent.llm.model"))
            or model_of_events(events),
            names=(above,),
        )


def _files(source: Source) -> Iterator[tuple[str, object]]:
    """The events of a conversation that has a file for each, in their order."""
    files = sorted(source.path.parent.glob("*.json"), key=_number)
    source.run.claimed.update(path for path in files if path != source.path)
    return ((path.name, read_json(path)) for path in files)


def _number(path: Path) -> tuple[int, str]:
    """The number in a file's name: `event-00012-….json`, `12.json`."""
    number = re.search(r"\d+", path.name)
    return (int(number[0][:18]) if number else 0), path.name


def _events(document: Document) -> list[Document]:
    """The events, of which very old files make pairs."""
    history = next((document[name] for name in _HISTORIES if isinstance(document.get(name), list)), [])
    items = history if isinstance(history, list) else []
    return objects([event for item in items for event in (item if isinstance(item, list) else [item])])


def _is_mine(document: Document, source: Source) -> bool:
    return any(map(is_event, _events(document)[:3]))


def _drafts(document: Document, position: str, source: Source) -> Iterator[Draft]:
    instance = text_at(document, "instance_id") or _issue(document)
    events = _events(document)
    messages = messages_of_events(events)
    asked = text_at(document, "instruction")
    if asked and not any(message.get("role") == "user" for message in messages[:3]):
        messages = [{"role": "user", "content": asked}, *messages]
    remarks = (text_at(document, "error"), text_at(document, "result_explanation"))
    yield Draft(
        trajectory=messages,
        position=position,
        document=document,
        task=asked,
        reward=_verdict(document),
        answer=as_field(first_of(document, "test_result.git_patch", "git_patch")),
        feedback="\n".join(remark for remark in remarks if remark) or None,
        group=f"swe:{instance}" if instance else None,
        agent=text_at(document, "metadata.agent_class") or _AGENT,
        model=text_at(document, "metadata.llm_config.model")
        or text_at(document, "metadata.llm.model")
        or model_of_events(events),
        names=(instance,) if instance else (),
    )


def _verdict(document: Document) -> object:
    """The reward: of the benchmark's test, of the resolver, of a report."""
    tested = document.get("test_result")
    if isinstance(tested, bool):
        return tested
    found = (first_of(document, f"test_result.{name}") for name in _VERDICTS)
    graded = next((value for value in found if isinstance(value, bool | int | float)), None)
    return graded if graded is not None else first_of(document, "success", "report.resolved", "resolved")


def _issue(document: Document) -> str | None:
    issue = document.get("issue")
    if not isinstance(issue, Mapping):
        return None
    return f"{issue.get('owner')}/{issue.get('repo')}#{issue.get('number')}"


_AGENT = "openhands"
_DOCUMENTS = PerDocument("openhands", _is_mine, _drafts)
FORMAT = OpenHands()
