"""One attempt in few words: only where the attempts of a group do not fit the model's context together."""

from __future__ import annotations

import asyncio

from pydantic import BaseModel

from explib.errors import ModelAnswerInvalid
from explib.models.libraries import LibrarySettings
from explib.models.trajectories import Attempt
from explib_learner.model.asker import Asker
from explib_learner.model.chat import ChatRequest
from explib_learner.prompting.fences import fenced
from explib_learner.prompting.files import PromptFile
from explib_learner.prompting.transcripts import number, transcript
from explib_learner.prompting.truncation import LEAST_TOKENS, clipped_to_tokens

PLACEHOLDERS = frozenset({"task", "reward", "reward_range", "attempt"})

_TASK_SHARE = 4
"""The task gets at most one part in so many of the prompt."""
_FENCE_TOKENS = 60


class SummaryAnswer(BaseModel):
    """What the model answers."""

    summary: str


async def summarise(
    asker: Asker, prompt: PromptFile, attempt: Attempt, library: LibrarySettings, tries: int, budget: int
) -> str:
    """What decided the attempt's result; the attempt is cut so that the prompt has at most `budget` tokens.

    The request has nothing of the group or the library's lessons in it, so an attempt is summarised once.
    """
    question = await asyncio.to_thread(_question, asker, prompt, attempt, library, budget)
    return await asker.settle(question, SummaryAnswer, _text, tries)


def _question(asker: Asker, prompt: PromptFile, attempt: Attempt, library: LibrarySettings, budget: int) -> ChatRequest:
    task = attempt.trajectory.task
    values = {
        "task": fenced("task", clipped_to_tokens(task, budget // _TASK_SHARE)),
        "reward": number(attempt.reward),
        "reward_range": f"{number(library.reward_min)} to {number(library.reward_max)}",
        "attempt": "",
    }
    without_attempt = asker.question("summarise", prompt, SummaryAnswer, values)
    left = budget - without_attempt.prompt_tokens - _FENCE_TOKENS
    values["attempt"] = transcript("attempt", attempt, task).text(max(LEAST_TOKENS, left))
    return asker.question("summarise", prompt, SummaryAnswer, values)


def _text(answer: SummaryAnswer) -> str:
    summary = answer.summary.strip()
    if not summary:
        raise ModelAnswerInvalid("The summary is empty.")
    return summary
