"""The table of access tokens and reward keys."""

from __future__ import annotations

from sqlalchemy import JSON, Column, Double, String, Table, Text

from explib.storage.tables.libraries import metadata

tokens = Table(
    "tokens",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("name", Text, nullable=False),
    Column("scope", String(10), nullable=False),
    Column("libraries", JSON(none_as_null=True)),
    Column("secret_hash", String(64), nullable=False, unique=True),
    Column("key", Text),
    Column("created_at", Double, nullable=False),
    Column("expires_at", Double),
    Column("revoked_at", Double),
    Column("last_used_at", Double),
)
