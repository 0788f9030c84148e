"""The `agent` toolset: fetch, submit, grade, look. Its descriptions are the product's face to agents: short."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Annotated, TypeAlias

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import CallToolResult, ToolAnnotations
from pydantic import Field, JsonValue, WithJsonSchema

from explib.errors import ExplibError
from explib.models.submissions import Attempt, RawSubmission
from explib_server.auth.callers import current_session
from explib_server.mcp.opening import Current, LazyApplication
from explib_server.mcp.results.agent import LibraryStatus, Stored
from explib_server.mcp.tools.answers import answered, text_answer

if TYPE_CHECKING:  # imported with the application, behind the first answers
    from explib.models.libraries import Library
    from explib_server.application import Application

Task: TypeAlias = Annotated[str, Field(description="What was asked, in full; the same text each time.")]
# An argument that may be left out is a `str` with "" for none: the SDK reads JSON in any other kind of argument, and
# many clients fill every field with "".
LibraryName: TypeAlias = Annotated[str, Field(description="Leave out for this project's.")]
RetrievalId: TypeAlias = Annotated[str, Field(description="From get_experiences for this task.")]
Feedback: TypeAlias = Annotated[str, Field(description="Why this reward, e.g. a test's output.")]
TrajectoryInput: TypeAlias = Annotated[
    JsonValue,
    Field(
        description="The attempt: messages in OpenAI or Anthropic shape or a list of steps, e.g. "
        '[{"role":"assistant","content":"..."},{"role":"tool","content":"..."}], or a short account in plain text: '
        "what you did, what failed, what worked."
    ),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "object"}}]}),
]
WHEN_DONE = "When the task is done, call submit_trajectory with this retrieval_id, then give your final reply."
READS = ToolAnnotations(read_only_hint=True, open_world_hint=False)
ADDS = ToolAnnotations(destructive_hint=False, idempotent_hint=True, open_world_hint=False)


@contextmanager
def tool_errors() -> Iterator[None]:
    """Lets the model see our errors, which say what to do; any other stays a defect for the log."""
    try:
        yield
    except ExplibError as error:
        raise ToolError(str(error)) from error


@asynccontextmanager
async def library_for_tool(current: Current, name: str) -> AsyncIterator[tuple[Application, Library]]:
    """The open application and the library that is meant, within the caller's reach; the model sees our errors."""
    with tool_errors():
        application = await current()
        yield application, await application.library(name or None)


def named_lesson(lesson_id: str, library: str) -> tuple[str, str]:
    """A lesson's id and its library: an id as it was served from a farther layer, `team/e3`, names both."""
    layer, _, plain = lesson_id.rpartition("/")
    return plain, layer or library


def add_agent_tools(server: MCPServer[LazyApplication], current: Current) -> None:
    """Register the four tools; `current` gives the application of the running server."""
    _add_get_experiences(server, current)
    _add_submit_trajectory(server, current)
    _add_report_reward(server, current)
    _add_library_status(server, current)


def _add_get_experiences(server: MCPServer[LazyApplication], current: Current) -> None:
    @server.tool(
        title="Get experiences",
        description="Call FIRST for every task that you are given, before any other step, without being asked: returns "
        "lessons learned from earlier graded attempts at such tasks. Keep the retrieval_id for submit_trajectory.",
        annotations=READS,
    )
    async def get_experiences(
        task: Task,
        library: LibraryName = "",
        limit: Annotated[int | None, Field(description="At most this many; default: what fits.")] = None,
        tools: Annotated[list[str] | None, Field(description="Names of the tools at hand, if they are known.")] = None,
    ) -> CallToolResult:
        async with library_for_tool(current, library) as (application, target):
            session = current_session()
            served = await application.fetch(target, task, limit, session, tools or [], alone=bool(library))
        return text_answer(f"{served.text}\nretrieval_id: {served.retrieval.id}\n{WHEN_DONE}")


def _add_submit_trajectory(server: MCPServer[LazyApplication], current: Current) -> None:
    @server.tool(
        title="Submit trajectory",
        description="Call LAST for every task, right before your final reply, whether it went well or badly, without "
        "being asked: stores the attempt, so that later ones learn from it. Reward not known? Leave it out and call "
        "report_reward later.",
        annotations=ADDS,
    )
    async def submit_trajectory(
        task: Task,
        trajectory: TrajectoryInput,
        reward: Annotated[
            float | None,
            Field(
                description="As a test or the user said: 0 (failed) to 1 (solved), if the library has no other range."
            ),
        ] = None,
        answer: Annotated[str, Field(description="The final answer, if apart from the steps.")] = "",
        ground_truth: Annotated[str, Field(description="The right answer, if known.")] = "",
        feedback: Feedback = "",
        retrieval_id: RetrievalId = "",
        group: Annotated[str, Field(description="The same for all attempts at one task; default: its text.")] = "",
        library: LibraryName = "",
        agent: Annotated[str, Field(description="Who made the attempt.")] = "",
        model: Annotated[str, Field(description="Which model made it.")] = "",
        idempotency_key: Annotated[str, Field(description="The same for a retry: it is stored once.")] = "",
    ) -> Annotated[CallToolResult, Stored]:
        async with library_for_tool(current, library) as (application, target):
            raw = RawSubmission(
                task=task,
                trajectory=trajectory,
                reward=reward,
                answer=answer or None,
                ground_truth=ground_truth or None,
                feedback=feedback or None,
                retrieval_id=retrieval_id or None,
                group=group or None,
                agent=agent or None,
                model=model or None,
                idempotency_key=idempotency_key or None,
            )
            receipt = await application.submit(target, raw, current_session())
        return answered(Stored.of(receipt))


def _add_report_reward(server: MCPServer[LazyApplication], current: Current) -> None:
    @server.tool(
        title="Report reward",
        description="Call when the outcome of a submitted task becomes known (tests went green, the user accepted it) "
        "or was wrong: gives or corrects its reward. Name the attempt by trajectory_id or by retrieval_id.",
        annotations=ADDS,
    )
    async def report_reward(
        reward: Annotated[float, Field(description="How good it was, usually 0 to 1.")],
        trajectory_id: Annotated[str, Field(description="From submit_trajectory.")] = "",
        retrieval_id: RetrievalId = "",
        feedback: Feedback = "",
        signature: Annotated[str, Field(description="By the environment, if it signs rewards.")] = "",
    ) -> Annotated[CallToolResult, Stored]:
        with tool_errors():
            application = await current()
            attempt = Attempt(trajectory_id or None, retrieval_id or None)
            receipt = await application.report_reward(attempt, reward, feedback or None, signature or None)
        return answered(Stored.of(receipt))


def _add_library_status(server: MCPServer[LazyApplication], current: Current) -> None:
    @server.tool(
        name="library_status",
        title="Library status",
        description="Call when asked how a library stands, or when no experiences come back: what it holds, what its "
        "learner waits for and why, token budget.",
        annotations=READS,
    )
    async def status(library: LibraryName = "") -> Annotated[CallToolResult, LibraryStatus]:
        with tool_errors():
            application = await current()
            from explib_server.render.status import library_status

            return answered(await library_status(application, library or None))
