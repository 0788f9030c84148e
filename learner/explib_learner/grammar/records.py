"""Answers of tools as records: JSON objects and "name: value" lines, flattened into named fields."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from explib.models.json_value import Json

Scalar: TypeAlias = "str | float | bool"
"""A value that predicates compare; whole numbers are floats too."""

MAX_DEPTH = 8
MAX_ROWS = 100
MAX_FIELDS = 60
MAX_TEXT = 20_000
"""Characters of an answer that are looked at for lines of the form "name: value"."""

_LINE = re.compile(r"^[ \t>*|-]*`?([A-Za-z_][\w .-]{0,40}?)`?[ \t]*[:=][ \t]*(\S.{0,200}?)[ \t,;|]*$", re.MULTILINE)
_NUMBER = re.compile(r"[-+]?\d{1,15}(?:\.\d{1,10})?")
_COUNTED = re.compile(
    r"(?:([^\W\d_]{1,30})[ \t]+)?(?<![\w.-])(\d{1,12}(?:\.\d{1,6})?)(?![\w.:/-]*\d)(?:[ \t]+([^\W\d_]{1,30}))?"
)


@dataclass(frozen=True, slots=True)
class Record:
    """One object of an answer: its own fields by path, and those of the objects around it."""

    fields: Mapping[str, Scalar]
    around: Mapping[str, Scalar]
    in_list: bool


@dataclass(frozen=True, slots=True)
class Rows:
    """A list of objects in an answer, with the scalar fields of each by name."""

    path: str
    rows: tuple[Mapping[str, Scalar], ...]


@dataclass(frozen=True, slots=True)
class Parsed:
    """All that is read from one answer."""

    records: tuple[Record, ...]
    lists: tuple[Rows, ...]


def scalar(value: Json) -> Scalar | None:
    """A JSON value as something comparable, None for null, containers and numbers beyond floats."""
    if isinstance(value, bool | str):
        return value
    if isinstance(value, int | float) and abs(value) < 1e300:
        return float(value)
    return None


def json_of(text: str) -> Json:
    """The JSON that a text is, or None where it is none."""
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        value: Json = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value


def parsed(text: str) -> Parsed:
    """The records and lists of an answer, which is JSON or text with lines of the form "name: value"."""
    records: list[Record] = []
    lists: list[Rows] = []
    value = json_of(text)
    if value is None:
        fields = _lines(text[:MAX_TEXT]) or numbers(text[:MAX_TEXT])
        return Parsed((Record(fields, {}, in_list=False),) if fields else (), ())
    _walk(value, "", {}, records, lists, in_list=False)
    return Parsed(tuple(records[: 2 * MAX_ROWS]), tuple(lists))


def flat(value: Mapping[str, Json]) -> dict[str, Scalar]:
    """The scalars of an object by path, and the lengths of its lists as `#path`."""
    return dict(list(_leaves(value, "", 0))[:MAX_FIELDS])


def _leaves(value: Mapping[str, Json], prefix: str, depth: int) -> Iterator[tuple[str, Scalar]]:
    for name, inner in value.items():
        path = f"{prefix}{name}"
        if isinstance(inner, Mapping):
            if depth < MAX_DEPTH:
                yield from _leaves(inner, f"{path}.", depth + 1)
        elif isinstance(inner, list):
            yield f"#{path}", float(len(inner))
        elif (plain := scalar(inner)) is not None:
            yield path, plain


def _walk(
    value: Json, path: str, around: Mapping[str, Scalar], records: list[Record], lists: list[Rows], *, in_list: bool
) -> None:
    if path.count(".") + path.count("[") > MAX_DEPTH:
        return
    if isinstance(value, dict):
        prefix = f"{path}." if path else ""
        fields = {_joined(prefix, name): leaf for name, leaf in flat(value).items()}
        if fields:
            records.append(Record(fields, around, in_list))
        inner_around = {**around, **fields}
        for name, inner in _lists(value, prefix, 0):
            _walk(inner, f"{name}[]", inner_around, records, lists, in_list=True)
    elif isinstance(value, list):
        path = path or "[]"
        rows = [row for row in value[:MAX_ROWS] if isinstance(row, dict)]
        if len(rows) > 1:
            lists.append(Rows(path, tuple(flat(row) for row in rows)))
        for row in rows:
            _walk(row, path, around, records, lists, in_list=True)


def _joined(prefix: str, name: str) -> str:
    return f"#{prefix}{name[1:]}" if name.startswith("#") else f"{prefix}{name}"


def _lists(value: Mapping[str, Json], prefix: str, depth: int) -> Iterator[tuple[str, Json]]:
    for name, inner in value.items():
        if isinstance(inner, list):
            yield f"{prefix}{name}", inner
        elif isinstance(inner, dict) and depth < MAX_DEPTH:
            yield from _lists(inner, f"{prefix}{name}.", depth + 1)


def _lines(text: str) -> dict[str, Scalar]:
    fields: dict[str, Scalar] = {}
    for name, value in _LINE.findall(text)[:MAX_FIELDS]:
        whole = _NUMBER.fullmatch(value)
        fields.setdefault(name.strip(), float(value) if whole else value)
    return fields


def numbers(text: str) -> dict[str, Scalar]:
    """Numbers of a running text by the word behind them, else the one before: "12 boxes" is `boxes` 12."""
    fields: dict[str, Scalar] = {}
    for before, number, behind in _COUNTED.findall(text)[:MAX_FIELDS]:
        if behind or before:
            fields.setdefault((behind or before).casefold(), float(number))
    return fields
