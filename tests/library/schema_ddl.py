"""The DDL of the tables as they stand, for each engine: what `0001_initial.*.sql` was frozen from.

.venv/bin/python tests/library/schema_ddl.py sqlite > FILE.sql
"""

from __future__ import annotations

import sys

from sqlalchemy import ClauseElement, create_mock_engine
from sqlalchemy.engine.mock import MockConnection

from explib.storage.tables import metadata

URLS = {"sqlite": "sqlite://", "postgresql": "postgresql+asyncpg://"}


def ddl(engine: str) -> str:
    """Each table and its indexes, in an order in which they can be made."""
    statements: list[str] = []

    def collect(statement: ClauseElement, *_: object) -> None:
        statements.append(str(statement.compile(dialect=mock.dialect)))

    mock: MockConnection = create_mock_engine(URLS[engine], collect)
    tables = [table for table in metadata.sorted_tables if table.info.get("engine", engine) == engine]
    metadata.create_all(mock, tables, checkfirst=False)
    lines = (each.strip().replace(" \n", "\n").replace("\t", "    ") for each in statements)
    return ";\n".join(lines) + ";\n"


if __name__ == "__main__":
    sys.stdout.write(ddl(sys.argv[1]))
