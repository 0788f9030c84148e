"""PostgreSQL behind PgBouncer: session mode works with its defaults, transaction mode is refused."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest
from postgresql_server import PostgresqlServer
from sqlalchemy import make_url, text
from waiting import until

from explib.errors import DatabaseUnavailable
from explib.models.libraries import LibrarySettings
from explib.models.submissions import Submission
from explib.models.trajectories import Step
from explib.storage.store import open_store

pytestmark = pytest.mark.skipif(shutil.which("pgbouncer") is None, reason="PgBouncer is not installed here")
CONFIGURATION = """
[databases]
* = host={host} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
auth_type = any
pool_mode = {mode}
unix_socket_dir =
"""


async def reachable(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


def started(url: str, mode: str, folder: Path, port: int) -> subprocess.Popen[bytes]:
    """PgBouncer before the server of this address, as a user that may use its socket."""
    host = Path(str(make_url(url).query["host"]))
    configuration = folder / "pgbouncer.ini"
    configuration.write_text(CONFIGURATION.format(host=host, port=port, mode=mode), encoding="utf-8")
    user = ["setpriv", f"--reuid={host.stat().st_uid}", "--clear-groups"] if os.getuid() == 0 else []
    return subprocess.Popen([*user, "pgbouncer", "--quiet", str(configuration)], stderr=subprocess.DEVNULL)


@asynccontextmanager
async def pooler(url: str, mode: str, folder: Path) -> AsyncIterator[str]:
    """The address of the database behind PgBouncer."""
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with started(url, mode, folder, port) as process:
        try:
            await until(lambda: reachable(port))
            yield f"postgresql+asyncpg://postgres@127.0.0.1:{port}/{make_url(url).database}"
        finally:
            process.terminate()


async def test_sessions_that_a_pooler_keeps_are_set_up_and_work(
    postgresql: PostgresqlServer, public_folder: Path
) -> None:
    with postgresql.database() as url:
        async with pooler(url, "session", public_folder) as pooled, open_store(pooled, statement_timeout=7) as store:
            library = await store.libraries.ensure("default", LibrarySettings())
            stored = await store.trajectories.submit(library, Submission("pack", (Step("assistant", "ok"),)))
            assert (await store.trajectories.get(library, stored.trajectory_id)).trajectory.task == "pack"
            assert await store.database.scalar(text("SHOW statement_timeout")) == "7s"
            assert await store.database.scalar(text("SHOW hnsw.ef_search")) == "200"


async def test_a_pooler_that_keeps_no_sessions_is_refused_at_opening(
    postgresql: PostgresqlServer, public_folder: Path
) -> None:
    with postgresql.database() as url:
        async with pooler(url, "transaction", public_folder) as pooled:
            with pytest.raises(DatabaseUnavailable, match=r"pool_mode = session.*docs/postgresql\.md"):
                async with open_store(pooled):
                    pass
