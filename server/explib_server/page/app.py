"""The page as an MCP App: its document as a resource, the tool that opens it, and the tool that it reads by.

The tool that the page reads by is for the page only. Hosts of Apps hide it from their models; from clients that know no
Apps it is hidden here.
"""

from __future__ import annotations

from typing import Annotated, Any

from mcp.server import MCPServer
from mcp.server.apps import Apps
from mcp.server.mcpserver.resources import FunctionResource
from mcp.types import CallToolResult
from pydantic import Field

from explib_server.mcp.opening import Current, LazyApplication
from explib_server.mcp.results.agent import Answer
from explib_server.mcp.tools.agent import READS, LibraryName, library_for_tool, tool_errors
from explib_server.mcp.tools.answers import text_answer

PAGE_URI = "ui://explib/library"
OPENS = "A page of the library is open beside this text. Where none is shown, run `explib ui` for it."


class PageData(Answer):
    """What a view shows."""

    view: str
    data: dict[str, Any]


def page_app(current: Current) -> Apps:
    """The extension: the document, and the tool that opens it."""
    apps = Apps()
    apps.add_resource(FunctionResource(uri=PAGE_URI, name="page", title="Experience Library", fn=_page))

    @apps.tool(
        resource_uri=PAGE_URI,
        title="Show library",
        description="Call when a person wants to see, review or undo what a library teaches: opens its page.",
        annotations=READS,
    )
    async def show_library(library: LibraryName = "") -> CallToolResult:
        async with library_for_tool(current, library) as (application, target):
            from explib_server.render.status import library_status, status_text

            text = status_text(await library_status(application, target.name))
        return text_answer(f"{text}\n{OPENS}")

    return apps


async def _page() -> str:
    from explib_server.page.document import document

    return document().html


def add_page_tool(server: MCPServer[LazyApplication], current: Current) -> None:
    """Register the tool that the page reads by."""

    async def page_read(
        view: Annotated[str, Field(description="The name of a view.")],
        library: LibraryName = "",
        id: str = "",
        after: str = "",
        limit: int = 100,
        query: str = "",
        show: str = "",
        sort: str = "",
    ) -> Annotated[CallToolResult, PageData]:
        with tool_errors():
            application = await current()
            from explib_server.page.ask import Ask
            from explib_server.page.views.reading import around, read, words

            ask = Ask(id, after, limit, query, show, sort)
            match view:
                case "around":
                    data = await around(application, library)
                case "words":
                    data = {**words(ask)}
                case _:
                    data = await read(application, view, library, ask)
        shown = PageData(view=view, data=data).model_dump(mode="json")
        return text_answer(f"The page's view {view}.").model_copy(update={"structured_content": shown})

    server.add_tool(
        page_read,
        title="Read for the page",
        description="For the library's page only.",
        annotations=READS,
        meta={"ui": {"visibility": ["app"]}},
    )
