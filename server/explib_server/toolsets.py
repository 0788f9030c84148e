"""Which tools a server has: `agent` are the four that every agent needs, `all` adds those for people and curators.

Whoever adds tools to `all` adds one function here; each registers the tools of one module.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeAlias

from mcp.server import MCPServer

from explib_server.runtime import Runtime
from explib_server.tools import add_agent_tools
from explib_server.vote_tool import add_vote_tool

Toolset: TypeAlias = Literal["agent", "all"]
AddTools: TypeAlias = Callable[[MCPServer[Runtime], Callable[[], Runtime]], None]

AGENT: tuple[AddTools, ...] = (add_agent_tools,)
REST: tuple[AddTools, ...] = (add_vote_tool,)


def add_tools(server: MCPServer[Runtime], current: Callable[[], Runtime], tools: Toolset) -> None:
    """Register the tools of a toolset; `current` gives the runtime of the running server."""
    for add in AGENT if tools == "agent" else (*AGENT, *REST):
        add(server, current)
