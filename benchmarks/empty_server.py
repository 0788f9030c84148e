"""The floor: an MCPServer of the same SDK with one tool that has the schemas of `get_experiences` and does nothing.

It answers what an empty library answers. With `--lessons 40` it answers as many made-up lessons, always the same ones,
without looking for them: what it costs only to carry an answer of that size.
"""

from __future__ import annotations

import argparse
from typing import Annotated

import uvicorn
from lessons import lessons
from mcp.server import MCPServer
from mcp.types import CallToolResult, TextContent
from pydantic import Field

NOTHING = "No experiences yet for this library. Solve the task, then submit the attempt: it is what is learned from."


def empty_server(carried: int = 0) -> MCPServer[None]:
    """The server; `carried` lessons are in each answer."""
    server: MCPServer[None] = MCPServer("empty", version="1", log_level="WARNING")
    lines = [f"[e{number}]. {text}" for number, text in enumerate(lessons(carried), start=1)]
    text = "\n".join([*(lines or [NOTHING]), "retrieval_id: r_0"])

    @server.tool(description="Answers nothing.")
    async def get_experiences(
        task: Annotated[str, Field(description="What was asked, in full; the same text each time.")],
        library: Annotated[str | None, Field(description="Leave out for the default one.")] = None,
        limit: Annotated[int | None, Field(description="At most this many; default: what fits.")] = None,
    ) -> CallToolResult:
        return CallToolResult(content=[TextContent(type="text", text=text)])

    return server


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, help="Serve HTTP at this port; without it: stdio.")
    parser.add_argument("--lessons", type=int, default=0, help="Made-up lessons in each answer.")
    chosen = parser.parse_args()
    server = empty_server(chosen.lessons)
    if chosen.port is None:
        server.run("stdio")
    else:
        uvicorn.run(server.streamable_http_app(), host="127.0.0.1", port=chosen.port, log_level="warning")


if __name__ == "__main__":
    main()
