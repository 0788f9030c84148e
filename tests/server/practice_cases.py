"""Practice over an engine that is a function, and a run's start over a database of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path

from explib.errors import StorageError
from explib.models.libraries import Library
from explib.models.revisions import Operation
from explib.models.trajectories import Trajectory
from explib.settings.program import Settings
from explib.storage.revisions.proposal import Proposal
from explib_server.application import Application
from explib_server.compose import open_application
from explib_server.practice.journal import Journal
from explib_server.practice.loop import Practice, Progress, Rollouts
from explib_server.practice.plan import Options, Plan, make_plan
from explib_server.practice.prices import Spent
from explib_server.practice.protocol import Broken, Event, Finished, Rollout
from explib_server.practice.tasks import PracticeTask

TASKS = [PracticeTask(f"t{number}", f"Send parcel {number} of Ada to Graz.", "done") for number in range(4)]
WORKS = Finished("", "", [{"role": "assistant", "content": "done"}], "done", 1.0, tokens_in=100)
Does = Callable[[Rollout], Finished | Broken | None]


def works(reward: float = 1.0) -> Does:
    return lambda rollout: made_by(rollout, reward)


def made_by(rollout: Rollout, reward: float | None) -> Finished:
    messages: list[object] = [{"role": "user", "content": rollout.task.input}, *WORKS.messages]
    return Finished(rollout.key, rollout.task.id, messages, "done", reward, tokens_in=100)  # type: ignore[arg-type]


@dataclass
class Engine:
    """Makes rollouts by a function; where that gives None, its process ends."""

    does: Does
    made: list[str] = field(default_factory=list)
    stopped: bool = False

    async def batch(self, folder: Path, rollouts: list[Rollout]) -> AsyncIterator[Event]:
        self.stopped = False
        for rollout in rollouts:
            if self.stopped:
                break
            done = self.does(rollout)
            if done is None:
                raise StorageError("The process of the rollouts ended.")
            self.made.append(rollout.key)
            yield Event("finished", finished=done) if isinstance(done, Finished) else Event("broken", broken=done)
        yield Event("batch")

    async def stop(self) -> None:
        self.stopped = True


@dataclass
class Start:
    """One start of a run."""

    application: Application
    library: Library
    rollouts: Rollouts
    engine: Engine

    async def learn(self, *lessons: str, author: str = "me") -> None:
        """Put lessons into the library."""
        operations = tuple(Operation("ADD", "by hand", content=lesson, status="active") for lesson in lessons)
        current = await self.application.store.libraries.get(self.library.name)
        done = await self.application.store.revisions.commit(Proposal(current, "by hand", author, "person", operations))
        assert len(done.changes) == len(lessons)

    async def lessons(self) -> dict[str, str]:
        """The status of each lesson, by its text, retired ones too."""
        found = await self.application.store.revisions.experiences(self.library, retired=True)
        return {each.content: each.status for each in found}

    async def practise(self) -> None:
        await Practice(self.application, self.rollouts, Progress()).practise(self.library.name)

    async def attempts(self) -> list[Trajectory]:
        groups = await self.application.store.groups.all(self.library)
        found = await self.application.store.groups.with_attempts(self.library, groups)
        return [attempt.trajectory for group in found for attempt in group.attempts]


@asynccontextmanager
async def started(
    folder: Path, does: Does, plan: Plan | None = None, each: Spent | None = None
) -> AsyncIterator[Start]:
    settings = Settings(database_url=f"sqlite+aiosqlite:///{folder / 'library.db'}", embedder="none")
    plan, engine = plan or planned(), Engine(does)
    async with open_application(settings) as application:
        library = await application.store.libraries.ensure("default", settings.library_defaults())
        with closing(Journal(folder / plan.run)) as journal:

            async def begin() -> Engine:
                return engine

            rollouts = Rollouts(plan, journal, begin, Progress(), each)
            yield Start(application, library, rollouts, engine)


def planned(**options: object) -> Plan:
    given = {
        "what": str(Path(__file__).parent),
        "agent": "true",
        "scorer": "exact",
        "rollouts": 3,
        "batch": 2,
        **options,
    }
    return make_plan(Options(**given), "default", TASKS)  # type: ignore[arg-type]
