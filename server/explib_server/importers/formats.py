"""Reading a file of graded attempts, whatever its format.

A file is JSONL (read line by line) or one JSON value (read whole; the elements of a list are its documents). What is
wrong with one document is reported in its place among the records; only a file that cannot be read at all raises.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from explib.errors import InvalidInput
from explib_server.importers.anthropic import Anthropic
from explib_server.importers.explib_jsonl import ExplibLines
from explib_server.importers.openai import OpenAI
from explib_server.importers.records import BadRecord, FieldNames, Format, Record, is_conversation
from explib_server.importers.tau_bench import TauBench

__all__ = ["FORMATS", "BadRecord", "FieldNames", "Format", "Record", "read"]

FORMATS: tuple[Format, ...] = (TauBench(), ExplibLines(), Anthropic(), OpenAI())
"""Every format, in the order in which `auto` asks them."""
MAX_UNKNOWN = 100
"""Documents that `auto` looks at before it gives a file up."""

_JSONL = (".jsonl", ".ndjson")
_NAMES = ", ".join(known.name for known in FORMATS)


def read(path: Path, format_name: str = "auto", fields: FieldNames | None = None) -> Iterator[Record | BadRecord]:
    """The records of a file in their order, each document that cannot be read as a BadRecord in its place.

    Raises InvalidInput for an unknown format name at once, and on iteration for a file that does not exist, is no
    JSON, holds nothing, or in which `auto` knows no document.
    """
    chosen = next((known for known in FORMATS if known.name == format_name), None)
    if chosen is None and format_name != "auto":
        raise InvalidInput(f"There is no format {format_name!r}: pass auto or one of {_NAMES}.")
    return _read(path, chosen, fields or FieldNames())


def _read(path: Path, chosen: Format | None, fields: FieldNames) -> Iterator[Record | BadRecord]:
    recognised, unknown = chosen is not None, 0
    for position, document in _documents(path):
        if isinstance(document, BadRecord):
            unknown += not recognised
            yield document
            continue
        reader = chosen or next((known for known in FORMATS if known.recognises(document)), None)
        recognised = recognised or reader is not None
        if reader is None:
            unknown += 1
            yield BadRecord(position, f"The format is not known: it is none of {_NAMES}.")
        else:
            yield _record(reader, document, position, fields)
        if not recognised and unknown >= MAX_UNKNOWN:
            break
    if not recognised:
        raise InvalidInput(f"{path} has no known format: pass a file of {_NAMES}, or name one with --format.")


def _record(reader: Format, document: object, position: str, fields: FieldNames) -> Record | BadRecord:
    try:
        return reader.record(document, position, fields)
    except InvalidInput as error:
        return BadRecord(position, str(error))
    except RecursionError:
        return BadRecord(position, "It is nested too deep: pass the messages or steps as they were.")


def _documents(path: Path) -> Iterator[tuple[str, object]]:
    """Position and value of each document; a line that is no JSON gives its BadRecord as the value."""
    try:
        if path.suffix.lower() in _JSONL or _starts_with_object_line(path):
            yield from _lines(path)
        else:
            yield from _elements(path)
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read ({error.strerror}): check the path and its permissions.") from error


def _starts_with_object_line(path: Path) -> bool:
    with path.open("rb") as file:
        first = next((line for line in file if line.strip()), b"")
    try:
        return first.lstrip(b"\xef\xbb\xbf").lstrip().startswith(b"{") and isinstance(_parse(first), dict)
    except ValueError:
        return False


def _lines(path: Path) -> Iterator[tuple[str, object]]:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            position = f"{path.name}:{number}"
            try:
                yield position, _parse(line)
            except ValueError as error:
                yield position, BadRecord(position, f"The line is no JSON: {error}.")


def _elements(path: Path) -> Iterator[tuple[str, object]]:
    try:
        document = _parse(path.read_bytes())
    except ValueError as error:
        raise InvalidInput(f"{path} is neither JSON nor JSONL ({error}): pass a file of {_NAMES}.") from error
    if isinstance(document, list) and not is_conversation(document):
        yield from ((f"{path.name}/{index}", element) for index, element in enumerate(document))
    else:
        yield path.name, document


def _parse(data: bytes) -> object:
    """The value of JSON bytes, with or without a byte order mark. Raises ValueError, also for too deep nesting."""
    try:
        value: object = json.loads(data.decode("utf-8-sig"))
    except RecursionError:
        raise ValueError("it is nested too deep") from None
    return value
