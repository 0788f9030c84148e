"""The tables of practice: its runs, and the rollouts of a batch that several machines make."""

from __future__ import annotations

from sqlalchemy import JSON, Column, Double, String, Table, Text

from explib.storage.tables.libraries import metadata, of_library

practice_runs = Table(
    "practice_runs",
    metadata,
    of_library(key=True),
    Column("id", Text, primary_key=True),
    Column("engine", JSON, nullable=False),
    Column("summary", JSON, nullable=False),
    Column("started_at", Double, nullable=False),
    Column("ended_at", Double),
)

practice_rollouts = Table(
    "practice_rollouts",
    metadata,
    of_library(key=True),
    Column("run_id", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("rollout", JSON, nullable=False),
    Column("holder", String(80), nullable=False),
    Column("leased_until", Double, nullable=False),
    Column("outcome", JSON),
)
