"""The `model` analyst put together: an OpenAI-compatible endpoint, its recorded calls, the budget. Imports openai."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from explib.settings.program import Settings
from explib.storage.store import Store
from explib_learner.analyst import Analyst
from explib_learner.model.analyst import ModelAnalyst
from explib_learner.model.asker import ModelSettings
from explib_learner.model.chat import ChatAnswer, ChatMessage, ChatRequest
from explib_learner.model.openai_chat import OpenAIChat
from explib_learner.model.recorded import RecordedChat

TRIAL_SECONDS = 15.0
TRIAL = ChatRequest(
    step="trial",
    model="",
    messages=(ChatMessage("user", 'Answer with {"works": true}.'),),
    schema_name="trial",
    schema={
        "type": "object",
        "properties": {"works": {"type": "boolean"}},
        "required": ["works"],
        "additionalProperties": False,
    },
    prompt_hash="",
    max_tokens=32,
)
"""A request as the learner makes them, of a few tokens."""


def _endpoint(settings: Settings, timeout: float, retries: int) -> OpenAIChat:
    key = settings.model_api_key.get_secret_value() if settings.model_api_key else os.environ.get("OPENAI_API_KEY")
    return OpenAIChat.connect(settings.model_base_url, key, timeout, retries)


async def try_model(settings: Settings, seconds: float = TRIAL_SECONDS) -> ChatAnswer:
    """What the configured model answers to one short request, tried once. Raises ModelError."""
    endpoint = _endpoint(settings, seconds, retries=0)
    try:
        return await endpoint.ask(replace(TRIAL, model=settings.model_name))
    finally:
        await endpoint.close()


@asynccontextmanager
async def model_analyst(settings: Settings, store: Store) -> AsyncIterator[Analyst]:
    """The analyst as configured; calls under way are ended and connections closed at the end."""
    endpoint = _endpoint(settings, settings.model_timeout, settings.model_retries)
    chat = RecordedChat(
        endpoint, store.model_calls, settings.token_budget_per_day, settings.model_concurrency, store.clock
    )
    asked = ModelSettings(settings.model_name, settings.model_context, settings.model_answer_tokens)
    try:
        yield ModelAnalyst(chat, asked)
    finally:
        try:
            await chat.close()
        finally:
            await endpoint.close()
