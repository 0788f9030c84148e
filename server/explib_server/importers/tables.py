"""Rows of CSV, TSV and Parquet files as documents."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from explib.errors import InvalidInput
from explib.trajectories.values import loads
from explib_server.importers.records import BadRecord

SEPARATED = {".csv": ",", ".tsv": "\t"}
PARQUET = (".parquet", ".pq")
_SEPARATORS = (";", "\t", ",")
"""What else parts the cells, where the usual one stands nowhere in the first row."""
_LONGEST_NAMES = 1 << 16
_ROWS = 500
"""That are fetched at a time."""
_LONGEST_CELL = 1 << 28
"""Characters: a cell may hold a whole conversation."""


def separator_in(text: IO[str]) -> str | None:
    """The separator of a text whose file's name says nothing; None where it begins like JSON, or has no cells."""
    first = text.readline(_LONGEST_NAMES)
    text.seek(0)
    parts = [separator for separator in ("\t", ",", ";") if separator in first]
    return parts[0] if parts and first.lstrip()[:1] not in ("{", "[") else None


def separated_rows(text: IO[str], name: str, separator: str) -> Iterator[tuple[str, object]]:
    """The rows of a table of text, each an object by the names in the first row. Raises InvalidInput."""
    csv.field_size_limit(_LONGEST_CELL)
    first = text.readline(_LONGEST_NAMES)
    if not first.lower().startswith("sep="):  # which Excel writes above the names
        text.seek(0)
    others = [other for other in _SEPARATORS if separator not in first and other in first]
    rows = csv.reader(text, delimiter=others[0] if others else separator)
    try:
        header = next(rows, None)
        if not header or not any(cell.strip() for cell in header):
            raise InvalidInput("The table is empty: its first row must name the columns.")
        for number, row in enumerate(rows, start=2):
            if any(row):
                yield f"{name}:{number}", _row(row, header, f"{name}:{number}")
    except csv.Error as error:
        raise InvalidInput(f"The table cannot be read ({error}): check its quotes.") from error


def _row(row: list[str], header: list[str], position: str) -> object:
    if len(row) > len(header):
        return BadRecord(position, "The row has more cells than the first row has names: check its quotes.")
    return {name.strip(): cell(text) for name, text in zip(header, row, strict=False)}


def cell(value: object) -> object:
    """A cell, of which JSON text is read: a conversation in a cell is one."""
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        parsed = loads(value)
        return value if parsed is None else parsed
    return value


def parquet_rows(path: Path, name: str) -> Iterator[tuple[str, object]]:
    """The rows of a Parquet file. Raises InvalidInput where it is none, or the extra `parquet` is not installed."""
    try:
        import duckdb
    except ImportError as error:
        raise InvalidInput("Parquet files need the extra `parquet`: pip install 'explib[parquet]'.") from error
    try:
        with duckdb.connect() as connection:
            connection.execute("SELECT * FROM read_parquet(?)", [str(path)])
            header = [str(column[0]) for column in connection.description or ()]
            number = 0
            while rows := connection.fetchmany(_ROWS):
                for row in rows:
                    number += 1
                    yield f"{name}:{number}", {key: cell(value) for key, value in zip(header, row, strict=True)}
    except duckdb.Error as error:
        raise InvalidInput(f"It is no Parquet file that can be read ({str(error)[:200]}).") from error
