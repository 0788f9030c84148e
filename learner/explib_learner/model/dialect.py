"""How an endpoint wants to be asked, and what its refusals say.

Endpoints differ in what they accept. What one refuses is left out or put differently: the answer's form goes from JSON
schema over "a JSON object" to the schema in the prompt, instructions go from a system message to the user's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

from explib.models.json_value import Json
from explib_learner.model.chat import ChatRequest

_FORMAT_WORDS = ("response_format", "json_schema", "json_object", "json schema", "structured output", "grammar")
_FILTER_WORDS = ("content_filter", "content filter", "content management policy", "content_policy", "moderation")
_GENERATION_WORDS = ("json_validate_failed", "failed_generation", "failed to generate json")
_SYSTEM_ROLE = re.compile(
    r"system\W.{0,30}role|role.{0,30}\Wsystem\b|system (?:message|prompt|instruction)s?\b.{0,40}not"
)
_CONTEXT = re.compile(
    r"context[ _-]?(?:length|size|window|limit)|too long|too many (?:input |prompt )?tokens|reduce the length"
    r"|(?:prompt|input|request)(?: token)?s? (?:length|count|size|tokens?)\b.{0,80}(?:exceed|maximum|limit|contains)"
    r"|(?:exceed|maximum|max|limit)\w*.{0,60}(?:prompt|input|context)\b.{0,20}(?:length|tokens?|size)"
    r"|tokens?\b.{0,60}(?:cannot|can't|must not|may not) exceed|token limit (?:exceeded|reached)"
    r"|too large for (?:the )?(?:model|context)"
)


@dataclass(frozen=True, slots=True)
class Dialect:
    """How an endpoint wants to be asked."""

    form: Literal["json_schema", "json_object", "text"] = "json_schema"
    limit_name: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    temperature: bool = True
    seed: bool = True
    system: bool = True
    """Whether instructions are a system message."""

    def without(self, complaint: str) -> Dialect | None:
        """The next dialect after a refusal in lower case, or None where it names nothing that can be left out."""
        if "max_completion_tokens" in complaint and self.limit_name == "max_tokens":
            return replace(self, limit_name="max_completion_tokens")
        if any(word in complaint for word in _FORMAT_WORDS) and self.form != "text":
            return replace(self, form="json_object" if self.form == "json_schema" else "text")
        if "temperature" in complaint and self.temperature:
            return replace(self, temperature=False)
        if "seed" in complaint and self.seed:
            return replace(self, seed=False)
        if _SYSTEM_ROLE.search(complaint) and self.system:
            return replace(self, system=False)
        return None

    def fields(self, request: ChatRequest) -> dict[str, object]:
        """The request's body, but for the model's name."""
        fields: dict[str, object] = {"messages": self._messages(request), self.limit_name: request.max_tokens}
        if self.temperature:
            fields["temperature"] = request.temperature
        if self.seed:
            fields["seed"] = request.seed
        if self.form == "json_object":
            fields["response_format"] = {"type": "json_object"}
        elif self.form == "json_schema":
            named: dict[str, Json] = {"name": request.schema_name, "strict": True, "schema": request.schema}
            fields["response_format"] = {"type": "json_schema", "json_schema": named}
        return fields

    def _messages(self, request: ChatRequest) -> list[dict[str, str]]:
        messages = [{"role": message.role, "content": message.text} for message in request.messages]
        if self.form != "json_schema":
            messages[-1]["content"] += f"\n\n{request.form_in_words}"
        if not self.system and len(messages) > 1 and messages[0]["role"] == "system":
            instructions = messages.pop(0)["content"]
            messages[0]["content"] = f"{instructions}\n\n{messages[0]['content']}"
        return messages


def speaks_of_context(complaint: str) -> bool:
    """Whether a refusal, in lower case, says that the request has too many tokens."""
    return _CONTEXT.search(complaint) is not None


def speaks_of_filter(complaint: str) -> bool:
    """Whether a refusal, in lower case, is a content filter's."""
    return any(word in complaint for word in _FILTER_WORDS)


def speaks_of_one_generation(complaint: str) -> bool:
    """Whether a refusal, in lower case, is about what the model just wrote, not about the request."""
    return any(word in complaint for word in _GENERATION_WORDS)
