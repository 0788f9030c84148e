"""The tables of what was served and what came of it: retrievals, sums of rewards, and revisions on trial."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Boolean, Column, Double, Index, Integer, String, Table, Text

from explib.storage.tables.libraries import metadata, of_library

retrievals = Table(
    "retrievals",
    metadata,
    of_library(key=True),
    Column("number", BigInteger, nullable=False),  # in the order of recording, from 1 in each library
    Column("id", String(40), primary_key=True),
    Column("task", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("servings", JSON, nullable=False),  # of each its id, version, relevance, probability, whether it was served
    Column("created_at", Double, nullable=False),
    Column("holdout", Double, nullable=False),
    Column("held_out", Boolean, nullable=False),
    Column("arms", JSON, nullable=False),
    Column("baseline", Double, nullable=False),
    Column("reporting", Double, nullable=False),
    Column("reward", Double),
    Column("submitter", String(200)),
    Column("tick", BigInteger),  # the library's, when this one's reward was entered or corrected
    Column(
        "layers", JSON, nullable=False, server_default="[]"
    ),  # ids of the other libraries with a retrieval of this id
    Index("ix_retrievals_number", "library_id", "number", unique=True),
)
_REWARDED = retrievals.c.tick.is_not(None)
Index("ix_retrievals_tick", retrievals.c.library_id, retrievals.c.tick, sqlite_where=_REWARDED)

evidence_totals = Table(
    "evidence_totals",
    metadata,
    of_library(key=True),
    Column("retrievals", BigInteger, nullable=False),
    Column("rewards", BigInteger, nullable=False),
    Column("reward_total", Double, nullable=False),
    Column("tick", BigInteger, nullable=False),
    Column("judged", BigInteger, nullable=False),
    Column("counted", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

evidence = Table(
    "evidence",
    metadata,
    of_library(key=True),
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
    Column("continues", Integer),  # the version with the same text whose record this one began with
    sqlite_with_rowid=False,
)

trials = Table(
    "trials",
    metadata,
    of_library(key=True),
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
    of_library(key=True),
    Column("kind", String(12), primary_key=True),
    Column("subject", String(40), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("submitter", String(200), primary_key=True),
    Column("s", Double, nullable=False),
    Column("w", Double, nullable=False),
    Column("v", Double, nullable=False),
    Column("n", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
