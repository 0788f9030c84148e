"""The tool `vote_experience`, part of the toolset `all`."""

from __future__ import annotations

from typing import Annotated, Literal

from mcp.server import MCPServer
from mcp.types import CallToolResult
from pydantic import Field

from explib.evidence.votes import Verdict
from explib.storage.revisions.votes import Cast
from explib_server.auth.callers import current_caller
from explib_server.curation.votes import cast_vote, outcome
from explib_server.mcp.opening import Current, LazyApplication
from explib_server.mcp.results.agent import Noted
from explib_server.mcp.tools.agent import ADDS, LibraryName, library_for_tool, named_lesson
from explib_server.mcp.tools.answers import answered


class Voted(Noted):
    """Where the votes on the current version stand after this one."""

    id: str
    version: int
    up: int
    down: int
    verdict: Verdict
    status: str
    revision: int | None
    """The revision that this vote decided, if it decided one."""

    @classmethod
    def of(cls, cast: Cast) -> Voted:
        """From the store's answer."""
        return cls(
            id=cast.experience.id,
            version=cast.experience.version,
            up=cast.tally.up,
            down=cast.tally.down,
            verdict=cast.tally.verdict,
            status=cast.experience.status,
            revision=cast.revision,
            note=outcome(cast),
        )


def add_vote_tool(server: MCPServer[LazyApplication], current: Current) -> None:
    """Register `vote_experience`; `current` gives the application of the running server."""

    @server.tool(
        title="Vote on an experience",
        description="Call when a served experience turned out right or wrong for a task that it applied to, and say "
        "why. One vote each; voting again replaces it. Three different voters down and none up retire it.",
        annotations=ADDS,
    )
    async def vote_experience(
        id: Annotated[str, Field(description="As served, e.g. e3.")],
        vote: Annotated[Literal["up", "down"], Field(description="Keep it or drop it.")],
        reason: Annotated[str, Field(description="What happened, in a sentence.")] = "",
        library: LibraryName = "",
    ) -> Annotated[CallToolResult, Voted]:
        lesson, library = named_lesson(id, library)
        async with library_for_tool(current, library) as (application, target):
            cast = await cast_vote(application, target, lesson, current_caller().voter, vote == "up", reason or None)
        return answered(Voted.of(cast))
