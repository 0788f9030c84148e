"""The first schema, in each engine's own words: the .sql files beside this one. Frozen: a change is a new migration."""

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create every table."""
    file = Path(__file__).with_name(f"0001_initial.{op.get_bind().dialect.name}.sql")
    for statement in file.read_text(encoding="utf-8").split(";\n"):
        if statement.strip():
            op.execute(statement)
