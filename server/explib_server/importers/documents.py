"""The JSON values of a text, one after the other: lines of JSONL, elements of a list, or one value."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator, Mapping
from typing import IO

from explib.errors import InvalidInput
from explib.trajectories.conversation import is_conversation
from explib_server.importers.records import BadRecord

CHUNK = 1 << 16
"""Characters that are read at a time."""
_PAGES = ("data", "runs", "rows")
"""Fields in which the answers of APIs hold a page of documents."""
_ABOUT_PAGES = {
    "meta", "cursors", "cursor", "next", "next_cursor", "has_more", "object", "total", "page", "pagination", "count",
    "limit", "offset", "first_id", "last_id", "features", "num_rows_total", "num_rows_per_page", "partial",
}  # fmt: skip
"""What else such an answer holds."""
_BLANK = re.compile(r"[\s,]*")
_NOT_UTF8 = re.compile("[\udc80-\udcff]")
_DECODER = json.JSONDecoder()


def documents(text: IO[str], name: str) -> Iterator[tuple[str, object]]:
    """Position and value of each document; what is no JSON gives its BadRecord as the value.

    A list of messages is one document, the answer of an API as many as its page holds. Raises InvalidInput for a text
    that is neither JSON nor JSONL.
    """
    first = _first_line(text)
    text.seek(0)
    if first.startswith("[") and not (first.endswith("\n") and is_conversation(parse(first))):
        yield from _elements(text, name)
    elif first.startswith(("{", "[")) and _is_of_lines(first, text):
        yield from _lines(text, name)
    else:
        for position, value in _whole(text, name):
            yield from _in_pages(position, value)


def _is_of_lines(first: str, text: IO[str]) -> bool:
    """Tell by its first line that a text has a document on each; a damaged first line, by the next one."""
    if not isinstance(parse(first), InvalidInput):
        return True
    following = list(itertools.islice((line for line in text if line.strip()), 2))[1:]
    text.seek(0)
    return any(isinstance(parse(line), Mapping) for line in following)


def parse(text: str) -> object:
    """The value of a JSON text, or an InvalidInput that says why it is none."""
    if not text.isascii() and _NOT_UTF8.search(text):
        return InvalidInput("it is no text in UTF-8")
    try:
        value: object = json.loads(text)
    except RecursionError:
        return InvalidInput("it is nested too deep")
    except ValueError as error:
        return InvalidInput(str(error))
    return value


def _first_line(text: IO[str]) -> str:
    """The first line that says something; of a list no more than a chunk."""
    first = text.readline(CHUNK)
    while first and not first.strip():
        first = text.readline(CHUNK)
    first = first.lstrip()
    return first if first.startswith("[") or first.endswith("\n") else first + text.readline()


def _lines(text: IO[str], name: str) -> Iterator[tuple[str, object]]:
    for number, line in enumerate(text, start=1):
        if line.strip():
            position, value = f"{name}:{number}", parse(line)
            if isinstance(value, InvalidInput):
                yield position, BadRecord(position, f"The line is no JSON: {value}.")
            else:
                yield from _in_pages(position, value)


def _in_pages(position: str, value: object) -> Iterator[tuple[str, object]]:
    """The documents of a page of an API's answer; any other value as it is."""
    page = _page(value) if isinstance(value, Mapping) else None
    if page is None:
        yield position, value
    else:
        yield from ((f"{position}/{at}", item.get("row", item)) for at, item in enumerate(page))


def _page(answer: Mapping[str, object]) -> list[Mapping[str, object]] | None:
    name = next((name for name in _PAGES if name in answer), "")
    items = answer.get(name)
    if not isinstance(items, list) or answer.keys() - {name} - _ABOUT_PAGES:
        return None
    documents = [item for item in items if isinstance(item, Mapping) and "role" not in item]
    return documents if len(documents) == len(items) else None


def _whole(text: IO[str], name: str) -> Iterator[tuple[str, object]]:
    """The only value of a text, or values that follow each other over several lines."""
    content = text.read()
    value = parse(content)
    if not isinstance(value, InvalidInput):
        yield name, value
        return
    at, number = _end_of_blank(content), 0
    while at < len(content) or number == 0:
        try:
            value, at = _DECODER.raw_decode(content, at)
        except (ValueError, RecursionError) as error:
            reason = f"It is neither JSON nor JSONL ({error}): pass a log of a known format."
            if number == 0:
                raise InvalidInput(reason) from error
            yield f"{name}/{number}", BadRecord(f"{name}/{number}", reason)
            return
        if number == 0 and not isinstance(value, Mapping):
            raise InvalidInput("It is neither JSON nor JSONL: pass a log of a known format.")
        yield f"{name}/{number}", value
        at, number = _end_of_blank(content, at), number + 1


def _elements(text: IO[str], name: str) -> Iterator[tuple[str, object]]:
    """The elements of a list, without reading all of it; a list of messages is one document."""
    elements = enumerate(_decoded(text, name))
    begin = [element for _, element in zip(range(2), elements, strict=False)]
    if begin and is_conversation([value for _, value in begin]):
        rest = [value for _, value in elements]
        whole = [value for _, value in begin] + rest
        yield name, next((value for value in whole if isinstance(value, BadRecord)), whole)
        return
    if not begin:
        raise InvalidInput("It holds an empty list: there is nothing to import.")
    yield from ((f"{name}/{at}", value) for at, value in begin)
    yield from ((f"{name}/{at}", value) for at, value in elements)


def _decoded(text: IO[str], name: str) -> Iterator[object]:
    buffer, size = text.read(CHUNK).lstrip().removeprefix("["), CHUNK
    while True:
        buffer = buffer[_end_of_blank(buffer) :]
        if buffer.startswith("]"):
            return
        try:
            value, end = _DECODER.raw_decode(buffer)
            is_complete = end < len(buffer)
        except RecursionError:
            yield BadRecord(name, "An element is nested too deep: what follows it is not read.")
            return
        except ValueError as error:
            is_complete, reason = False, str(error)
        else:
            reason = "the list is not closed"
        if is_complete:
            buffer, size = buffer[end:], CHUNK
            bad = isinstance(value, str) or bool(_NOT_UTF8.search(str(value)))
            yield BadRecord(name, "An element is no text in UTF-8 or no object.") if bad else value
            continue
        more = text.read(size)
        if not more:
            yield BadRecord(name, f"The list breaks off or is damaged ({reason}): what follows is not read.")
            return
        buffer, size = buffer + more, size * 2


def _end_of_blank(buffer: str, at: int = 0) -> int:
    matched = _BLANK.match(buffer, at)
    return matched.end() if matched else at
