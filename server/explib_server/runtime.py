"""The one place where concrete parts are chosen and put together: store, embedder, analyst, pipeline, worker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace

from explib.errors import InvalidSetting
from explib.models import Library, Receipt, Submission
from explib.redaction import redact, redact_submission
from explib.retrieval.embedding import Embedder
from explib.retrieval.serving import ExperienceServer, Served
from explib.settings import Settings
from explib.storage.store import Store, open_store
from explib.trajectories import parse_trajectory
from explib.words import storable
from explib_learner.analyst import Analyst
from explib_learner.pipeline import Pipeline, Run
from explib_learner.worker import Worker

THREAD_BYTES = 64 * 1024
"""A trajectory longer than this is parsed and redacted in a thread, so that others don't wait for it."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A submission as it comes from outside: the trajectory still in its own shape, nothing redacted."""

    trajectory: object
    fields: Submission
    """Everything else; its `steps` are empty."""


class Runtime:
    """An open experience library: what the MCP server, the importer and the command line act through."""

    def __init__(self, settings: Settings, store: Store, closing: AsyncExitStack) -> None:
        self.settings = settings
        self.store = store
        self.experiences = ExperienceServer(store, _embedder(settings))
        self._closing = closing
        self._analyst: Analyst | None = None
        self._on_submission: list[Callable[[], None]] = []

    async def library(self, name: str | None = None) -> Library:
        """The named library, or the configured one (created where it doesn't exist). Raises UnknownLibrary."""
        if name is None or name == self.settings.library:
            return await self.store.libraries.ensure(self.settings.library, self.settings.library_defaults())
        return await self.store.libraries.get(name)

    async def fetch(self, library: Library, task: str, limit: int | None = None) -> Served:
        """The experiences for a task; the task is redacted before the retrieval is recorded. Raises InvalidInput."""
        clean, _ = redact(storable(task), emails=self.settings.redact_emails)
        return await self.experiences.serve(library, clean, limit)

    async def submit(self, library: Library, offer: Offer) -> Receipt:
        """Parse, redact, store. Durable when it returns. Raises InvalidInput, NotFound and Conflict."""
        large = isinstance(offer.trajectory, str) and len(offer.trajectory) > THREAD_BYTES
        if large or not isinstance(offer.trajectory, str):
            submission = await asyncio.to_thread(self._prepare, offer)
        else:
            submission = self._prepare(offer)
        receipt = await self.store.trajectories.submit(library, submission)
        self.submitted()
        return receipt

    def _prepare(self, offer: Offer) -> Submission:
        steps = parse_trajectory(offer.trajectory, self.settings.max_trajectory_bytes)
        return redact_submission(replace(offer.fields, steps=steps), emails=self.settings.redact_emails)

    def submitted(self) -> None:
        """Tell whoever waits for it that something new is stored."""
        for told in self._on_submission:
            told()

    def on_submission(self, told: Callable[[], None]) -> None:
        """Call `told` after every stored submission or reward of this process."""
        self._on_submission.append(told)

    async def analyst(self) -> Analyst:
        """The configured analyst, built at the first call; `auto` is `model` where one is configured."""
        if self._analyst is None:
            if analyst_name(self.settings) == "model":
                from explib_server.model_runtime import model_analyst

                self._analyst = await self._closing.enter_async_context(model_analyst(self.settings, self.store))
            else:
                from explib_learner.contrast.analyst import ContrastAnalyst

                self._analyst = ContrastAnalyst()
        return self._analyst

    async def pipeline(self) -> Pipeline:
        """The learning pipeline with the configured analyst."""
        return Pipeline(self.store, await self.analyst(), self.store.clock)

    async def worker(self, on_run: Callable[[Run], Awaitable[None]] | None = None) -> Worker:
        """A worker that learns whatever is ready."""
        return Worker(self.store, await self.pipeline(), self.settings.lease_seconds, on_run)


def analyst_name(settings: Settings) -> str:
    """Which analyst the settings come to. Raises InvalidSetting where that one cannot work."""
    if settings.analyst == "auto":
        return "model" if settings.model_configured else "contrast"
    if settings.analyst == "model" and not settings.model_configured:
        raise InvalidSetting(
            "EXPLIB_ANALYST is model, but none is configured: set EXPLIB_MODEL (and EXPLIB_MODEL_BASE_URL for an "
            "endpoint other than OpenAI's), or use contrast."
        )
    if settings.analyst == "agent":
        raise InvalidSetting("EXPLIB_ANALYST=agent is not part of this version: use model, contrast or auto.")
    return settings.analyst


def _embedder(settings: Settings) -> Embedder | None:
    if settings.embedder == "none":
        return None
    from explib.retrieval.wordllama_embedding import WordllamaEmbedder

    return WordllamaEmbedder()


@asynccontextmanager
async def open_runtime(settings: Settings) -> AsyncIterator[Runtime]:
    """The runtime over the configured database; closed at the end. Raises StorageError."""
    analyst_name(settings)  # a wrong setting is told at the start, not at the first group
    async with open_store(settings.database_url) as store, AsyncExitStack() as closing:
        yield Runtime(settings, store, closing)
