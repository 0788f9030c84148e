"""The conformance suite of the protocol against a running server, for each generation of it.

What it cannot pass is listed in `clients/conformance.yml`; the suite fails on anything else, and on entries that pass.
"""

from __future__ import annotations

import asyncio

import pytest
from end_to_end.node import CLIENTS, command, environment, needs
from server.http_cases import http_server

SUITE = "conformance"
SECONDS = 120


@needs(SUITE)
@pytest.mark.parametrize("specification", ["2025-06-18", "2025-11-25", "2026-07-28"])
async def test_the_server_conforms_but_for_what_the_baseline_names(specification: str) -> None:
    baseline = CLIENTS / "conformance.yml"
    async with http_server(tools="agent") as address:
        options = ["--suite", "all", "--spec-version", specification, "--expected-failures", str(baseline)]
        suite = await asyncio.create_subprocess_exec(
            command(SUITE),
            "server",
            "--url",
            f"{address}/mcp",
            *options,
            env=environment(),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        async with asyncio.timeout(SECONDS):
            said, _ = await suite.communicate()
    assert suite.returncode == 0, said.decode()[-3000:]
