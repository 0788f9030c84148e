"""A library's activity from an SQLite file without SQLAlchemy or an event loop: for status lines. Only reads."""

from __future__ import annotations

import importlib
import sqlite3
from contextlib import closing
from pathlib import Path
from types import ModuleType
from urllib.parse import quote

from explib.models.activity import Activity
from explib.storage.libraries.activity import activity_of, parameters, statements


def sqlite_module() -> ModuleType:
    """The SQLite that comes with pysqlite3, else Python's own."""
    try:
        return importlib.import_module("pysqlite3.dbapi2")
    except ModuleNotFoundError:
        return sqlite3


def glimpse(path: Path, library: str) -> Activity | None:
    """The library's activity, empty where there is none yet; None where the file can't be read."""
    if not path.exists():
        return Activity()
    driver = sqlite_module()
    try:
        with closing(driver.connect(f"file:{quote(str(path.absolute()))}?mode=ro", uri=True, timeout=1)) as connection:
            connection.row_factory = driver.Row
            owner = connection.execute("SELECT id FROM libraries WHERE name = ?", (library,)).fetchone()
            if owner is None:
                return Activity()
            values = parameters(owner["id"])
            found = [connection.execute(each, values).fetchone() for each in statements()]
    except driver.Error:
        return None
    return activity_of(dict(row) for row in found if row is not None)
