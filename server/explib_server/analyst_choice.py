"""Which analyst the settings come to. Imports none of them: a wrong setting is told before anything is opened."""

from __future__ import annotations

from explib.errors import InvalidSetting
from explib.settings.program import Settings

LEAST_PROMPT = 2_000
"""Tokens that the instructions, a repair and the shortest group need."""


def analyst_name(settings: Settings) -> str:
    """Which analyst the settings come to. Raises InvalidSetting where that one cannot work."""
    chosen = settings.analyst
    if chosen == "auto":
        chosen = "model" if settings.model_configured else "contrast"
    if chosen == "model" and not settings.model_configured:
        raise InvalidSetting(
            "EXPLIB_ANALYST is model, but none is configured: set EXPLIB_MODEL (and EXPLIB_MODEL_BASE_URL for an "
            "endpoint other than OpenAI's), use contrast, or agent, with which the attached agent learns."
        )
    if chosen in {"model", "agent"}:
        _check_context(settings)
    return chosen


def _check_context(settings: Settings) -> None:
    if settings.model_context < LEAST_PROMPT + settings.model_answer_tokens:
        raise InvalidSetting(
            f"EXPLIB_MODEL_CONTEXT={settings.model_context} leaves no room for a prompt beside "
            f"EXPLIB_MODEL_ANSWER_TOKENS={settings.model_answer_tokens}: a prompt needs at least {LEAST_PROMPT}."
        )
