"""The tools, a module for each kind, and the toolsets that a server offers.

A new tool is a function in one of these modules, registered by its `add_…`; a new module is named in `_add_functions`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeAlias

from mcp.server import MCPServer

from explib_server.mcp.opening import Current, LazyApplication
from explib_server.mcp.tools.agent import add_agent_tools

Toolset: TypeAlias = Literal["agent", "learn", "all"]
"""`agent`: the four that every agent needs; `learn`: also the analysis tools; `all`: also those for people."""
AddTools: TypeAlias = Callable[[MCPServer[LazyApplication], Current], None]


def add_tools(server: MCPServer[LazyApplication], current: Current, tools: Toolset) -> None:
    """Register the tools of a toolset; `current` gives the application of the running server."""
    for add in (add_agent_tools, *_add_functions(tools)):
        add(server, current)


def _add_functions(tools: Toolset) -> tuple[AddTools, ...]:
    """Imported here: the start of a server with the agent toolset must not wait for these modules."""
    if tools == "agent":
        return ()
    from explib_server.mcp.tools.analysis import add_analysis_tools

    if tools == "learn":
        return (add_analysis_tools,)
    from explib_server.mcp.tools.curation import add_curator_tools
    from explib_server.mcp.tools.learn import add_learn_tool
    from explib_server.mcp.tools.libraries import add_library_tools
    from explib_server.mcp.tools.vote import add_vote_tool
    from explib_server.page.app import add_page_tool

    return (add_curator_tools, add_vote_tool, add_library_tools, add_learn_tool, add_analysis_tools, add_page_tool)
