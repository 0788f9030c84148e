"""The MCP Inspector, a client that others wrote, lists and calls every tool in both eras of the protocol."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence

import pytest
from end_to_end.node import command, environment, needs
from mcp.types import CallToolResult
from results import retrieval_of

from explib.models.json_value import Json

INSPECTOR = "mcp-inspector"
SERVER = (sys.executable, "-m", "explib_server", "serve", "--learner", "off")
HANDED_ON = ("EXPLIB_DATABASE_URL", "EXPLIB_CONFIG")
SECONDS = 60
TOOLS = ["get_experiences", "submit_trajectory", "report_reward", "library_status"]

pytestmark = [
    needs(INSPECTOR),
    pytest.mark.parametrize("era", ["legacy", "modern"]),
]


def inspect(era: str, method: str, *arguments: str) -> dict[str, Json]:
    """The result of one method; the Inspector starts a server for it."""
    handed_on = [argument for name in HANDED_ON for argument in ("-e", f"{name}={os.environ[name]}")]
    patient = ["--connect-timeout", str(1000 * SECONDS)]
    options = ["--method", method, *arguments, "--format", "json", "--protocol-era", era, *patient]
    done = subprocess.run(
        [command(INSPECTOR), "--cli", *SERVER, *handed_on, *options],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result: Json = json.loads(done.stdout)["result"]
    assert isinstance(result, dict)
    return result


def called(era: str, tool: str, **arguments: str) -> dict[str, Json]:
    """The structured content of one call of a tool."""
    pairs: Sequence[str] = [part for name, value in arguments.items() for part in ("--tool-arg", f"{name}={value}")]
    result = inspect(era, "tools/call", "--tool-name", tool, *pairs)
    assert not result.get("isError"), result
    content = result["structuredContent"]
    assert isinstance(content, dict)
    return content


def test_every_tool_is_listed_without_an_error_of_its_schema(era: str) -> None:
    listed = inspect(era, "tools/list", "--strict")["tools"]
    assert isinstance(listed, list)
    assert [tool["name"] for tool in listed if isinstance(tool, dict)] == TOOLS


def test_every_tool_can_be_called(era: str) -> None:
    task = "pack the parcel"
    fetched = inspect(era, "tools/call", "--tool-name", "get_experiences", "--tool-arg", f"task={task}")
    retrieval = retrieval_of(CallToolResult.model_validate(fetched))
    stored = called(era, "submit_trajectory", task=task, trajectory="packed", retrieval_id=retrieval)
    assert stored["group_state"] == "ready"
    graded = called(era, "report_reward", trajectory_id=str(stored["trajectory_id"]), reward="1")
    assert graded["trajectory_id"] == stored["trajectory_id"]
    status = called(era, "library_status")
    assert (status["trajectories"], status["graded"]) == (1, 1)
