"""The first schema. Until the first release it is the tables as they stand; from then on it is frozen."""

from alembic import context, op

from explib.storage.tables import metadata

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create every table, and the engine's own full-text table."""
    metadata.create_all(op.get_bind())
    for statement in context.config.attributes["lexical_schema"]:
        op.execute(statement)
