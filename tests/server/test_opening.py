"""The application behind a server: opened after the first answers, and said clearly where it can't be."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from itertools import count
from pathlib import Path

import pytest
from anyio import CancelScope
from cancelling import CutOff, files_open, until_nothing_is
from mcp import Client
from mcp.types import TextContent
from waiting import until

from explib.errors import DatabaseUnavailable
from explib.settings.program import Settings
from explib_server.application import Application
from explib_server.compose import open_application
from explib_server.mcp.opening import LazyApplication
from explib_server.mcp.server import build_server

HEAVY = ("sqlalchemy", "alembic", "aiosqlite", "numpy", "openai", "wordllama", "detect_secrets", "tomlkit")
LISTS_TOOLS = f"""
import asyncio, sys
from mcp.server import MCPServer
from explib_server.cli import main

def listing(server, transport):
    listed = asyncio.run(server.list_tools())
    print(transport, len(listed), *(name for name in {HEAVY} if name in sys.modules))

MCPServer.run = listing  # in place of waiting for a client
sys.argv = ["explib", "serve"]
main()
"""


def test_tools_are_listed_before_anything_heavy_is_imported() -> None:
    said = subprocess.run([sys.executable, "-c", LISTS_TOOLS], capture_output=True, text=True, check=True)
    assert said.stdout.split() == ["stdio", "4"]


class Counted:
    """Opens the real application, after as many failures as asked for, and counts."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.opened = 0
        self.closed = 0

    async def __call__(self) -> AbstractAsyncContextManager[Application]:
        return self._open()

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[Application]:
        if self.failures:
            self.failures -= 1
            raise DatabaseUnavailable
        try:
            async with open_application(Settings()) as application:
                self.opened += 1
                yield application
        finally:
            self.closed += 1


async def test_many_calls_at_once_share_one_runtime_which_is_closed_at_the_end() -> None:
    counted = Counted()
    current = LazyApplication(counted)
    async with current.running():
        first, *others = await asyncio.gather(*(current() for _ in range(5)))
        assert all(each is first for each in others)
    assert (counted.opened, counted.closed) == (1, 1)


async def test_it_is_opened_though_nobody_calls() -> None:
    counted = Counted()
    async with LazyApplication(counted).running():
        await until(lambda: counted.opened == 1)


async def test_a_call_that_gives_up_leaves_the_opening_to_the_others() -> None:
    counted = Counted()
    current = LazyApplication(counted)
    async with current.running():
        impatient = asyncio.create_task(current())
        patient = asyncio.create_task(current())
        await asyncio.sleep(0)
        impatient.cancel()
        assert (await patient).settings == Settings()
    assert counted.opened == 1


@pytest.mark.skipif(sys.platform != "linux", reason="what is open is found in /proc")
async def test_a_server_that_is_broken_off_while_it_opens_or_runs_closes_what_it_opened(tmp_path: Path) -> None:
    """The scopes of anyio cancel at every wait, also where the application is closed."""
    for at in count(1):
        counted = Counted()
        cut = await CutOff(called(LazyApplication(counted)), at, 1000).cut()
        await until_nothing_is(lambda: files_open(tmp_path))
        if not cut:
            break
    assert at > 2
    assert (counted.opened, counted.closed) == (1, 1)


async def called(current: LazyApplication) -> None:
    async with current.running():
        library = await (await current()).library()
        assert library.revision == 0


async def test_a_server_whose_application_fails_to_close_ends_all_the_same(caplog: pytest.LogCaptureFixture) -> None:
    @asynccontextmanager
    async def failing_to_close() -> AsyncIterator[Application]:
        async with open_application(Settings()) as application:
            try:
                yield application
            finally:
                raise OSError("the disk is gone")

    async def opened() -> AbstractAsyncContextManager[Application]:
        return failing_to_close()

    async def served() -> None:
        current = LazyApplication(opened)
        async with current.running():
            await current()

    server = asyncio.create_task(served())
    await until(server.done)
    assert "the disk is gone" in caplog.text


async def test_who_is_cancelled_by_a_scope_is_not_woken_while_the_runtime_is_closed() -> None:
    closing, closed = asyncio.Event(), asyncio.Event()

    @asynccontextmanager
    async def slow_to_close() -> AsyncIterator[Application]:
        async with open_application(Settings()) as application:
            try:
                yield application
            finally:
                closing.set()
                await closed.wait()

    async def opened() -> AbstractAsyncContextManager[Application]:
        return slow_to_close()

    async def broken_off() -> None:
        current = LazyApplication(opened)
        with CancelScope() as scope:
            async with current.running():
                await current()
                scope.cancel()

    server = asyncio.create_task(broken_off())
    await closing.wait()
    cancelled = server.cancelling()
    for _ in range(10):
        await asyncio.sleep(0)
    assert server.cancelling() == cancelled
    closed.set()
    await server


async def test_after_a_failure_the_next_call_tries_again() -> None:
    current = LazyApplication(Counted(failures=2))
    async with current.running():
        for _ in range(2):
            with pytest.raises(DatabaseUnavailable):
                await current()
        assert (await current()).settings == Settings()


async def test_a_database_that_cannot_be_used_is_the_answer_of_every_tool(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "notes.db").write_text("these are my notes, not a database " * 100)
    monkeypatch.setenv("EXPLIB_DATABASE_URL", f"sqlite+aiosqlite:///{tmp_path / 'notes.db'}")
    async with Client(build_server(Settings(), "off")) as client:
        assert (await client.list_tools()).tools
        for tool, arguments in (("get_experiences", {"task": "x"}), ("library_status", {})):
            result = await client.call_tool(tool, arguments)
            assert result.is_error
            [said] = result.content
            assert isinstance(said, TextContent)
            assert "EXPLIB_DATABASE_URL" in said.text
    assert (tmp_path / "notes.db").read_text().startswith("these are my notes")
