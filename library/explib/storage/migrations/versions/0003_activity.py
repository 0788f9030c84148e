"""Indexes for the newest attempt, reward, learned group and refusal of a library: the heartbeat asks for them."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the indexes."""
    op.create_index("ix_trajectories_created", "trajectories", ["library_id", "created_at"])
    op.create_index("ix_trajectories_graded", "trajectories", ["library_id", "graded_at"])
    op.create_index("ix_learned_groups_learned", "learned_groups", ["library_id", "learned_at"])
    refused = sa.text("refusal IS NOT NULL")
    op.create_index(
        "ix_operations_refused",
        "operations",
        ["library_id", "number"],
        sqlite_where=refused,
        postgresql_where=refused,
    )
