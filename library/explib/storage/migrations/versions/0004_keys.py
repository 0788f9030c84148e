"""The key under which an attempt was brought, as it was given: what an import brought can be found again by it."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Attempts that are stored already have none."""
    op.add_column("trajectories", sa.Column("idempotency_key", sa.Text))
