"""The `model` analyst put together: an OpenAI-compatible endpoint, its recorded calls, the budget. Imports openai."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from explib.settings import Settings
from explib.storage.store import Store
from explib_learner.analyst import Analyst
from explib_learner.asking import ModelSettings
from explib_learner.model_analyst import ModelAnalyst
from explib_learner.openai_chat import OpenAIChat
from explib_learner.recorded import RecordedChat


@asynccontextmanager
async def model_analyst(settings: Settings, store: Store) -> AsyncIterator[Analyst]:
    """The analyst as configured; calls under way are ended and connections closed at the end."""
    key = settings.model_api_key.get_secret_value() if settings.model_api_key else os.environ.get("OPENAI_API_KEY")
    endpoint = OpenAIChat.connect(settings.model_base_url, key, settings.model_timeout, settings.model_retries)
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
