"""The one place where concrete parts are chosen and put together: store, embedder, analyst, pipeline, worker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from explib.errors import InvalidSetting, InvalidTask, TooLarge, UnknownLibrary
from explib.lifecycle import Lifecycle
from explib.models.libraries import Library
from explib.models.submissions import Grade, Receipt, Signature, Submission
from explib.retrieval.embedding import Embedder
from explib.retrieval.serving import MAX_TASK_CHARACTERS, Retriever, Served
from explib.settings import Settings
from explib.signing import verify
from explib.storage.store import Store, open_store
from explib.text.redaction import redact, redact_submission
from explib.tracing import Link, span
from explib.trajectories import parse_trajectory
from explib.words import says_something, storable
from explib_learner.analyst import Analyst
from explib_learner.pipeline import Pipeline, Run
from explib_learner.worker import Worker
from explib_server.analyst_choice import analyst_name
from explib_server.callers import current_caller

if TYPE_CHECKING:
    from explib_learner.agent.learning import AgentLearning

DAY_SECONDS = 86_400
THREAD_CHARACTERS = 16_384
"""A longer trajectory is parsed and redacted in a thread, so that others don't wait for it."""
TEXT_LIMITS = {
    "task": MAX_TASK_CHARACTERS,
    "answer": 100_000,
    "ground_truth": 100_000,
    "feedback": 100_000,
    "retrieval_id": 100,
    "group": 1_000,
    "agent": 1_000,
    "model": 1_000,
    "idempotency_key": 1_000,
}
"""Most characters of each text beside the trajectory, which has its own limit."""


@dataclass(frozen=True, slots=True)
class Target:
    """The attempt that a reward is for, by one of its two names."""

    trajectory_id: str | None = None
    retrieval_id: str | None = None


class Runtime:
    """An open experience library: what the MCP server, the importer and the command line act through."""

    def __init__(self, settings: Settings, store: Store, closing: AsyncExitStack) -> None:
        self.settings = settings
        self.store = store
        self.experiences = Retriever(store, _embedder(settings))
        self.lifecycle = Lifecycle(store)
        self._closing = closing
        self._analyst: Analyst | None = None
        self._on_submission: list[Callable[[], None]] = []

    async def library(self, name: str | None = None) -> Library:
        """The named library, or the configured one (created where it doesn't exist), within the caller's reach.

        Raises UnknownLibrary and NotAllowed.
        """
        caller = current_caller()
        chosen = storable(caller.library(name, self.settings.library))
        try:
            return await self.store.libraries.get(chosen)
        except UnknownLibrary as error:
            if chosen == self.settings.library:
                return await self.store.libraries.ensure(chosen, self.settings.library_defaults())
            if caller.libraries is None:
                raise
            raise caller.not_made_yet(chosen) from error

    async def libraries(self) -> list[Library]:
        """Every library within the caller's reach, by name."""
        caller = current_caller()
        return [library for library in await self.store.libraries.all() if caller.reaches(library.name)]

    async def fetch(self, library: Library, task: str, limit: int | None = None, session: str | None = None) -> Served:
        """The experiences for a task; the task is redacted before the retrieval is recorded. Raises InvalidInput.

        What one `session` asks again before it submits anything is answered again.
        """
        _check_size("task", task)
        with span("fetch", library=library.name) as seen:
            served = await self.experiences.serve(library, self._clean(task)[0], limit, session)
            seen.set_attributes(
                {"explib.revision": served.retrieval.revision, "explib.served": len(served.experiences)}
            )
        return served

    async def submit(
        self, library: Library, trajectory: object, fields: Submission, session: str | None = None
    ) -> Receipt:
        """Parse, redact, store: a trajectory in its own shape, and everything else in `fields` (without steps).

        An attempt that names no retrieval belongs to what its `session` was last served for the task: many clients
        show their model the text of an answer only. Durable when it returns. Raises InvalidInput, NotFound, Conflict.
        """
        if not says_something(fields.task):
            raise InvalidTask
        for name in TEXT_LIMITS:
            _check_size(name, getattr(fields, name))
        if isinstance(trajectory, str) and len(trajectory) < THREAD_CHARACTERS:
            submission = self._prepare(trajectory, fields)
        else:
            submission = await asyncio.to_thread(self._prepare, trajectory, fields)
        retrieval_id = submission.retrieval_id or self.experiences.open_retrieval(library, submission.task, session)
        if retrieval_id is not None:
            await self.store.retrievals.awaited(library, retrieval_id)
        submitter = current_caller().identity(submission.agent)
        submission = replace(submission, submitter=submitter, open_retrieval_id=retrieval_id)
        with span("submit", library=library.name) as seen:
            receipt = await self.store.trajectories.submit(library, submission)
            seen.set_attributes({"explib.trajectory": receipt.trajectory_id, "explib.duplicate": receipt.duplicate})
            if retrieval_id is not None and not receipt.duplicate:
                self.experiences.submitted(retrieval_id)
            self._stored(library, receipt)
        return _noted(receipt, library, counts=submission.reward is None)

    async def report_reward(
        self, target: Target, reward: float, feedback: str | None, signature: str | None = None
    ) -> Receipt:
        """Give or correct a reward, signed by the environment or not. Durable when it returns.

        Raises InvalidInput (InvalidSignature too), NotFound and RewardConflict.
        """
        _check_size("feedback", feedback)
        trajectories = self.store.trajectories
        library, identity = await trajectories.locate(
            trajectory_id=target.trajectory_id, retrieval_id=target.retrieval_id, within=current_caller().libraries
        )
        said, redactions = (None, 0) if feedback is None else self._clean(feedback)
        checked = None if signature is None else await self._verified(library, target, reward, signature)
        caller = current_caller()
        reporter = None if caller.token_id is None else caller.identity()
        receipt = await trajectories.report_reward(library, identity, Grade(reward, said, reporter, checked))
        self._stored(library, receipt)
        return _noted(replace(receipt, redactions=redactions), library, counts=signature is not None)

    async def _verified(self, library: Library, target: Target, reward: float, signature: str) -> Signature:
        keys = await self.store.tokens.reward_keys(library.name)
        attempt = target.trajectory_id or target.retrieval_id or ""
        return verify(signature, keys, attempt, reward, self.store.clock())

    def clean(self, text: str) -> str:
        """The text fit to be stored, without secrets."""
        return self._clean(text)[0]

    def _clean(self, text: str) -> tuple[str, int]:
        clean, found = redact(storable(text), self.settings.redact_personal)
        return clean, found.total()

    def _prepare(self, trajectory: object, fields: Submission) -> Submission:
        steps = parse_trajectory(trajectory, self.settings.max_trajectory_bytes)
        return redact_submission(replace(fields, steps=steps), personal=self.settings.redact_personal)

    def _stored(self, library: Library, receipt: Receipt) -> None:
        if receipt.scored:
            self.experiences.rewarded(library)
            self.lifecycle.rewarded(library)
        self.submitted()

    def submitted(self) -> None:
        """Tell whoever waits for it that something new is stored."""
        for told in self._on_submission:
            told()

    def on_submission(self, told: Callable[[], None]) -> None:
        """Call `told` after every stored submission or reward of this process."""
        self._on_submission.append(told)

    async def analyst(self) -> Analyst:
        """The configured analyst, built at the first call; `auto` is `model` where one is configured.

        Raises InvalidSetting where it is the attached agent, which learns by its own calls: see `agent`.
        """
        if self._analyst is None:
            chosen = analyst_name(self.settings)
            if chosen == "agent":
                raise InvalidSetting(
                    "With EXPLIB_ANALYST=agent the attached agent learns: give it the prompt `learn` of a server with "
                    "--tools all, or have it call next_analysis. To learn without it choose model or contrast."
                )
            if chosen == "model":
                from explib_server.model_runtime import model_analyst

                self._analyst = await self._closing.enter_async_context(model_analyst(self.settings, self.store))
            else:
                from explib_learner.contrast.analyst import ContrastAnalyst

                self._analyst = ContrastAnalyst()
        return self._analyst

    @cached_property
    def agent(self) -> AgentLearning:
        """Learning by attached agents, for EXPLIB_ANALYST=agent."""
        from explib_server.agent_runtime import agent_learning

        return agent_learning(self.settings, self.store, self.experiences.embedder)

    async def pipeline(self) -> Pipeline:
        """The learning pipeline with the configured analyst."""
        return Pipeline(self.store, await self.analyst(), self.experiences.embedder)

    async def worker(
        self, on_run: Callable[[Run], Awaitable[None]] | None = None, causes: Iterable[Link] = ()
    ) -> Worker:
        """A worker that learns whatever is ready."""
        days = self.settings.retention_days
        retention = None if days is None else days * DAY_SECONDS
        return Worker(self.store, await self.pipeline(), self.settings.lease_seconds, on_run, retention, causes)


def _noted(receipt: Receipt, library: Library, *, counts: bool) -> Receipt:
    """With a word about a reward that is no evidence here."""
    if counts or not library.settings.signed_rewards_only:
        return receipt
    note = "this library takes only signed rewards as evidence: this one teaches, but proves nothing"
    return replace(receipt, note=note)


def _check_size(name: str, text: str | None) -> None:
    limit = TEXT_LIMITS[name]
    if text is not None and len(text) > limit:
        raise TooLarge(f"{name} has {len(text):,} characters, at most {limit:,} are taken: shorten it.")


def _embedder(settings: Settings) -> Embedder | None:
    if settings.embedder == "none":
        return None
    from explib.retrieval.wordllama_embedding import WordllamaEmbedder

    return WordllamaEmbedder()


@asynccontextmanager
async def open_runtime(settings: Settings) -> AsyncIterator[Runtime]:
    """The runtime over the configured database; closed at the end. Raises StorageError."""
    analyst_name(settings)  # a wrong setting is told at the start, not at the first group
    opening = open_store(
        settings.database_url,
        pool_size=settings.database_pool_size,
        statement_timeout=settings.database_statement_timeout,
    )
    async with opening as store, AsyncExitStack() as closing:
        runtime = Runtime(settings, store, closing)
        closing.push_async_callback(runtime.lifecycle.close)
        yield runtime
