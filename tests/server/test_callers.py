"""Who is calling, on stdio and in memory, in both eras."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from mcp import Client
from mcp.server import MCPServer
from mcp.types import Implementation, TextContent

from explib.settings.program import Settings
from explib_server.auth.callers import LOCAL_USER, current_caller
from explib_server.auth.scopes import TOOLS_OF
from explib_server.mcp.middleware import remember_caller
from explib_server.mcp.server import build_server


@asynccontextmanager
async def asked_by(name: str, mode: str) -> AsyncIterator[Client]:
    server: MCPServer[dict[str, object]] = MCPServer("callers", middleware=[remember_caller])

    @server.tool()
    async def who() -> str:
        caller = current_caller()
        return f"{caller.name}, {sorted(caller.scopes)}, {caller.libraries}, {caller.token_id}"

    async with Client(server, mode=mode, client_info=Implementation(name=name, version="1")) as client:
        yield client


@pytest.mark.parametrize("mode", ["legacy", "auto"])
@pytest.mark.parametrize(
    ("given", "name"), [("the-client", "the-client"), (" \x1b\n", "local"), ("x" * 500, "x" * 100)]
)
async def test_a_local_client_may_do_everything_under_the_name_that_it_gives(mode: str, given: str, name: str) -> None:
    async with asked_by(given, mode) as client:
        [content] = (await client.call_tool("who", {})).content
    assert isinstance(content, TextContent)
    assert content.text == f"{name}, ['admin', 'curate', 'read', 'reward', 'submit'], None, None"


def test_outside_of_a_request_the_caller_is_local() -> None:
    assert current_caller() == LOCAL_USER


async def test_every_tool_has_the_scope_that_it_needs_and_only_setting_up_libraries_is_for_admins() -> None:
    async with Client(build_server(Settings(), "off", "all")) as client:
        names = {tool.name for tool in (await client.list_tools()).tools}
    given = frozenset[str]().union(*TOOLS_OF.values())
    assert names - given == {"create_library"}
    assert given - names == {"page_read"}, "which only clients that show Apps are told of"
