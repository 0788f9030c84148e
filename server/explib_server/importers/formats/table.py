"""Tables of prompts and responses: rows of CSV, TSV and Parquet, and lines of JSONL."""

from __future__ import annotations

from collections.abc import Iterator

from explib.errors import InvalidInput
from explib.trajectories.conversation import is_conversation
from explib_server.importers.formats.own import names_of
from explib_server.importers.paths import as_field, lookup, text_at
from explib_server.importers.per_document import Document, PerDocument
from explib_server.importers.records import Draft
from explib_server.importers.sources import Source

_PROMPTS = ("prompt", "question", "query", "instruction", "input", "task", "problem", "messages")
_RESPONSES = ("response", "completion", "output", "generation", "prediction", "model_output", "answer")


def _column(document: Document, named: str | None, usual: tuple[str, ...]) -> str | None:
    if named is not None:
        return named if lookup(document, named) is not None else None
    return next((name for name in usual if document.get(name) not in (None, "", [])), None)


def _columns(document: Document, source: Source) -> tuple[str | None, str | None]:
    options = source.run.options
    prompt = _column(document, options.task_field, _PROMPTS)
    return prompt, _column(document, options.response_field, _RESPONSES)


def _is_mine(document: Document, source: Source) -> bool:
    prompt, response = _columns(document, source)
    if prompt is None or response is None:
        return False
    asked = lookup(document, prompt)
    named = source.run.options.response_field is not None
    return isinstance(lookup(document, response), str | int | float) and (
        isinstance(asked, str) or (is_conversation(asked) and (named or response in ("response", "completion")))
    )


def _drafts(document: Document, position: str, source: Source) -> Iterator[Draft]:
    prompt, response = _columns(document, source)
    if prompt is None or response is None:
        missing, option = ("prompt", "--task-field") if prompt is None else ("response", "--response-field")
        raise InvalidInput(f"The row has no {missing}: name its column with {option}.")
    asked, answered = lookup(document, prompt), lookup(document, response)
    messages = list(asked) if isinstance(asked, list) else [{"role": "user", "content": as_field(asked)}]
    reply = answered if is_conversation(answered) else [{"role": "assistant", "content": as_field(answered)}]
    yield Draft(
        trajectory=[*messages, *(reply if isinstance(reply, list) else ())],
        position=position,
        document=document,
        task=as_field(asked) if isinstance(asked, str) else text_at(document, "task"),
        ground_truth=text_at(document, "ground_truth"),
        feedback=text_at(document, "feedback"),
        group=text_at(document, "group"),
        agent=text_at(document, "agent"),
        model=text_at(document, "model"),
        names=names_of(document),
    )


FORMAT = PerDocument("table", _is_mine, _drafts, is_strict=False)
