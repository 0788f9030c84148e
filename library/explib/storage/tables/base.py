"""What every table is made with: the one metadata, and the columns that tie a row to its library."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, ForeignKeyConstraint, Integer, MetaData

metadata = MetaData()


def of_library(*, key: bool = False) -> Column[int]:
    """The column that says whose a row is; `key`: as part of its key."""
    return Column("library_id", Integer, ForeignKey("libraries.id"), primary_key=key, nullable=False)


def within_library(column: str, table: str) -> ForeignKeyConstraint:
    """`column` names a row of `table` in the same library."""
    return ForeignKeyConstraint(["library_id", column], [f"{table}.library_id", f"{table}.id"])
