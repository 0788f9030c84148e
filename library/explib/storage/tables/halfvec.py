"""Types of PostgreSQL's columns, without the import of its dialect, for which a server on SQLite would wait.

Vectors are bytes on SQLite, pgvector's halfvec on PostgreSQL, bytes to us on both: little-endian IEEE 754
half-precision numbers, one after the other.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import ColumnElement, Dialect, Text, cast, func
from sqlalchemy.types import UserDefinedType

HEADER_BYTES = 4
"""The head of pgvector's binary form: the number of dimensions, and two bytes for later use."""


class Lexemes(UserDefinedType[str]):
    """A tsvector, which the database makes itself."""

    cache_ok = True

    def get_col_spec(self, **_options: object) -> str:
        """The column's type in DDL."""
        return "TSVECTOR"


class HalfVector(UserDefinedType[bytes]):
    """A halfvec of any number of dimensions: sent as text, read in its binary form."""

    cache_ok = True

    def get_col_spec(self, **_options: object) -> str:
        """The column's type in DDL."""
        return "halfvec"

    def bind_expression(self, bindvalue: ColumnElement[bytes]) -> ColumnElement[bytes]:
        """Through text: the driver does not know the type."""
        return cast(cast(bindvalue, Text), self)

    def bind_processor(self, _dialect: Dialect) -> Callable[[bytes | None], str | None]:
        """Bytes to text."""
        return lambda vector: None if vector is None else as_text(vector)

    def column_expression(self, column: ColumnElement[bytes]) -> ColumnElement[bytes]:
        """Read the column in its binary form."""
        return func.halfvec_send(column, type_=self)

    def result_processor(self, _dialect: Dialect, _coltype: object) -> Callable[[bytes], bytes]:
        """pgvector's binary form to ours."""
        return _from_network


def as_text(vector: bytes) -> str:
    """A vector as pgvector reads it, without loss."""
    import numpy as np

    return "[" + ",".join(map(repr, np.frombuffer(vector, "<f2").astype(float).tolist())) + "]"


def _from_network(sent: bytes) -> bytes:
    import numpy as np

    return np.frombuffer(sent, ">f2", offset=HEADER_BYTES).astype("<f2").tobytes()
