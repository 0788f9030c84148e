"""A real `explib serve` over stdio whose process id is known, so that it can be killed."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from mcp import Client, StdioServerParameters, stdio_client

PID_THEN_SERVE = 'echo $$ > "$0" && exec "$@"'


@asynccontextmanager
async def serving(pid_file: Path, *options: str, **settings: str) -> AsyncIterator[tuple[Client, int]]:
    """A client of the server, and the server's process id."""
    command = StdioServerParameters(
        command="/bin/sh",
        args=["-c", PID_THEN_SERVE, str(pid_file), sys.executable, "-m", "explib_server", "serve", *options],
        env={**os.environ, **settings},
    )
    async with Client(stdio_client(command)) as client:
        yield client, int(await asyncio.to_thread(pid_file.read_text))
