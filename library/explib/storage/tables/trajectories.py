"""The tables of what was submitted: trajectories with their steps, the groups they form, and which were learned."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Double, Index, Integer, LargeBinary, String, Table, Text, UniqueConstraint

from explib.storage.tables.libraries import metadata, of_library, within_library

groups = Table(
    "groups",
    metadata,
    Column("id", String(40), primary_key=True),
    of_library(key=True),
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
    of_library(key=True),
    Column("group_id", String(40), primary_key=True),
    Column("graded_version", Integer, primary_key=True),
    Column("revision", Integer),
    Column("learned_at", Double, nullable=False),
    Index("ix_learned_groups_learned", "library_id", "learned_at"),
    within_library("group_id", "groups"),
)

trajectories = Table(
    "trajectories",
    metadata,
    Column("id", String(40), primary_key=True),
    of_library(key=True),
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
    Column("reward_source", String(12)),
    Column("idempotency_key", Text),  # as it was given; `submission_key` is its hash, for each owner
    UniqueConstraint("library_id", "submission_key"),
    within_library("group_id", "groups"),
    Index("ix_trajectories_group", "library_id", "group_id"),
    Index("ix_trajectories_retrieval", "library_id", "retrieval_id"),
    Index("ix_trajectories_created", "library_id", "created_at"),
    Index("ix_trajectories_graded", "library_id", "graded_at"),
)

trajectory_bodies = Table(
    "trajectory_bodies",
    metadata,
    Column("trajectory_id", String(40), primary_key=True),
    of_library(key=True),
    Column("body", LargeBinary, nullable=False),
    within_library("trajectory_id", "trajectories"),
)
