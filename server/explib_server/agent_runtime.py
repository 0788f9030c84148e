"""The `agent` analyst put together: steps as big as an attached agent takes, in requests that name their library."""

from __future__ import annotations

from explib.models.libraries import Library
from explib.retrieval.embedding import Embedder
from explib.settings.program import Settings
from explib.storage.store import Store
from explib_learner.agent.loop import AgentLearning
from explib_learner.model.asker import ModelSettings

AGENT_CONTEXT = 20_000
"""Tokens of a step with its answer where EXPLIB_MODEL_CONTEXT isn't set: clients cut longer results of tools."""


def agent_learning(settings: Settings, store: Store, embedder: Embedder | None) -> AgentLearning:
    """Learning by attached agents, as configured."""
    context = settings.model_context if "model_context" in settings.model_fields_set else AGENT_CONTEXT

    def asked(library: Library) -> ModelSettings:
        return ModelSettings(f"agent of library {library.id}", context, settings.model_answer_tokens)

    return AgentLearning(store, asked, settings.lease_seconds, embedder)
