"""Tables of prompts and responses: rows of CSV, TSV and Parquet, and lines of JSONL."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from explib.errors import InvalidInput
from explib.trajectories.conversation import is_conversation
from explib_server.importers.formats.own import draft_of
from explib_server.importers.paths import as_field, lookup, objects, text_at
from explib_server.importers.per_document import Document, PerDocument
from explib_server.importers.records import Draft
from explib_server.importers.sources import Source
from explib_server.importers.tables import SEPARATED, cell

_PROMPTS = ("prompt", "question", "query", "instruction", "input", "task", "problem", "messages")
_RESPONSES = ("response", "completion", "output", "generation", "prediction", "model_output", "answer")
_EXPECTED = ("ground_truth", "expected", "expected_answer", "reference", "target")


def _named(document: Document) -> Document:
    """The row by the usual form of its columns' names, too: `Model Output` is also `model_output`."""
    return {**{name.strip().lower().replace(" ", "_"): value for name, value in document.items()}, **document}


def _column(document: Document, named: str | None, usual: tuple[str, ...]) -> str | None:
    if named is not None:
        return named if lookup(document, named) is not None else None
    return next((name for name in usual if document.get(name) not in (None, "", [])), None)


def _columns(document: Document, source: Source) -> tuple[str | None, str | None]:
    options = source.run.options
    prompt = _column(document, options.task_field, _PROMPTS)
    return prompt, _column(document, options.response_field, tuple(name for name in _RESPONSES if name != prompt))


def _is_mine(document: Document, source: Source) -> bool:
    row = _named(document)
    prompt, response = _columns(row, source)
    if prompt is None or response is None:
        return False
    if source.suffix in SEPARATED:  # whose cells are texts, whatever JSON is in them
        return not _has_conversation(row)
    asked, named = cell(lookup(row, prompt)), source.run.options.response_field is not None
    return isinstance(lookup(row, response), str | int | float) and (
        not isinstance(asked, Mapping | list)
        or (is_conversation(asked) and (named or response in ("response", "completion")))
    )


def _has_conversation(row: Document) -> bool:
    """Tell a row with a whole conversation, which needs no response."""
    return any(message.get("role") == "assistant" for message in objects(row.get("messages")))


def _drafts(document: Document, position: str, source: Source) -> Iterator[Draft]:
    row = _named(document)
    prompt, response = _columns(row, source)
    if prompt is None or response is None:
        missing, option = ("prompt", "--task-field") if prompt is None else ("response", "--response-field")
        raise InvalidInput(f"The row has no {missing}: name its column with {option}.")
    asked = lookup(row, prompt)
    messages = _messages(asked, "user")
    if prompt == "instruction" and text_at(row, "input"):
        messages = [{"role": "user", "content": f"{as_field(asked)}\n\n{text_at(row, 'input')}"}]
    yield replace(
        draft_of(row, [*messages, *_messages(lookup(row, response), "assistant")], position),
        task=as_field(messages[0]["content"]) if len(messages) == 1 else text_at(row, "task"),
        answer=None,
        ground_truth=next((text_at(row, name) for name in _EXPECTED if text_at(row, name)), None),
    )


def _messages(value: object, role: str) -> list[Document]:
    """The messages in a cell: a list of them, one, or a text."""
    parsed = cell(value)
    if is_conversation(parsed):
        return objects(parsed)
    if isinstance(parsed, Mapping) and "role" in parsed:
        return [parsed]
    return [{"role": role, "content": as_field(value)}]


FORMAT = PerDocument("table", _is_mine, _drafts, is_strict=False)
