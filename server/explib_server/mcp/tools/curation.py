"""The tools for curators, part of the toolset `all`: see and change what a library teaches."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from mcp.server import MCPServer
from mcp.types import CallToolResult, ToolAnnotations
from pydantic import Field

from explib_server.auth.callers import current_caller
from explib_server.curation.curator import By, curator_of
from explib_server.mcp.opening import Current, LazyApplication
from explib_server.mcp.results.curation import Changed, History, Listing, Reverted, Reviewed
from explib_server.mcp.tools.agent import ADDS, READS, LibraryName, library_for_tool, named_lesson
from explib_server.mcp.tools.answers import answered
from explib_server.render.changes import changed, reverted, reviewed
from explib_server.render.listing import Status, history, listing

CHANGES = ToolAnnotations(destructive_hint=True, idempotent_hint=True, open_world_hint=False)
"""Each is a new revision, and can be reverted; but what is served is another than before."""

ExperienceId: TypeAlias = Annotated[str, Field(description="E.g. e3, from get_experiences or list_experiences.")]
Content: TypeAlias = Annotated[
    str, Field(description="The lesson: 'When <condition>, <strategy>', e.g. 'When you ship, weigh first.'")
]
Reason: TypeAlias = Annotated[str, Field(description="Why; kept in the history.")]
ExpectedVersion: TypeAlias = Annotated[
    int | None, Field(description="The version you read: if it has moved on, nothing is changed and you are told.")
]
Limit: TypeAlias = Annotated[int, Field(description="At most this many, 1 to 200.")]


def by_caller(reason: str) -> By:
    """The author of a change: the caller."""
    caller = current_caller()
    return By(caller.name, reason, caller.is_person)


def add_curator_tools(server: MCPServer[LazyApplication], current: Current) -> None:
    """Register the tools; `current` gives the application of the running server."""
    _add_list(server, current)
    _add_add(server, current)
    _add_edit(server, current)
    _add_retire(server, current)
    _add_review(server, current)
    _add_history(server, current)
    _add_revert(server, current)


def _add_list(server: MCPServer[LazyApplication], current: Current) -> None:
    @server.tool(
        title="List experiences",
        description="Call to look through a library, or at what waits for review: ids, texts, status, evidence. "
        "Before a task call get_experiences instead.",
        annotations=READS,
    )
    async def list_experiences(
        library: LibraryName = "",
        status: Annotated[Status | None, Field(description="Only these; default: what is served or waits.")] = None,
        limit: Limit = 50,
        after: Annotated[str, Field(description="To page on: the answer's next, e.g. e20.")] = "",
    ) -> Annotated[CallToolResult, Listing]:
        async with library_for_tool(current, library) as (application, target):
            return answered(await listing(application.store, target, status, limit, after or None))


def _add_add(server: MCPServer[LazyApplication], current: Current) -> None:
    @server.tool(
        title="Add experience",
        description="Call when a person wants a lesson in the library that no attempts have shown: a person's is "
        "served at once, an agent's waits for review. Lessons from attempts come by submit_trajectory.",
        annotations=ADDS,
    )
    async def add_experience(
        content: Content, reason: Reason = "", library: LibraryName = ""
    ) -> Annotated[CallToolResult, Changed]:
        async with library_for_tool(current, library) as (application, target):
            committed = await curator_of(application).add(target, content, by_caller(reason))
            _, answer = await changed(application.store, target, committed)
        return answered(answer)


def _add_edit(server: MCPServer[LazyApplication], current: Current) -> None:
    @server.tool(
        title="Edit experience",
        description="Call when a lesson should say something else: gives it another text under the same id; the old "
        "one stays in the history. Or to pin or unpin it.",
        annotations=CHANGES,
    )
    async def edit_experience(
        id: ExperienceId,
        content: Annotated[str, Field(description="The new text, as in add_experience.")] = "",
        pinned: Annotated[
            bool | None,
            Field(description="true (as with every new text): only people change or retire it; false: evidence may."),
        ] = None,
        reason: Reason = "",
        expected_version: ExpectedVersion = None,
        library: LibraryName = "",
    ) -> Annotated[CallToolResult, Changed]:
        lesson, library = named_lesson(id, library)
        async with library_for_tool(current, library) as (application, target):
            curator, by = curator_of(application), by_caller(reason)
            if pinned is not None:
                current_caller().check_person("Pinning")
            committed = await curator.edit(target, lesson, content or None, by, expected_version, pinned=pinned)
            _, answer = await changed(application.store, target, committed, lesson)
        return answered(answer)


def _add_retire(server: MCPServer[LazyApplication], current: Current) -> None:
    @server.tool(
        title="Retire experience",
        description="Call when a lesson is wrong or does harm: it is served no more. It stays in the history, and "
        "revert brings it back.",
        annotations=CHANGES,
    )
    async def retire_experience(
        id: ExperienceId, reason: Reason = "", expected_version: ExpectedVersion = None, library: LibraryName = ""
    ) -> Annotated[CallToolResult, Changed]:
        lesson, library = named_lesson(id, library)
        async with library_for_tool(current, library) as (application, target):
            committed = await curator_of(application).retire(target, lesson, by_caller(reason), expected_version)
            _, answer = await changed(application.store, target, committed, lesson)
        return answered(answer)


def _add_review(server: MCPServer[LazyApplication], current: Current) -> None:
    @server.tool(
        title="Review experience",
        description="Call with a person's decision on a proposal that waits (p2) or on an experience (e3). approve: it "
        "is served, whatever later evidence says; reject: it is not, and the learner doesn't repeat it at once.",
        annotations=CHANGES,
    )
    async def review_experience(
        id: Annotated[str, Field(description="From list_experiences, e.g. p2 or e3.")],
        decision: Annotated[Literal["approve", "reject"], Field(description="What the person decided.")],
        reason: Reason = "",
        content: Annotated[str, Field(description="With approve: another text than proposed.")] = "",
        library: LibraryName = "",
    ) -> Annotated[CallToolResult, Reviewed]:
        lesson, library = named_lesson(id, library)
        async with library_for_tool(current, library) as (application, target):
            current_caller().check_person("Review")
            committed = await curator_of(application).review(
                target, lesson, decision, by_caller(reason), content or None
            )
        _, answer = reviewed(target, committed, lesson, decision)
        return answered(answer)


def _add_history(server: MCPServer[LazyApplication], current: Current) -> None:
    @server.tool(
        name="history",
        title="History",
        description="Call to see what changed in a library, when, by whom and why, newest first; e.g. before revert.",
        annotations=READS,
    )
    async def show_history(
        library: LibraryName = "",
        limit: Limit = 20,
        before: Annotated[int | None, Field(description="To page on: the answer's next.")] = None,
    ) -> Annotated[CallToolResult, History]:
        async with library_for_tool(current, library) as (application, target):
            return answered(await history(application.store, target, limit, before))


def _add_revert(server: MCPServer[LazyApplication], current: Current) -> None:
    @server.tool(
        title="Revert",
        description="Call when changes made a library worse: puts it back as it stood after a revision, as a new "
        "revision; nothing is lost, and a revert can be reverted. Look at history first.",
        annotations=CHANGES,
    )
    async def revert(
        revision: Annotated[int, Field(description="A number of history; 0: empty.")],
        reason: Reason = "",
        expected_revision: Annotated[
            int | None, Field(description="The newest revision you saw: if there is a newer one, nothing is changed.")
        ] = None,
        library: LibraryName = "",
    ) -> Annotated[CallToolResult, Reverted]:
        async with library_for_tool(current, library) as (application, target):
            current_caller().check_person("Going back to an earlier revision")
            committed = await curator_of(application).revert(target, revision, by_caller(reason), expected_revision)
            _, answer = await reverted(application.store, target, committed, revision)
        return answered(answer)
