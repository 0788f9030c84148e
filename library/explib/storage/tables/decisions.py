"""The tables of decisions: the codebook of a library, and which option each attempt took."""

from __future__ import annotations

from sqlalchemy import JSON, Column, Integer, String, Table, Text, UniqueConstraint

from explib.storage.tables.libraries import metadata, of_library, within_library

decisions = Table(
    "decisions",
    metadata,
    of_library(key=True),
    Column("id", String(20), primary_key=True),
    Column("number", Integer, nullable=False),
    Column("key", Text, nullable=False),
    Column("source", String(10), nullable=False),
    Column("decision", JSON, nullable=False),
    Column("verdict", JSON),
    Column("weak_runs", Integer, nullable=False),
    UniqueConstraint("library_id", "key"),
)

codes = Table(
    "codes",
    metadata,
    of_library(key=True),
    Column("decision_id", String(20), primary_key=True),
    Column("trajectory_id", String(40), primary_key=True),
    Column("letter", String(4), nullable=False),
    within_library("decision_id", "decisions"),
    within_library("trajectory_id", "trajectories"),
)
