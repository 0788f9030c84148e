"""The tools that list libraries and set them up, part of the toolset `all`."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from mcp.server import MCPServer
from mcp.types import CallToolResult
from pydantic import Field, JsonValue, WithJsonSchema

from explib.settings.library import LibraryChanges, read_changes
from explib_server.curation.settings import set_up
from explib_server.mcp.opening import Current, LazyApplication
from explib_server.mcp.results.curation import LibraryList, LibrarySetUp
from explib_server.mcp.schemas import compact_input
from explib_server.mcp.tools.agent import READS, tool_errors
from explib_server.mcp.tools.answers import answered
from explib_server.mcp.tools.curation import CHANGES, by_caller
from explib_server.render.listing import library_list

SettingsGiven: TypeAlias = Annotated[
    dict[str, JsonValue] | None,
    Field(description="Those that differ from the defaults."),
    WithJsonSchema(
        {
            "type": "object",
            "properties": compact_input(LibraryChanges.model_json_schema())["properties"],
            "additionalProperties": False,
        }
    ),
]


def add_library_tools(server: MCPServer[LazyApplication], current: Current) -> None:
    """Register the tools; `current` gives the application of the running server."""

    @server.tool(
        title="List libraries",
        description="Call when you don't know which library a task belongs to: names, objectives, sizes.",
        annotations=READS,
    )
    async def list_libraries(
        limit: Annotated[int, Field(description="At most this many, 1 to 200.")] = 100,
        after: Annotated[str, Field(description="To page on: the answer's next.")] = "",
    ) -> Annotated[CallToolResult, LibraryList]:
        with tool_errors():
            application = await current()
            reached = await application.libraries()
            return answered(await library_list(application.store, reached, limit, after or None))

    @server.tool(
        title="Create library",
        description="Call to set up a library for another kind of task, or with update to change the settings of one "
        "that is there. Say its objective: agents choose by it, and the learner learns by it.",
        annotations=CHANGES,
    )
    async def create_library(
        name: Annotated[str, Field(description="a-z, 0-9, '.', '_', '-', e.g. airline.")],
        settings: SettingsGiven = None,
        update: Annotated[bool, Field(description="true: change the one that is there.")] = False,
        reason: Annotated[str, Field(description="With update: why; kept in the history.")] = "",
    ) -> Annotated[CallToolResult, LibrarySetUp]:
        with tool_errors():
            application = await current()
            changes, by = read_changes(settings or {}), by_caller(reason)
            library, created = await set_up(application, name, changes, by, update=update)
        settings_now = library.settings.model_dump()
        return answered(
            LibrarySetUp(name=library.name, created=created, revision=library.revision, settings=settings_now)
        )
