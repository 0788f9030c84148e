"""The tables of changes: revisions, their operations, and proposals that wait for a person."""

from __future__ import annotations

from sqlalchemy import JSON, Column, Double, ForeignKey, Index, Integer, String, Table, Text

from explib.storage.tables.libraries import metadata, of_library

revisions = Table(
    "revisions",
    metadata,
    of_library(key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("cause", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("groups", JSON, nullable=False),
    Column("calls", Integer, nullable=False),
    Column("prompt_tokens", Integer, nullable=False),
    Column("completion_tokens", Integer, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("settings", Text, nullable=False),
)

operations = Table(
    "operations",
    metadata,
    of_library(key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("revision", Integer),
    Column("operation", JSON, nullable=False),
    Column("before", JSON, nullable=False),
    Column("after", JSON, nullable=False),
    Column("refusal", Text),
    Column("created_at", Double, nullable=False),
    Index("ix_operations_revision", "library_id", "revision"),
)

_REFUSED = operations.c.refusal.is_not(None)
Index("ix_operations_refused", operations.c.library_id, operations.c.number, sqlite_where=_REFUSED)

proposals = Table(
    "proposals",
    metadata,
    Column("library_id", Integer, ForeignKey("libraries.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("operation", JSON, nullable=False),
    Column("before", JSON, nullable=False),
    Column("analyst", String(20), nullable=False),
    Column("model", Text),
    Column("state", String(10), nullable=False),
    Column("created_at", Double, nullable=False),
    Column("decided_by", Text),
    Column("reason", Text, nullable=False),
    Column("revision", Integer),
    Column("decided_at", Double),
    Index("ix_proposals_state", "library_id", "state"),
)
