"""Practice: its runs, and the rollouts that several machines make."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add both tables."""
    op.create_table(
        "practice_runs",
        sa.Column("library_id", sa.Integer, sa.ForeignKey("libraries.id"), primary_key=True),
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("engine", sa.JSON, nullable=False),
        sa.Column("summary", sa.JSON, nullable=False),
        sa.Column("started_at", sa.Double, nullable=False),
        sa.Column("ended_at", sa.Double),
    )
    op.create_table(
        "practice_rollouts",
        sa.Column("library_id", sa.Integer, sa.ForeignKey("libraries.id"), primary_key=True),
        sa.Column("run_id", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("rollout", sa.JSON, nullable=False),
        sa.Column("holder", sa.String(80), nullable=False),
        sa.Column("leased_until", sa.Double, nullable=False),
        sa.Column("outcome", sa.JSON),
    )
