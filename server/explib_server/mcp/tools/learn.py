"""The tool `learn_now`, part of the toolset `all`."""

from __future__ import annotations

from typing import Annotated

from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.types import CallToolResult, ToolAnnotations

from explib.text.words import number_of
from explib_learner.pipeline import Run
from explib_learner.worker import lease_name
from explib_server.mcp.opening import Current, LazyApplication
from explib_server.mcp.results.agent import Answer
from explib_server.mcp.tools.agent import LibraryName, library_for_tool
from explib_server.mcp.tools.answers import answered
from explib_server.render.bounds import commonest
from explib_server.render.learning import run_lines, run_text

LEARNS = ToolAnnotations(destructive_hint=False, idempotent_hint=True, open_world_hint=True)


class Learned(Answer):
    """The result of one call of the learner."""

    library: str
    learned: int
    """Groups."""
    revision: int
    changes: list[str]
    """Lines on changes, refusals and failures."""
    groups: dict[str, int]
    reasons: dict[str, int]
    learned_by: str | None
    """Another process that is learning this library now."""


def add_learn_tool(server: MCPServer[LazyApplication], current: Current) -> None:
    """Register `learn_now`; `current` gives the application of the running server."""

    @server.tool(
        title="Learn now",
        description="Call to learn from what is ready at once, instead of waiting for the background learner: tells "
        "what was changed, and what waits and why.",
        annotations=LEARNS,
    )
    async def learn_now(ctx: Context[LazyApplication], library: LibraryName = "") -> Annotated[CallToolResult, Learned]:
        async with library_for_tool(current, library) as (application, target):
            ready = len(await application.store.groups.all(target, "ready"))
            done = 0

            async def tell(run: Run) -> None:
                nonlocal done
                done += run.learned + len(run.failures)
                await ctx.report_progress(done, max(ready, done), run_text(run).partition("\n")[0])

            worker = await application.learning.worker(tell)
            await ctx.report_progress(0, ready, f"ready: {number_of(ready, 'group')}")
            runs = await worker.learn_ready(target.name)
            overview = await application.store.libraries.overview(target)
            holder = await application.store.leases.holder(lease_name(target))
        answer = Learned(
            library=target.name,
            learned=sum(run.learned for run in runs),
            revision=overview.library.revision,
            changes=run_lines(runs),
            groups=overview.groups,
            reasons=commonest(overview.reasons),
            learned_by=holder.holder if holder else None,
        )
        return answered(answer)
