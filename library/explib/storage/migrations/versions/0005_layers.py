"""Layers: retrievals of several libraries that were one answer."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the libraries that an answer was also drawn from."""
    op.add_column("retrievals", sa.Column("layers", sa.JSON, nullable=False, server_default="[]"))
