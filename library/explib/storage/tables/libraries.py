"""The table of libraries."""

from __future__ import annotations

from sqlalchemy import JSON, Column, Double, Integer, String, Table

from explib.storage.tables.base import metadata

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
