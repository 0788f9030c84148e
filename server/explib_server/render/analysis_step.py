"""A step of the learner as an attached agent reads it."""

from __future__ import annotations

import json
from dataclasses import dataclass

from explib.models.json_value import Json
from explib.models.learning import AnalysisStep
from explib_learner.prompting.fences import fenced


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: the very messages that a model would get."""

    call_id: str
    step: str
    instructions: str
    input: str
    schema: dict[str, Json]

    def text(self) -> str:
        """All of it, for a client that shows its model texts only."""
        schema = json.dumps(self.schema, separators=(",", ":"))
        return f"# Instructions\n{self.instructions}\n\n# Input\n{self.input}\n\n# Response schema\n{schema}"


def question(step: AnalysisStep) -> Question:
    """The step's messages: the system's are instructions, the user's are input, an answer that is repaired is data."""
    instructions = "\n\n".join(text for role, text in step.messages if role == "system")
    read = [fenced("earlier answer", text) if role == "assistant" else text for role, text in _said(step)]
    return Question(step.id, step.step, instructions, "\n\n".join(read), step.schema)


def _said(step: AnalysisStep) -> list[tuple[str, str]]:
    return [(role, text) for role, text in step.messages if role != "system"]
