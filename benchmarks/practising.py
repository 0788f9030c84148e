"""Practice by the real loop, proof and storage over agents in this process: what Inspect adds is left out."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from explib.settings.program import Settings
from explib_server.application import Application
from explib_server.compose import open_application
from explib_server.demo.agent import attempt
from explib_server.demo.desk import TOOLS
from explib_server.demo.tasks import DeskTask, Dice
from explib_server.practice.journal import Journal
from explib_server.practice.loop import Progress, Rollouts
from explib_server.practice.plan import Plan
from explib_server.practice.protocol import Event, Finished, Rollout
from explib_server.practice.tasks import PracticeTask

Agent: TypeAlias = Callable[[Rollout], Finished]


@dataclass(slots=True)
class InProcess:
    """An engine that asks a function."""

    agent: Agent

    async def batch(self, _folder: Path, rollouts: list[Rollout]) -> AsyncIterator[Event]:
        for rollout in rollouts:
            yield Event("finished", finished=self.agent(rollout))
        yield Event("batch")

    async def stop(self) -> None:
        """Nothing is ever stopped here."""


@asynccontextmanager
async def rollouts_of(folder: Path, plan: Plan, agent: Agent) -> AsyncIterator[tuple[Application, Rollouts]]:
    """The rollouts of a plan over a database of the folder."""
    settings = Settings(database_url=f"sqlite+aiosqlite:///{folder / 'library.db'}")
    async with open_application(settings) as application:
        await application.store.libraries.ensure(plan.library, settings.library_defaults())
        with closing(Journal(folder / plan.run)) as journal:

            async def begin() -> InProcess:
                return InProcess(agent)

            yield application, Rollouts(plan, journal, begin, Progress())


def desk_tasks(tasks: Sequence[DeskTask]) -> list[PracticeTask]:
    """The order desk's tasks."""
    return [PracticeTask(each.key, each.text, tools=tuple(TOOLS)) for each in tasks]


def desk_agent(tasks: Sequence[DeskTask]) -> Agent:
    """The demo's scripted agent at the order desk, as `examples/tools/desk.py` runs it."""
    known = {each.key: each for each in tasks}

    def does(rollout: Rollout) -> Finished:
        made = attempt(known[rollout.task.id], rollout.lessons, Dice(rollout.key))
        return Finished(rollout.key, rollout.task.id, json.loads(json.dumps(made.messages)), made.answer, made.reward)

    return does
