"""A chat model behind any OpenAI-compatible endpoint. The only module that imports `openai`, and only when it is used.

`dialect` says how the endpoint is asked, `completion` reads what it sends back.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from explib.errors import ModelAnswerInvalid, ModelError, ModelMisconfigured, ModelUnavailable, PromptTooLong
from explib.text.redaction import redacted
from explib_learner.model.chat import ChatAnswer, ChatRequest
from explib_learner.model.completion import NoCompletion, read_completion, words_of
from explib_learner.model.dialect import Dialect, speaks_of_context, speaks_of_filter, speaks_of_one_generation

if TYPE_CHECKING:
    from openai import APIStatusError, AsyncOpenAI

_MOST_DIALECTS = 8
"""Requests to try before giving up on an endpoint that refuses every form: each refused field costs one."""
_QUOTED_CHARACTERS = 300
_NOT_ABOUT_THE_FORM = (401, 403, 408, 409, 425, 429)
_UNAVAILABLE = (408, 409, 425, 429)
_TOO_LARGE = 413
_BAD_REQUEST = 400
_SERVER_ERROR = 500
_BEARER = re.compile(r"(Bearer\s+)[^\s\"']+", re.IGNORECASE)


class _Refusal(Exception):
    """The endpoint took the request and said no."""

    def __init__(self, status: int, said: str) -> None:
        super().__init__(said)
        self.status = status
        self.said = said
        self.complaint = said.casefold()


class OpenAIChat:
    """Asks an OpenAI-compatible endpoint; the client's own `max_retries` repeats 429, 5xx and lost connections."""

    def __init__(self, client: AsyncOpenAI) -> None:
        self._client = client
        self._dialect = Dialect()

    @classmethod
    def connect(
        cls, base_url: str | None, api_key: str | None, timeout_seconds: float = 300.0, max_retries: int = 4
    ) -> OpenAIChat:
        """A chat at this address (None: OpenAI's own). Without a key a placeholder is sent: local servers want none.

        Raises ModelMisconfigured for a key that no HTTP header takes; blanks around it are dropped.
        """
        from openai import AsyncOpenAI

        key = (api_key or "").strip() or "none"
        if not (key.isascii() and key.isprintable()):
            raise ModelMisconfigured(
                "EXPLIB_MODEL_API_KEY has characters that no key has (a line break, or not ASCII): set it again."
            )
        client = AsyncOpenAI(base_url=base_url, api_key=key, timeout=timeout_seconds, max_retries=max_retries)
        return cls(client)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def ask(self, request: ChatRequest) -> ChatAnswer:
        """The endpoint's answer; see `ChatModel` for what it raises."""
        dialect = self._dialect
        for _ in range(_MOST_DIALECTS):
            try:
                answer = await self._once(request, dialect)
            except _Refusal as refusal:
                if speaks_of_one_generation(refusal.complaint):
                    return await self._without_form(request, dialect, refusal)
                dialect = self._next(dialect, refusal)
            else:
                self._dialect = dialect
                return answer
        raise ModelMisconfigured(
            "The endpoint refuses every form of the request: check that EXPLIB_MODEL_BASE_URL speaks chat completions."
        )

    async def _without_form(self, request: ChatRequest, dialect: Dialect, failed: _Refusal) -> ChatAnswer:
        """This one answer did not fit the form while it was written: ask for it in words, and others as before."""
        if dialect.form == "text":
            raise ModelAnswerInvalid(f"The endpoint could not generate this answer. It said {self._quoted(failed)}")
        try:
            return await self._once(request, replace(dialect, form="text"))
        except _Refusal as refusal:
            raise ModelAnswerInvalid(
                f"The endpoint could not generate this answer. It said {self._quoted(refusal)}"
            ) from refusal

    async def _once(self, request: ChatRequest, dialect: Dialect) -> ChatAnswer:
        """The answer. Raises `_Refusal`, or ModelUnavailable where nobody answers."""
        import openai

        try:
            raw = await self._client.chat.completions.with_raw_response.create(
                model=request.model, messages=[], extra_body=dialect.fields(request)
            )
        except openai.APIStatusError as error:
            raise _Refusal(error.status_code, _said(error)) from error
        except openai.APITimeoutError as error:
            raise ModelUnavailable(
                "The model's endpoint did not answer in time: see if it is overloaded, or still loading the model."
            ) from error
        except openai.APIError as error:
            why = self._clean(str(error.__cause__ or error))
            raise ModelUnavailable(
                f"The model's endpoint can't be reached, or broke off ({why}): check that it is running, and that "
                "EXPLIB_MODEL_BASE_URL is its address."
            ) from error
        answer = read_completion(raw.content, request)
        if isinstance(answer, ChatAnswer):
            return answer
        raise self._unreadable(answer)

    def _unreadable(self, body: NoCompletion) -> Exception:
        """A refusal with status 200 is one; anything else is not what was asked for."""
        if body.is_error and (Dialect().without(body.said.casefold()) or speaks_of_context(body.said.casefold())):
            return _Refusal(_BAD_REQUEST, body.said)
        said = self._clean(body.said)
        return ModelUnavailable(
            f"The endpoint answered no chat completion: check EXPLIB_MODEL_BASE_URL. It said {said}"
        )

    def _next(self, used: Dialect, refusal: _Refusal) -> Dialect:
        """What to try after a refusal; a concurrent request may have found it already. Raises ModelError."""
        complaint = refusal.complaint
        if refusal.status not in _NOT_ABOUT_THE_FORM and not speaks_of_context(complaint):
            following = used.without(complaint)
            if following is not None:
                return following
        raise self._explained(refusal) from refusal

    def _explained(self, refusal: _Refusal) -> ModelError:
        answer = self._quoted(refusal)
        overdrawn = refusal.status in _UNAVAILABLE
        if refusal.status == _TOO_LARGE or (speaks_of_context(refusal.complaint) and not overdrawn):
            return PromptTooLong(f"{PromptTooLong.__doc__} The endpoint answered {answer}")
        if speaks_of_filter(refusal.complaint) and not overdrawn:
            return ModelAnswerInvalid(
                f"The endpoint's content filter does not answer about these attempts: choose another EXPLIB_MODEL, or "
                f"change the filter where the model is hosted. It answered {answer}"
            )
        if overdrawn or refusal.status >= _SERVER_ERROR:
            return ModelUnavailable(
                f"The model's endpoint can't answer now: see its log and its limits. It said {answer}"
            )
        return ModelMisconfigured(f"{ModelMisconfigured.__doc__} It answered {answer}")

    def _quoted(self, refusal: _Refusal) -> str:
        return f"HTTP {refusal.status}: {self._clean(refusal.said)}"

    def _clean(self, said: str) -> str:
        """What an endpoint says, short and without the key, which some echo."""
        without_key = _BEARER.sub(r"\1[key]", said.replace(self._client.api_key, "[key]"))
        return redacted(without_key[: 4 * _QUOTED_CHARACTERS])[:_QUOTED_CHARACTERS]


def _said(error: APIStatusError) -> str:
    """The words of an error in whatever envelope, with its code."""
    return words_of(error.response.text) or error.message
