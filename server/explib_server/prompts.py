"""The MCP prompts: what a person picks from a client's menu."""

from __future__ import annotations

from mcp.server import MCPServer
from mcp.shared.exceptions import MCPError
from mcp.types import INVALID_PARAMS

from explib.errors import ExplibError
from explib_server.opening import Current, Opening


def add_prompts(server: MCPServer[Opening], current: Current) -> None:
    """Register the prompts; `current` gives the runtime of the running server."""

    @server.prompt(title="Solve with experience", description="Solve a task with the lessons of earlier attempts.")
    async def solve_with_experience(task: str, library: str | None = None) -> str:
        try:
            runtime = await current()
            chosen = await runtime.library(library)
            served = await runtime.fetch(chosen, task)
        except ExplibError as error:
            raise MCPError(INVALID_PARAMS, str(error)) from error
        return (
            f"{served.text}\n\nTask:\n{task}\n\nWhen you are done, call submit_trajectory with this task, your steps, "
            f"retrieval_id {served.retrieval.id!r}, library {chosen.name!r} and the reward if you know it."
        )

    @server.prompt(title="Reflect and submit", description="Look back on a finished task and submit it.")
    def reflect_and_submit(task: str) -> str:
        return (
            f"The task was:\n{task}\n\nLook back on what you just did for it. List your steps in order, with the tool "
            "calls and their results, and say honestly whether the task was solved and how you know. Then call "
            "submit_trajectory with the task's text, those steps, your final answer, and a reward from 0 to 1 only if "
            "something outside you (a test, the user) settled it; otherwise leave the reward out."
        )
