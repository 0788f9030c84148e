"""The loop: rollouts with the lessons of now, their rewards, learning, the next rollouts. What is finished stays so."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Protocol, TypeAlias

from explib.errors import BudgetExceeded, ExplibError, InvalidInput, ModelUnavailable
from explib.models.libraries import Library
from explib.models.submissions import RawSubmission
from explib.text.words import number_of
from explib_learner.pipeline import Run
from explib_learner.worker import lease_name
from explib_server.application import Application
from explib_server.practice.journal import Journal
from explib_server.practice.lessons import with_lessons
from explib_server.practice.plan import Batch, Plan
from explib_server.practice.prices import Spent, rollouts_cost, usd_of
from explib_server.practice.protocol import Broken, Event, Finished, Rollout
from explib_server.practice.tasks import PracticeTask

Ended: TypeAlias = Callable[[Finished], Awaitable[None]]
BROKEN_IN_A_ROW, BROKEN_TASKS = 5, 3
"""Rollouts that break one after the other, and tasks among them: then none is begun any more, the provider is down."""
LOOK_SECONDS = 1.0
"""How often a library that another process learns is looked at."""
LONGEST_WAIT_SECONDS = 600.0


@dataclass(slots=True)
class Progress:
    """What is told while a run goes on."""

    rollout: Callable[[Finished], object] = lambda _: None
    broken: Callable[[Broken], object] = lambda _: None
    learned: Callable[[Run], object] = lambda _: None
    batch: Callable[[Batch], object] = lambda _: None


class MakesRollouts(Protocol):
    """The engine, as the loop needs it."""

    def batch(self, folder: Path, rollouts: list[Rollout]) -> AsyncIterator[Event]:
        """Make these; each one as it ends, then one event `batch`."""

    async def stop(self) -> None:
        """Begin no further one of the batch."""


async def _nothing_more(_: Finished) -> None:
    """A rollout that has ended needs nothing more than to be written down."""


@dataclass(slots=True)
class Rollouts:
    """Makes rollouts that are not finished yet, within the budget, and writes each down as it ends."""

    plan: Plan
    journal: Journal
    begin: Callable[[], Awaitable[MakesRollouts]]
    """Starts the engine, or gives the one that is there: a run that is finished needs none."""
    progress: Progress
    each: Spent | None = None
    """What one is guessed to cost."""
    broken: list[Broken] = field(default_factory=list)
    _in_a_row: list[str] = field(default_factory=list)
    """The tasks of those that broke since the last one that was finished."""

    async def make(self, wanted: Sequence[tuple[Rollout, int]], ended: Ended = _nothing_more) -> None:
        """Every one of these; `ended` follows each while others go on.

        Raises BudgetExceeded, and ModelUnavailable where they only break.
        """
        if not wanted:
            return
        self._check_budget(len(wanted))
        by_key = {rollout.key: (rollout, revision) for rollout, revision in wanted}
        problem: ExplibError | None = None
        engine = await self.begin()
        rollouts = [replace(rollout, revision=revision) for rollout, revision in wanted]
        async for event in engine.batch(self.journal.folder, rollouts):
            if event.finished is not None:
                rollout, revision = by_key[event.finished.key]
                self._in_a_row.clear()
                self.journal.finish(event.finished, rollout.retrieval_id, revision)
                self.progress.rollout(event.finished)
                await ended(event.finished)
            elif event.broken is not None:
                self._in_a_row.append(by_key[event.broken.key][0].task.id)
                self.broken.append(event.broken)
                self.progress.broken(event.broken)
            elif event.reason:
                problem = ModelUnavailable(
                    f"Inspect could not run the batch: {event.reason}. The same command goes on."
                )
            if problem is None and (problem := self._problem()) is not None:
                await engine.stop()
        if problem is not None:
            raise problem

    def _problem(self) -> ExplibError | None:
        """Why no further rollout should be begun; None where nothing speaks against it."""
        tasks = min(BROKEN_TASKS, len(self.plan.tasks) or len(self.plan.held_out))
        if len(self._in_a_row) >= BROKEN_IN_A_ROW and len(set(self._in_a_row)) >= tasks:
            return ModelUnavailable(
                f"{len(self._in_a_row)} rollouts in a row broke, the last by: {self.broken[-1].reason}. What was "
                "finished is kept; the same command goes on when that is mended."
            )
        budget, spent = self.plan.options.budget, self.journal.spent
        if budget is None or budget.covers(spent) or (budget.usd is not None and spent.usd is None):
            return None
        return BudgetExceeded(
            f"The budget of {budget} is spent ({spent}). What was finished is kept; the same command with a larger "
            "--budget goes on."
        )

    def _check_budget(self, number: int) -> None:
        budget, spent = self.plan.options.budget, self.journal.spent
        each = self.journal.mean_cost or self.each
        if budget is None or each is None:
            return
        if self.plan.options.agent and not each.tokens and not each.usd:
            raise InvalidInput(
                f"--budget {budget}: what the agent costs cannot be counted, for its program tells neither tokens nor "
                "dollars. Leave it out and bound the run by --tasks and --rollouts."
            )
        if budget.usd is not None and (spent.usd is None or each.usd is None):
            raise InvalidInput(
                "--budget in dollars: the price of this model is not known. Give it in tokens, as 2Mtok."
            )
        needed = rollouts_cost(number, each)
        if not budget.covers(spent + needed):
            raise BudgetExceeded(
                f"The budget of {budget} does not do for the next {number_of(number, 'rollout')} (about {needed}; "
                f"spent so far: {spent}): raise --budget, or take fewer --tasks or --rollouts, or a smaller --batch. "
                "The same command goes on."
            )


@dataclass(slots=True)
class Practice:
    """Practises one library by a plan."""

    application: Application
    rollouts: Rollouts
    progress: Progress

    async def practise(self, name: str) -> None:
        """Every batch of every epoch, from where an earlier start left it. Raises what `Rollouts.make` raises."""
        for batch in self.rollouts.plan.batches():
            self.progress.batch(batch)
            library = await self.application.store.libraries.get(name)
            problem: Exception | None = None
            try:
                submit = partial(self._submit_each, library, {task.id: task for task in batch.tasks}, batch.epoch)
                ended = _nothing_more if self.rollouts.plan.options.control else submit
                await self.rollouts.make(await self._wanted(library, batch), ended)
            except (BudgetExceeded, ModelUnavailable) as error:
                problem = error
            await self._submit(library, batch)
            await self._learn(library)
            if problem is not None:
                raise problem

    async def _wanted(self, library: Library, batch: Batch) -> list[tuple[Rollout, int]]:
        """The batch's rollouts that are not finished, each with lessons of its own."""
        plan, finished = self.rollouts.plan, self.rollouts.journal.finished
        missing = [
            (key, task)
            for task in batch.tasks
            for number in range(1, plan.options.rollouts + 1)
            if (key := plan.key(task, batch.epoch, number)) not in finished
        ]
        return [await with_lessons(self.application, library, key, task) for key, task in missing]

    async def _submit(self, library: Library, batch: Batch) -> None:
        """Hand in what is finished and not stored: each rollout once, whatever ended this program before."""
        plan, journal = self.rollouts.plan, self.rollouts.journal
        tasks = {task.id: task for task in batch.tasks}
        keys = [
            plan.key(task, batch.epoch, number)
            for task in batch.tasks
            for number in range(1, plan.options.rollouts + 1)
        ]
        made = [journal.finished[key] for key in keys if key in journal.finished]
        grades = [(rollout.reward, rollout.note) for rollout in made]
        if plan.options.control:
            random.Random(f"{plan.run}/{batch.epoch}/{batch.number}").shuffle(grades)  # noqa: S311 nothing secret
        for rollout, (reward, note) in zip(made, grades, strict=True):
            if rollout.key not in journal.stored:
                await self._submit_each(library, tasks, batch.epoch, replace(rollout, reward=reward, note=note))

    async def _submit_each(
        self, library: Library, tasks: Mapping[str, PracticeTask], epoch: int, rollout: Finished
    ) -> None:
        plan, journal, task = self.rollouts.plan, self.rollouts.journal, tasks[rollout.task_id]
        await self.application.submit(
            library,
            RawSubmission(
                task.input,
                rollout.messages,
                rollout.reward,
                answer=rollout.answer or None,
                ground_truth=None if plan.options.control else task.target,  # it would tell the true rewards
                feedback=rollout.note or None,
                retrieval_id=journal.retrievals[rollout.key][0],
                group=plan.group(task, epoch),
                agent=f"practice {plan.run}",
                model=rollout.model or None,
                idempotency_key=rollout.key,
                reward_source=plan.reward_source,
            ),
        )
        journal.store(rollout.key)

    async def _learn(self, library: Library) -> None:
        """Act on the rewards (a revision that costs reward is taken back), then learn what is ready."""
        await self.application.store.retrievals.flush()
        await self.application.lifecycle.look(library)
        settings = self.application.settings

        async def told(run: Run) -> None:
            tokens = run.cost.tokens
            price = usd_of(settings.model_name, run.cost.prompt_tokens, run.cost.completion_tokens)
            if tokens:
                self.rollouts.journal.learn(tokens, price)
            self.progress.learned(run)

        worker = await self.application.learning.worker(told)
        await worker.learn_ready(library.name)
        async with asyncio.timeout(LONGEST_WAIT_SECONDS):
            while await self.application.store.leases.holder(lease_name(library)) is not None:
                await asyncio.sleep(LOOK_SECONDS)
                await worker.learn_ready(library.name)
