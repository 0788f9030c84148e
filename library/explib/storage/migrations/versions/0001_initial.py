"""The first schema."""

from alembic import op

from explib.storage.tables import metadata

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create every table."""
    bind = op.get_bind()
    metadata.create_all(bind, [t for t in metadata.sorted_tables if t.info.get("engine") in (None, bind.dialect.name)])
