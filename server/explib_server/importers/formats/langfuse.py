"""Traces of Langfuse with their observations and scores, as its API and its exports give them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from explib.trajectories.values import loads
from explib_server.importers.formats.chat import messages_of
from explib_server.importers.paths import as_field, objects, text_at
from explib_server.importers.per_document import Document, PerDocument
from explib_server.importers.records import Draft
from explib_server.importers.sources import Source
from explib_server.importers.traces import with_failures


def _is_mine(document: Document, source: Source) -> bool:
    observed = document.get("observations")
    return isinstance(observed, list) and any(isinstance(item, Mapping) and "type" in item for item in observed)


def _drafts(document: Document, position: str, source: Source) -> Iterator[Draft]:
    """One trace: the last generation's input and output are the whole conversation."""
    observed = sorted(objects(document.get("observations")), key=lambda item: str(item.get("startTime")))
    generations = [item for item in observed if item.get("type") == "GENERATION" and item.get("input") is not None]
    last = generations[-1] if generations else document
    asked, answered = _value(last.get("input")), _value(last.get("output"))
    failed = [item for item in observed if item.get("level") == "ERROR"]
    words = {str(_value(item.get(name))) for item in failed for name in ("output", "statusMessage") if item.get(name)}
    remarks = [text_at(score, "comment") for score in objects(document.get("scores"))]
    yield Draft(
        trajectory=with_failures([*messages_of(asked), *_reply(answered)], (), words),
        position=position,
        document=document,
        trial=f"langfuse:{document.get('projectId')}:{document.get('id')}",
        reward=document.get("scores"),
        reward_at="scores",
        feedback="\n".join(remark for remark in remarks if remark) or None,
        model=next((str(item["model"]) for item in reversed(observed) if item.get("model")), None),
        names=(str(document.get("id")),),
    )


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


FORMAT = PerDocument("langfuse", _is_mine, _drafts)
