"""Puts the parts together: store, embedder, analyst, pipeline, worker. Each is imported when it is first needed."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import cached_property
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from explib.errors import InvalidSetting, NoDatabase
from explib.models.libraries import Library
from explib.retrieval.embedding import Embedder
from explib.retrieval.retriever import Retriever
from explib.settings.program import Settings
from explib.storage.engine import Access
from explib.storage.store import Store, open_store
from explib.tracing import Link
from explib_server.application import Application

if TYPE_CHECKING:
    from explib_learner.agent.loop import AgentLearning
    from explib_learner.analyst import Analyst
    from explib_learner.model.command_chat import CommandChat
    from explib_learner.model.openai_chat import OpenAIChat
    from explib_learner.pipeline import Pipeline, Run
    from explib_learner.worker import Worker

DAY_SECONDS = 86_400
AGENT_CONTEXT = 20_000
"""Tokens of an agent's step with its answer, unless EXPLIB_MODEL_CONTEXT is set: clients cut longer tool results."""


class Learning:
    """The learner of one open database, with the analyst that the settings choose."""

    def __init__(self, settings: Settings, store: Store, embedder: Embedder | None, closing: AsyncExitStack) -> None:
        self._settings = settings
        self._store = store
        self._embedder = embedder
        self._closing = closing
        self._analyst: Analyst | None = None

    async def analyst(self) -> Analyst:
        """The chosen analyst, made at the first call. Raises InvalidSetting where the attached agent learns instead."""
        if self._analyst is None:
            self._analyst = await self._new_analyst()
        return self._analyst

    async def _new_analyst(self) -> Analyst:
        match self._settings.chosen_analyst():
            case "agent":
                raise InvalidSetting(
                    "With EXPLIB_ANALYST=agent the attached agent learns: start the server with --tools learn and use "
                    "the prompt `learn`, or let the agent call next_analysis. Without it, choose model or contrast."
                )
            case "model":
                return await self._closing.enter_async_context(model_analyst(self._settings, self._store))
            case _:
                from explib_learner.grammar.namer import contrast_analyst

                return contrast_analyst()

    @cached_property
    def by_agent(self) -> AgentLearning:
        """Learning by attached agents, for EXPLIB_ANALYST=agent."""
        from explib_learner.agent.loop import AgentLearning
        from explib_learner.model.asker import ModelSettings

        settings = self._settings
        context = settings.model_context if "model_context" in settings.model_fields_set else AGENT_CONTEXT

        def model_settings(library: Library) -> ModelSettings:
            return ModelSettings(f"agent of library {library.id}", context, settings.model_answer_tokens)

        return AgentLearning(self._store, model_settings, settings.lease_seconds, self._embedder)

    async def pipeline(self) -> Pipeline:
        """The learning pipeline with the chosen analyst."""
        from explib_learner.pipeline import Pipeline

        return Pipeline(self._store, await self.analyst(), self._embedder)

    async def worker(
        self, on_run: Callable[[Run], Awaitable[None]] | None = None, causes: Iterable[Link] = ()
    ) -> Worker:
        """A worker that learns whatever is ready."""
        from explib_learner.worker import Worker

        days = self._settings.retention_days
        retention = None if days is None else days * DAY_SECONDS
        return Worker(self._store, await self.pipeline(), self._settings.lease_seconds, on_run, retention, causes)


def configured_model(settings: Settings, timeout: float, retries: int) -> OpenAIChat | CommandChat:
    """The configured program, else a connection to the configured endpoint; `timeout` in seconds. Imports openai."""
    if settings.model_command:
        from explib_learner.model.command_chat import CommandChat

        return CommandChat(settings.model_command, timeout)
    from explib_learner.model.openai_chat import OpenAIChat

    key = settings.model_api_key.get_secret_value() if settings.model_api_key else os.environ.get("OPENAI_API_KEY")
    return OpenAIChat.connect(settings.model_base_url, key, timeout, retries)


@asynccontextmanager
async def model_analyst(settings: Settings, store: Store) -> AsyncIterator[Analyst]:
    """The `model` analyst as configured; calls under way are ended and connections closed at the end."""
    from explib_learner.model import analyst as model
    from explib_learner.model.asker import ModelSettings
    from explib_learner.model.recorded import RecordedChat

    endpoint = configured_model(settings, settings.model_timeout, settings.model_retries)
    chat = RecordedChat(
        endpoint, store.model_calls, settings.token_budget_per_day, settings.model_concurrency, store.clock
    )
    try:
        limits = ModelSettings(settings.model_name, settings.model_context, settings.model_answer_tokens)
        yield model.model_analyst(chat, limits)
    finally:
        try:
            await chat.close()
        finally:
            await endpoint.close()


def embedder_for(settings: Settings) -> Embedder | None:
    """The embedder that the settings choose; None for retrieval by words only."""
    if settings.embedder == "none":
        return None
    from explib.retrieval.wordllama import WordllamaEmbedder

    return WordllamaEmbedder()


def application_over(settings: Settings, store: Store, closing: AsyncExitStack) -> Application:
    """The application over an open store; what it opens itself is closed by `closing`."""
    embedder = embedder_for(settings)
    learning = Learning(settings, store, embedder, closing)
    application = Application(settings, store, Retriever(store, embedder), learning)
    closing.push_async_callback(application.lifecycle.close)
    return application


@asynccontextmanager
async def open_application(settings: Settings, access: Access = "create") -> AsyncIterator[Application]:
    """The application over the configured database; closed at the end. Raises StorageError.

    Where there is none yet, who only reads sees an empty one elsewhere, which is gone at the end.
    """
    settings.chosen_analyst()  # a wrong setting is reported at the start, not at the first group
    opening = open_store(
        settings.database_url,
        pool_size=settings.database_pool_size,
        statement_timeout=settings.database_statement_timeout,
        access=access,
    )
    async with AsyncExitStack() as closing:
        try:
            store = await closing.enter_async_context(opening)
        except NoDatabase:
            if access != "read":
                raise
            folder = closing.enter_context(TemporaryDirectory(prefix="explib-"))
            empty = f"sqlite+aiosqlite:///{folder}/empty.db"
            async with open_store(empty):
                pass
            store = await closing.enter_async_context(open_store(empty, access="read"))
        yield application_over(settings, store, closing)
