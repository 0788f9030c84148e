"""A chat model behind any OpenAI-compatible endpoint. The only module that imports `openai`, and only when it is used.

Endpoints differ in what they accept. What one refuses is left out or put differently from then on (`_Dialect`): the
answer's form goes from JSON schema over "a JSON object" to the schema in the prompt.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel

from explib.errors import ModelAnswerInvalid, ModelError, ModelMisconfigured, ModelUnavailable, PromptTooLong
from explib.models.json_value import Json
from explib.text.redaction import redacted
from explib.text.words import estimate_tokens, storable
from explib_learner.model.chat import ChatAnswer, ChatRequest

if TYPE_CHECKING:
    from openai import APIStatusError, AsyncOpenAI

_MOST_DIALECTS = 6
"""Requests to try before giving up on an endpoint that refuses every form: each refused field costs one."""
_QUOTED_CHARACTERS = 300
_REFUSED = (400, 422)
_UNAVAILABLE = (408, 409, 425, 429)
_TOO_LARGE = 413
_SERVER_ERROR = 500
_CONTEXT_WORDS = ("context length", "context_length", "context size", "context_size", "context window", "too long")
_FILTER_WORDS = ("content_filter", "content filter", "content management policy", "content_policy", "moderation")
_FORMAT_WORDS = ("response_format", "json_schema", "json_object", "json schema", "structured output", "grammar")


@dataclass(frozen=True, slots=True)
class _Dialect:
    """How this endpoint wants to be asked."""

    form: Literal["json_schema", "json_object", "text"] = "json_schema"
    limit_name: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    temperature: bool = True
    seed: bool = True

    def without(self, complaint: str) -> _Dialect | None:
        """The next dialect after a refusal, or None where the complaint names nothing that can be left out."""
        if "max_completion_tokens" in complaint and self.limit_name == "max_tokens":
            return replace(self, limit_name="max_completion_tokens")
        if any(word in complaint for word in _FORMAT_WORDS) and self.form != "text":
            return replace(self, form="json_object" if self.form == "json_schema" else "text")
        if "temperature" in complaint and self.temperature:
            return replace(self, temperature=False)
        if "seed" in complaint and self.seed:
            return replace(self, seed=False)
        return None


class _Part(BaseModel):
    text: str = ""


class _Message(BaseModel):
    content: str | list[_Part] | None = None
    refusal: str | None = None


class _Choice(BaseModel):
    message: _Message


class _Usage(BaseModel):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class _Completion(BaseModel):
    """The part of a chat completion that is read here."""

    choices: list[_Choice]
    usage: _Usage | None = None


class OpenAIChat:
    """Asks an OpenAI-compatible endpoint; the client's own `max_retries` repeats 429, 5xx and lost connections."""

    def __init__(self, client: AsyncOpenAI) -> None:
        self._client = client
        self._dialect = _Dialect()

    @classmethod
    def connect(
        cls, base_url: str | None, api_key: str | None, timeout_seconds: float = 300.0, max_retries: int = 4
    ) -> OpenAIChat:
        """A chat at this address (None: OpenAI's own). Blanks around a key (a mounted file ends
        with a line end) are no part of it. Without a key a placeholder is sent: local servers want none.
        """
        from openai import AsyncOpenAI

        client = AsyncOpenAI(
            base_url=base_url,
            api_key=(api_key or "").strip() or "none",
            timeout=timeout_seconds,
            max_retries=max_retries,
        )
        return cls(client)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def ask(self, request: ChatRequest) -> ChatAnswer:
        """The endpoint's answer; see `ChatModel` for what it raises."""
        import openai

        for _ in range(_MOST_DIALECTS):
            dialect = self._dialect
            try:
                return self._answer(await self._post(request, dialect), request)
            except openai.APIStatusError as error:
                if not self._adapted(dialect, error):
                    raise self._explained(error) from error
            except openai.APITimeoutError as error:
                raise ModelUnavailable(
                    "The model's endpoint did not answer in time: see if it is overloaded, or still loading the model."
                ) from error
            except openai.APIError as error:
                why = self._quoted(str(error.__cause__ or error))
                raise ModelUnavailable(
                    f"The model's endpoint can't be reached, or broke off ({why}): check that it is running, and that "
                    "EXPLIB_MODEL_BASE_URL is its address."
                ) from error
        raise ModelMisconfigured(
            "The endpoint refuses every form of the request: check that EXPLIB_MODEL_BASE_URL speaks chat completions."
        )

    async def _post(self, request: ChatRequest, dialect: _Dialect) -> bytes:
        messages = [{"role": message.role, "content": message.text} for message in request.messages]
        if dialect.form != "json_schema":
            last = messages[-1]["content"]
            messages[-1]["content"] = (
                f"{last}\n\nAnswer with one JSON object of this schema and nothing else:\n{json.dumps(request.schema)}"
            )
        fields: dict[str, object] = {"messages": messages, dialect.limit_name: request.max_tokens}
        if dialect.temperature:
            fields["temperature"] = request.temperature
        if dialect.seed:
            fields["seed"] = request.seed
        if dialect.form != "text":
            fields["response_format"] = _response_format(request, dialect)
        raw = await self._client.chat.completions.with_raw_response.create(
            model=request.model, messages=[], extra_body=fields
        )
        return raw.content

    def _adapted(self, used: _Dialect, error: APIStatusError) -> bool:
        """Whether another dialect is worth a try; a concurrent request may have found it already."""
        complaint = _complaint(error).casefold()
        if error.status_code not in _REFUSED or _is_context_problem(complaint):
            return False
        if self._dialect == used:
            other = used.without(complaint)
            if other is None:
                return False
            self._dialect = other
        return True

    def _explained(self, error: APIStatusError) -> ModelError:
        said = self._quoted(_complaint(error))
        answer = f"HTTP {error.status_code}: {said}"
        if error.status_code == _TOO_LARGE or _is_context_problem(said.casefold()):
            return PromptTooLong(f"{PromptTooLong.__doc__} The endpoint answered {answer}")
        if error.status_code in _REFUSED and any(word in said.casefold() for word in _FILTER_WORDS):
            return ModelAnswerInvalid(f"The endpoint does not answer about these attempts. It answered {answer}")
        if error.status_code in _UNAVAILABLE or error.status_code >= _SERVER_ERROR:
            return ModelUnavailable(
                f"The model's endpoint can't answer now: see its log and its limits. It said {answer}"
            )
        return ModelMisconfigured(f"{ModelMisconfigured.__doc__} It answered {answer}")

    def _answer(self, body: bytes, request: ChatRequest) -> ChatAnswer:
        """Read a completion. An answer without text is an answer (it was paid for); a body without one is a failure."""
        try:
            readable = storable(
                json.dumps(json.loads(body), ensure_ascii=False)
            )  # a lone surrogate must not cost the answer
            completion = _Completion.model_validate_json(readable)
        except (ValueError, RecursionError) as error:
            said = self._quoted(body.decode("utf-8", "replace")) or "an empty body"
            raise ModelUnavailable(
                f"The endpoint answered no chat completion: check EXPLIB_MODEL_BASE_URL. It said {said}"
            ) from error
        if not completion.choices and completion.usage is None:
            raise ModelUnavailable("The endpoint answered a chat completion without a choice: see its log.")
        text = storable(_text(completion.choices[0].message)) if completion.choices else ""
        usage = completion.usage or _Usage()
        return ChatAnswer(
            text,
            _counted(usage.prompt_tokens, request.prompt_tokens),
            _counted(usage.completion_tokens, estimate_tokens(text)),
        )

    def _quoted(self, said: str) -> str:
        """What the endpoint said, without our key or any other secret, and not too long for a message."""
        return redacted(storable(said).replace(self._client.api_key, "[key]"))[:_QUOTED_CHARACTERS]


def _response_format(request: ChatRequest, dialect: _Dialect) -> dict[str, Json]:
    if dialect.form == "json_object":
        return {"type": "json_object"}
    named: dict[str, Json] = {"name": request.schema_name, "strict": True, "schema": request.schema}
    return {"type": "json_schema", "json_schema": named}


def _complaint(error: APIStatusError) -> str:
    code = f"{error.code}: " if error.code else ""
    return f"{code}{error.message}"


def _is_context_problem(complaint: str) -> bool:
    return any(word in complaint for word in _CONTEXT_WORDS)


def _counted(reported: int | None, estimate: int) -> int:
    """What the endpoint says it counted, or our estimate where it says nothing that can be."""
    return estimate if reported is None or reported < 0 else reported


def _text(message: _Message) -> str:
    if isinstance(message.content, list):
        return "".join(part.text for part in message.content)
    return message.content or message.refusal or ""
