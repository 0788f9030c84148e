"""The seam between a learning step and the language model that answers it.

Implementations: `openai_chat` (any OpenAI-compatible endpoint), `command_chat` (a program, e.g. a person's own agent).
`recorded` stands in front and stores every answer.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from explib.models.json_value import Json
from explib.text.words import estimate_tokens

_TOKENS_PER_MESSAGE = 8
"""Tokens that an endpoint adds for the role and the borders of one message (OpenAI: 3 to 4, others more)."""

CUT_OFF = "[cut off at its limit of tokens]"
"""Ends the text of an answer that the endpoint says it cut off."""
WITHHELD = "[withheld by a content filter]"
"""Ends the text of an answer that the endpoint's filter took out or broke off."""

Speaker: TypeAlias = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One message of a request."""

    role: Speaker
    text: str


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """Everything that decides what a model answers: two equal requests are the same call and are bought once."""

    step: str
    """Which step of learning asks, for the record, e.g. `contrast` or `contrast repair`."""
    model: str
    messages: tuple[ChatMessage, ...]
    schema_name: str
    schema: dict[str, Json]
    """JSON schema of the answer."""
    prompt_hash: str
    """SHA-256 of the prompt file that the messages were filled from."""
    max_tokens: int
    """Most tokens of the answer."""
    temperature: float = 0.2
    seed: int = 0
    attempt: int = 0
    """Which try of the step this is: another try is another request, so no bad stored answer is replayed for ever."""

    @property
    def hash(self) -> str:
        """SHA-256 over model, messages, schema, sampling and try."""
        asked: Json = {
            "model": self.model,
            "messages": [[message.role, message.text] for message in self.messages],
            "schema": self.schema,
            "sampling": [self.max_tokens, self.temperature, self.seed],
            "attempt": self.attempt,
        }
        return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()

    @property
    def form_in_words(self) -> str:
        """The form of the answer, for a model that takes it in its prompt only."""
        return f"Answer with one JSON object of this schema and nothing else:\n{json.dumps(self.schema)}"

    @property
    def prompt_tokens(self) -> int:
        """About how many tokens the prompt has."""
        return sum(estimate_tokens(message.text) + _TOKENS_PER_MESSAGE for message in self.messages)


@dataclass(frozen=True, slots=True)
class ChatAnswer:
    """What a model answered: raw text (it may be empty, cut off or not JSON) and the tokens that were paid for it.

    What the endpoint says about the answer's end is the end of its text, so that a stored answer says it too.
    """

    text: str
    prompt_tokens: int
    completion_tokens: int


class ChatModel(Protocol):
    """Answers a request."""

    async def ask(self, request: ChatRequest) -> ChatAnswer:
        """The model's answer.

        Raises:
            ModelUnavailable: the endpoint failed or gave no answer that was paid for; worth another try later.
            ModelMisconfigured: key, name or address are wrong.
            ModelAnswerInvalid: the endpoint's filter refuses to answer about this content.
            PromptTooLong: the request does not fit the model's context.
        """
        ...
