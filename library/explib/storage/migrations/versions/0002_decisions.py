"""Decisions: a codebook for each library, a code for each attempt, and who says a reward."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the two tables, and the columns by which lessons and rewards point at where they come from."""
    op.add_column("experiences", sa.Column("decision_id", sa.String(20)))
    op.add_column("experiences", sa.Column("option", sa.String(4)))
    op.add_column("trajectories", sa.Column("reward_source", sa.String(12)))
    op.create_table(
        "decisions",
        sa.Column("library_id", sa.Integer, sa.ForeignKey("libraries.id"), primary_key=True),
        sa.Column("id", sa.String(20), primary_key=True),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("source", sa.String(10), nullable=False),
        sa.Column("decision", sa.JSON, nullable=False),
        sa.Column("verdict", sa.JSON),
        sa.Column("weak_runs", sa.Integer, nullable=False),
        sa.UniqueConstraint("library_id", "key"),
    )
    op.create_table(
        "codes",
        sa.Column("library_id", sa.Integer, sa.ForeignKey("libraries.id"), primary_key=True),
        sa.Column("decision_id", sa.String(20), primary_key=True),
        sa.Column("trajectory_id", sa.String(40), primary_key=True),
        sa.Column("letter", sa.String(4), nullable=False),
        sa.ForeignKeyConstraint(["library_id", "decision_id"], ["decisions.library_id", "decisions.id"]),
        sa.ForeignKeyConstraint(["library_id", "trajectory_id"], ["trajectories.library_id", "trajectories.id"]),
    )
