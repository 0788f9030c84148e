"""The table of libraries, the metadata of all tables, and the columns that tie a row to its library."""

from __future__ import annotations

from sqlalchemy import JSON, Column, Double, ForeignKey, ForeignKeyConstraint, Integer, MetaData, String, Table

metadata = MetaData()

libraries = Table(
    "libraries",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(63), nullable=False, unique=True),
    Column("settings", JSON, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("next_experience", Integer, nullable=False),
    Column("served", Integer, nullable=False),  # its experiences that are not retired
    Column("created_at", Double, nullable=False),
    Column("turn_at", Double, nullable=False, default=0.0),  # when its groups were last claimed
)


def of_library(*, key: bool = False) -> Column[int]:
    """The column that says whose a row is; `key`: as part of its key."""
    return Column("library_id", Integer, ForeignKey("libraries.id"), primary_key=key, nullable=False)


def within_library(column: str, table: str) -> ForeignKeyConstraint:
    """`column` names a row of `table` in the same library."""
    return ForeignKeyConstraint(["library_id", column], [f"{table}.library_id", f"{table}.id"])
