"""The tables, in SQLAlchemy Core. Every key of what a library owns holds its id: all can be partitioned by it.

What differs between engines (full text, vectors, how a write begins) is not here but in `engine` and its dialects.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from explib.storage.halfvec import HalfVector

metadata = MetaData()


def _library(*, key: bool = False) -> Column[int]:
    return Column("library_id", Integer, ForeignKey("libraries.id"), primary_key=key, nullable=False)


def _within_library(column: str, table: str) -> ForeignKeyConstraint:
    """`column` names a row of `table` in the same library."""
    return ForeignKeyConstraint(["library_id", column], [f"{table}.library_id", f"{table}.id"])


libraries = Table(
    "libraries",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(63), nullable=False, unique=True),
    Column("settings", JSON, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("next_experience", Integer, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("turn_at", Double, nullable=False, default=0.0),  # when its groups were last claimed
)

groups = Table(
    "groups",
    metadata,
    Column("id", String(40), primary_key=True),
    _library(key=True),
    Column("key", Text, nullable=False),
    Column("task", Text, nullable=False),
    Column("state", String(10), nullable=False),
    Column("reason", Text, nullable=False),
    Column("size", Integer, nullable=False),
    Column("graded", Integer, nullable=False),
    Column("reward_total", Double, nullable=False),
    Column("graded_version", Integer, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("not_before", Double, nullable=False),
    Column("updated_at", Double, nullable=False),
    Index("ix_groups_claim", "library_id", "state", "not_before"),
)

learned_groups = Table(
    "learned_groups",
    metadata,
    _library(key=True),
    Column("group_id", String(40), primary_key=True),
    Column("graded_version", Integer, primary_key=True),
    Column("revision", Integer),
    Column("learned_at", Double, nullable=False),
    _within_library("group_id", "groups"),
)

trajectories = Table(
    "trajectories",
    metadata,
    Column("id", String(40), primary_key=True),
    _library(key=True),
    Column("group_id", String(40), nullable=False),
    Column("submission_key", String(80), nullable=False),
    Column("content_hash", String(64), nullable=False),
    Column("task", Text, nullable=False),
    Column("reward", Double),
    Column("answer", Text),
    Column("ground_truth", Text),
    Column("feedback", Text),
    Column("retrieval_id", String(40)),
    Column("agent", Text),
    Column("model", Text),
    Column("redactions", Integer, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("graded_at", Double),
    Column("pruned_at", Double),
    Column("submitter", String(200)),
    Column("graded_by", String(200)),
    Column("signed_by", String(40)),
    Column("signed_at", BigInteger),
    UniqueConstraint("library_id", "submission_key"),
    _within_library("group_id", "groups"),
    Index("ix_trajectories_group", "library_id", "group_id"),
    Index("ix_trajectories_retrieval", "library_id", "retrieval_id"),
)

trajectory_bodies = Table(
    "trajectory_bodies",
    metadata,
    Column("trajectory_id", String(40), primary_key=True),
    _library(key=True),
    Column("body", LargeBinary, nullable=False),
    _within_library("trajectory_id", "trajectories"),
)

experiences = Table(
    "experiences",
    metadata,
    _library(key=True),
    Column("id", String(20), primary_key=True),
    Column("content", Text, nullable=False),
    Column("status", String(10), nullable=False),
    Column("version", Integer, nullable=False),
    Column("analyst", String(20), nullable=False),
    Column("model", Text),
    Column("support", JSON, nullable=False),
    Column("pinned", Boolean, nullable=False),
    Column("created_revision", Integer, nullable=False),
    Column("updated_revision", Integer, nullable=False),
    Index("ix_experiences_updated", "library_id", "updated_revision"),
)

experience_vectors = Table(
    "experience_vectors",
    metadata,
    _library(key=True),
    Column("experience_id", String(20), primary_key=True),
    Column("embedder", String(100), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("vector", LargeBinary().with_variant(HalfVector(), "postgresql"), nullable=False),
    _within_library("experience_id", "experiences"),
)

revisions = Table(
    "revisions",
    metadata,
    _library(key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("cause", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("groups", JSON, nullable=False),
    Column("calls", Integer, nullable=False),
    Column("prompt_tokens", Integer, nullable=False),
    Column("completion_tokens", Integer, nullable=False),
    Column("created_at", Double, nullable=False),
)

operations = Table(
    "operations",
    metadata,
    _library(key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("revision", Integer),
    Column("operation", JSON, nullable=False),
    Column("before", JSON, nullable=False),
    Column("after", JSON, nullable=False),
    Column("refusal", Text),
    Column("created_at", Double, nullable=False),
    Index("ix_operations_revision", "library_id", "revision"),
)

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

citations = Table(
    "citations",
    metadata,
    _library(key=True),
    Column("experience_id", String(20), primary_key=True),
    Column("trajectory_id", String(40), primary_key=True),
    Column("stance", String(10), nullable=False),
    Column("revision", Integer, nullable=False),
    _within_library("trajectory_id", "trajectories"),
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

retrievals = Table(
    "retrievals",
    metadata,
    Column("id", String(40), primary_key=True),
    _library(key=True),
    Column("task", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("servings", JSON, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("holdout", Double, nullable=False),
    Column("held_out", Boolean, nullable=False),
    Column("arms", JSON, nullable=False),
    Column("baseline", Double, nullable=False),
    Column("reporting", Double, nullable=False),
    Column("reward", Double),
    Column("submitter", String(200)),
)

evidence_totals = Table(
    "evidence_totals",
    metadata,
    _library(key=True),
    Column("retrievals", BigInteger, nullable=False),
    Column("rewards", BigInteger, nullable=False),
    Column("reward_total", Double, nullable=False),
    Column("tick", BigInteger, nullable=False),
    Column("judged", BigInteger, nullable=False),
)

evidence = Table(
    "evidence",
    metadata,
    _library(key=True),
    Column("kind", String(12), primary_key=True),
    Column("subject", String(40), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("s", Double, nullable=False),
    Column("w", Double, nullable=False),
    Column("v", Double, nullable=False),
    Column("n", BigInteger, nullable=False),
    Column("served", BigInteger, nullable=False),
    Column("rewarded", BigInteger, nullable=False),
    Column("missing_s", Double, nullable=False),
    Column("missing_w", Double, nullable=False),
    Column("missing_v", Double, nullable=False),
    Column("missing_n", BigInteger, nullable=False),
    Column("tick", BigInteger, nullable=False),
    Index("ix_evidence_tick", "library_id", "tick"),
)

trials = Table(
    "trials",
    metadata,
    _library(key=True),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("state", String(12), nullable=False),
    Column("replaces", JSON, nullable=False),
    Column("adds", JSON, nullable=False),
    Column("against", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("started_at", Double, nullable=False),
    Column("ended_at", Double),
    Index("ix_trials_state", "library_id", "state"),
)

submitter_evidence = Table(
    "submitter_evidence",
    metadata,
    _library(key=True),
    Column("kind", String(12), primary_key=True),
    Column("subject", String(40), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("submitter", String(200), primary_key=True),
    Column("s", Double, nullable=False),
    Column("w", Double, nullable=False),
    Column("v", Double, nullable=False),
    Column("n", BigInteger, nullable=False),
)

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

analysis_batches = Table(
    "analysis_batches",
    metadata,
    Column("id", String(40), nullable=False),
    _library(key=True),
    Column("groups", JSON, nullable=False),
    Column("experiences", JSON, nullable=False),
    Column("created_at", Double, nullable=False),
)

analysis_steps = Table(
    "analysis_steps",
    metadata,
    Column("id", String(40), primary_key=True),
    _library(key=True),
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
