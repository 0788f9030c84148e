"""Which tools a server has: `agent` are the four that every agent needs, `all` adds those for people and curators.

Whoever adds tools to `all` adds one function here; each registers the tools of one module.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeAlias

from mcp.server import MCPServer

from explib_server.mcp.opening import Current, LazyApplication
from explib_server.mcp.tools.agent import add_agent_tools

Toolset: TypeAlias = Literal["agent", "all"]
AddTools: TypeAlias = Callable[[MCPServer[LazyApplication], Current], None]


def add_tools(server: MCPServer[LazyApplication], current: Current, tools: Toolset) -> None:
    """Register the tools of a toolset; `current` gives the application of the running server."""
    add_agent_tools(server, current)
    if tools == "all":
        for add in _rest():
            add(server, current)


def _rest() -> tuple[AddTools, ...]:
    """Imported here: the start of a server with the agent toolset must not wait for these modules."""
    from explib_server.mcp.tools.analysis import add_analysis_tools
    from explib_server.mcp.tools.curation import add_curator_tools
    from explib_server.mcp.tools.learn import add_learn_tool
    from explib_server.mcp.tools.libraries import add_library_tools
    from explib_server.mcp.tools.vote import add_vote_tool

    return (add_curator_tools, add_vote_tool, add_library_tools, add_learn_tool, add_analysis_tools)
