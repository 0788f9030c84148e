"""The TypeScript SDK's client does one task's round, in both eras, over stdio and over HTTP."""

from __future__ import annotations

import asyncio
import json
import sys

import pytest
from end_to_end.node import CLIENTS, FOLDER, command, environment, needs
from server.http_cases import http_server

from explib.models.json_value import Json

SECONDS = 60
SERVER = (sys.executable, "-m", "explib_server", "serve", "--learner", "off")

pytestmark = [
    needs("node"),
    pytest.mark.skipif(
        not (FOLDER / "node_modules" / "@modelcontextprotocol" / "client").exists(),
        reason=f"the TypeScript SDK is not in {FOLDER}: run .ci/run where npm is",
    ),
]


async def round_of(mode: str, *server: str) -> dict[str, Json]:
    """What the client saw. The script is read from standard input, so that packages are found from the folder."""
    script = await asyncio.to_thread((CLIENTS / "typescript_client.mjs").read_bytes)
    node = await asyncio.create_subprocess_exec(
        command("node"),
        "--input-type=module",
        "-",
        mode,
        *server,
        cwd=FOLDER,
        env=environment(),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(SECONDS):
        out, errors = await node.communicate(script)
    assert node.returncode == 0, errors.decode()
    seen: Json = json.loads(out)
    assert isinstance(seen, dict)
    return seen


def part(seen: dict[str, Json], name: str, *keys: str) -> Json:
    value: Json = seen[name]
    for key in keys:
        assert isinstance(value, dict)
        value = value[key]
    return value


@pytest.mark.parametrize("mode", ["auto", "legacy"])
@pytest.mark.parametrize("transport", ["stdio", "http"])
async def test_a_task_is_fetched_submitted_and_graded(mode: str, transport: str) -> None:
    if transport == "stdio":
        seen = await round_of(mode, "stdio", *SERVER)
    else:
        async with http_server(tools="agent") as address:
            seen = await round_of(mode, "http", f"{address}/mcp")
    assert seen["tools"] == ["get_experiences", "submit_trajectory", "report_reward", "library_status"]
    assert "No experiences yet" in str(part(seen, "fetched", "text"))
    assert part(seen, "stored", "structured", "group_state") == "ready"
    assert part(seen, "graded", "structured", "trajectory_id") == part(seen, "stored", "structured", "trajectory_id")
    assert part(seen, "status", "structured", "graded") == 1
    assert part(seen, "wrong", "error") is True
    assert "no such trajectory" in str(part(seen, "wrong", "text"))
    assert "experience://{library}/{id}" in str(seen["templates"])
    assert "default" in str(seen["library"])
    assert "reflect_and_submit" in str(seen["prompts"])
    assert "pack the parcel" in str(seen["prompt"])
