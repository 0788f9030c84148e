"""The tables of lessons: their vectors, the attempts they rest on, and votes on them."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Computed,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
)

from explib.storage.tables.halfvec import HalfVector, Lexemes
from explib.storage.tables.libraries import metadata, of_library, within_library

experiences = Table(
    "experiences",
    metadata,
    of_library(key=True),
    Column("id", String(20), primary_key=True),
    Column("content", Text, nullable=False),
    Column("content_hash", String(32), nullable=False),
    Column("status", String(10), nullable=False),
    Column("version", Integer, nullable=False),
    Column("analyst", String(20), nullable=False),
    Column("model", Text),
    Column("support", JSON, nullable=False),
    Column("pinned", Boolean, nullable=False),
    Column("decision_id", String(20)),
    Column("option", String(4)),
    Column("created_revision", Integer, nullable=False),
    Column("updated_revision", Integer, nullable=False),
    Index("ix_experiences_updated", "library_id", "updated_revision"),
    Index("ix_experiences_content", "library_id", "content_hash"),
)

experience_vectors = Table(
    "experience_vectors",
    metadata,
    of_library(key=True),
    Column("experience_id", String(20), primary_key=True),
    Column("embedder", String(100), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("vector", LargeBinary().with_variant(HalfVector(), "postgresql"), nullable=False),
    within_library("experience_id", "experiences"),
)

# Only on PostgreSQL, and only of libraries that are too large for memory: see `postgresql.search`. The library's id is
# part of every lexeme, so that one library's words cost nothing in another's searches.
experience_terms = Table(
    "experience_terms",
    metadata,
    of_library(key=True),
    Column("experience_id", String(20), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("terms", Text, nullable=False),
    Column(
        "document",
        Lexemes,
        Computed(
            "array_to_tsvector(string_to_array("
            "library_id::text || ':' || replace(terms, ' ', ' ' || library_id::text || ':'), ' '))",
            persisted=True,
        ),
        nullable=False,
    ),
    Column("size", Integer, Computed("cardinality(string_to_array(terms, ' '))", persisted=True), nullable=False),
    Index("ix_experience_terms", "document"),  # by GIN: see the migration, as for what the partial indexes leave out
    info={"engine": "postgresql", "derived": True},
)

citations = Table(
    "citations",
    metadata,
    of_library(key=True),
    Column("experience_id", String(20), primary_key=True),
    Column("trajectory_id", String(40), primary_key=True),
    Column("stance", String(10), nullable=False),
    Column("revision", Integer, nullable=False),
    within_library("trajectory_id", "trajectories"),
)

votes = Table(
    "votes",
    metadata,
    Column("library_id", Integer, ForeignKey("libraries.id"), primary_key=True),
    Column("experience_id", String(20), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("voter", String(200), primary_key=True),
    Column("up", Boolean, nullable=False),
    Column("reason", Text),
    Column("content", Text, nullable=False),
    Column("created_at", Double, nullable=False),
)
