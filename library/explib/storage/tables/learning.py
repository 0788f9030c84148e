"""The tables of learning under way: model calls, an agent's steps, and leases."""

from __future__ import annotations

from sqlalchemy import JSON, Column, Double, Index, Integer, String, Table, Text, UniqueConstraint

from explib.storage.tables.libraries import metadata, of_library

model_calls = Table(
    "model_calls",
    metadata,
    Column("request_hash", String(64), primary_key=True),
    Column("step", String(40), nullable=False),
    Column("prompt_hash", String(64), nullable=False),
    Column("model", Text, nullable=False),
    Column("response", Text, nullable=False),
    Column("prompt_tokens", Integer, nullable=False),
    Column("completion_tokens", Integer, nullable=False),
    Column("created_at", Double, nullable=False),
    Index("ix_model_calls_created", "created_at"),
)

token_reservations = Table(
    "token_reservations",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("tokens", Integer, nullable=False),
    Column("expires_at", Double, nullable=False),
)

analysis_batches = Table(
    "analysis_batches",
    metadata,
    Column("id", String(40), nullable=False),
    of_library(key=True),
    Column("groups", JSON, nullable=False),
    Column("experiences", JSON, nullable=False),
    Column("created_at", Double, nullable=False),
)

analysis_steps = Table(
    "analysis_steps",
    metadata,
    Column("id", String(40), primary_key=True),
    of_library(key=True),
    Column("step", String(40), nullable=False),
    Column("form", String(40), nullable=False),
    Column("request_hash", String(64), nullable=False),
    Column("prompt_hash", String(64), nullable=False),
    Column("messages", JSON, nullable=False),
    Column("schema", JSON, nullable=False),
    Column("holder", Text, nullable=False),
    Column("leased_until", Double, nullable=False),
    Column("answered_by", Text),
    Column("created_at", Double, nullable=False),
    UniqueConstraint("library_id", "request_hash"),
)

leases = Table(
    "leases",
    metadata,
    Column("name", String(120), primary_key=True),
    Column("holder", String(80), nullable=False),
    Column("token", Integer, nullable=False),
    Column("expires_at", Double, nullable=False),
)
