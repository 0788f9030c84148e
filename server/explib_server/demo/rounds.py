"""The closed loop, for one seed: a real server over stdio, a real MCP client, the scripted agent between them."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from statistics import fmean, stdev
from tempfile import TemporaryDirectory

from mcp import Client, StdioServerParameters, stdio_client
from mcp.types import CallToolResult, TextContent

from explib_server.demo.agent import DeskAttempt, attempt
from explib_server.demo.desk import TOOLS
from explib_server.demo.tasks import DeskTask, Dice, held_out_tasks, practice_tasks
from explib_server.mcp.results.agent import LibraryStatus
from explib_server.mcp.server import LearnerMode

STUDENT_T = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 6: 2.447, 7: 2.365, 8: 2.306, 9: 2.262, 10: 2.228}
"""Degrees of freedom → the 97.5 % quantile of Student's t; beyond ten, 2.228 errs on the wide side."""
LOOK_SECONDS = 0.1
LEARNING_SECONDS = 300.0
"""A learner that has not finished by then is not waited for."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The size of one round, and what is switched off in it to show that the loop is closed."""

    lone: int = 100
    """Tasks that are attempted once."""
    repeated: int = 4
    """Tasks that are attempted several times."""
    attempts: int = 5
    """Attempts at each of those."""
    held_out: int = 60
    learner: LearnerMode = "inprocess"
    shuffle_rewards: bool = False


@dataclass(frozen=True, slots=True)
class Round:
    """One seed: mean reward on the held-out tasks before and after, and what was learned between."""

    seed: int
    before: float
    after: float
    lessons: str
    status: LibraryStatus


async def play(seed: int, plan: Plan) -> Round:
    """Attempts without experiences, graded submissions, background learning, attempts with experiences."""
    unseen = held_out_tasks(seed, plan.held_out)
    with TemporaryDirectory(prefix="explib-demo-") as folder:
        async with _client(Path(folder), plan.learner) as client:
            before = await _solve(client, unseen, Dice(seed))
            await _practise(client, plan, seed)
            status = await _learned(client, wait=plan.learner != "off")
            after = await _solve(client, unseen, Dice(seed))
            library = await client.read_resource("experience://default")
    lessons = "\n".join(getattr(content, "text", "") for content in library.contents)
    return Round(seed, fmean(before), fmean(after), lessons, status)


@asynccontextmanager
async def _client(folder: Path, learner: LearnerMode) -> AsyncIterator[Client]:
    """A client of a fresh `explib serve` with a database of its own; model settings are passed on."""
    own = {"EXPLIB_DATABASE_URL": f"sqlite+aiosqlite:///{folder / 'demo.db'}", "EXPLIB_LIBRARY": "default"}
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "explib_server", "serve", "--learner", learner],
        env={**os.environ, **own},
    )
    async with Client(stdio_client(server)) as client:
        yield client


async def _solve(client: Client, tasks: Sequence[DeskTask], dice: Dice) -> list[float]:
    """Fetch the experiences for each task, attempt it with them; the rewards."""
    rewards = []
    for task in tasks:
        fetched = await _call(client, "get_experiences", {"task": task.text, "tools": list(TOOLS)})
        rewards.append(attempt(task, _text(fetched), dice).reward)
    return rewards


async def _practise(client: Client, plan: Plan, seed: int) -> None:
    """Attempts without advice, submitted with their rewards (or with other attempts' rewards)."""
    dice = Dice(f"practice {seed}")
    tasks = practice_tasks(seed, plan.lone + plan.repeated)
    attempts = [
        (task, attempt(task, "", dice))
        for number, task in enumerate(tasks)
        for _ in range(1 if number < plan.lone else plan.attempts)
    ]
    rewards = [made.reward for _, made in attempts]
    if plan.shuffle_rewards:
        dice.shuffle(rewards)
    for number, ((task, made), reward) in enumerate(zip(attempts, rewards, strict=True)):
        await _call(client, "submit_trajectory", _submission(task, made, reward, key=f"{seed}/{number}"))


def _submission(task: DeskTask, made: DeskAttempt, reward: float, key: str) -> dict[str, object]:
    return {
        "task": task.text,
        "trajectory": made.messages,
        "answer": made.answer,
        "reward": reward,
        "agent": "scripted",
        "idempotency_key": key,
    }


async def _learned(client: Client, *, wait: bool) -> LibraryStatus:
    """The status once no group is ready any more. Raises TimeoutError."""
    async with asyncio.timeout(LEARNING_SECONDS):
        while True:
            called = await _call(client, "library_status", {})
            status = LibraryStatus.model_validate(called.structured_content)
            if not wait or not status.groups.get("ready"):
                return status
            await asyncio.sleep(LOOK_SECONDS)


async def _call(client: Client, tool: str, arguments: Mapping[str, object]) -> CallToolResult:
    result = await client.call_tool(tool, dict(arguments))
    if result.is_error:
        raise RuntimeError(f"{tool}: {_text(result)}")
    return result


def _text(result: CallToolResult) -> str:
    return "\n".join(content.text for content in result.content if isinstance(content, TextContent))


def mean_interval(values: Sequence[float]) -> tuple[float, float, float]:
    """Mean and 95 % interval (low, high) of independent values; needs at least two."""
    if len(values) < 2:
        raise ValueError("an interval needs at least two values")
    mean = fmean(values)
    half = STUDENT_T.get(len(values) - 1, STUDENT_T[10]) * stdev(values) / sqrt(len(values))
    return mean, mean - half, mean + half
