"""Databases for one benchmark, on either engine: they are gone afterwards."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

from seeding import sqlite_url

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))  # the tests have a PostgreSQL to start
from postgresql_server import FAST, postgresql_server

ENGINES = ["sqlite", "postgresql"]


@contextmanager
def databases(engine: str, settings: Sequence[str] = FAST) -> Iterator[Callable[[int], AbstractContextManager[str]]]:
    """For each size the address of an empty database; `settings` are those of the PostgreSQL that is started."""
    if engine == "sqlite":
        with tempfile.TemporaryDirectory() as folder:
            yield lambda size: nullcontext(sqlite_url(Path(folder) / f"{size}.db"))
        return
    with postgresql_server(settings) as server:
        server.restart()
        yield lambda _size: server.database("template0")
