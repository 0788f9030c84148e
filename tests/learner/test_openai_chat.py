from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from learner.scripted_endpoint import AT_ONCE, Asked, Reply, Script, ScriptedEndpoint, endpoint, refuses, says, text_of

from explib.errors import ExplibError, ModelAnswerInvalid, ModelMisconfigured, ModelUnavailable, PromptTooLong
from explib_learner.model.chat import ChatAnswer, ChatMessage, ChatRequest
from explib_learner.model.openai_chat import OpenAIChat

REQUEST = ChatRequest(
    step="advantage",
    model="scripted",
    messages=(ChatMessage("system", "Rules."), ChatMessage("user", "Question?")),
    schema_name="advantage",
    schema={"type": "object", "properties": {}, "required": [], "additionalProperties": False},
    prompt_hash="p",
    max_tokens=50,
)

NO_CHOICE = Reply(body=b'{"choices": [], "usage": {"prompt_tokens": 100, "completion_tokens": 7}}')


@asynccontextmanager
async def chatting(script: Script, max_retries: int = 0) -> AsyncIterator[tuple[OpenAIChat, ScriptedEndpoint]]:
    async with endpoint(script) as server:
        chat = OpenAIChat.connect(server.url, "sk-very-secret", timeout_seconds=20, max_retries=max_retries)
        try:
            yield chat, server
        finally:
            await chat.close()


async def asked(script: Script, max_retries: int = 0) -> ChatAnswer:
    async with chatting(script, max_retries) as (chat, _):
        return await chat.ask(REQUEST)


async def test_the_answer_comes_with_the_tokens_that_the_endpoint_counted() -> None:
    async with chatting([says("hello", 123, 45)]) as (chat, server):
        assert await chat.ask(REQUEST) == ChatAnswer("hello", 123, 45)
    sent = server.asked[0]
    assert sent["model"] == "scripted"
    assert sent["max_tokens"] == 50
    assert sent["messages"] == [{"role": "system", "content": "Rules."}, {"role": "user", "content": "Question?"}]
    form = sent["response_format"]
    assert isinstance(form, dict)
    assert form["type"] == "json_schema"


async def test_tokens_are_estimated_where_the_endpoint_counts_none() -> None:
    body = b'{"choices": [{"message": {"content": "some words here"}}]}'
    answer = await asked([Reply(body=body)])
    assert answer.prompt_tokens == REQUEST.prompt_tokens
    assert answer.completion_tokens > 0


async def test_too_many_requests_are_repeated_until_there_is_an_answer() -> None:
    answer = await asked([refuses(429, "slow down"), refuses(429, "slow down"), says("at last")], max_retries=2)
    assert answer.text == "at last"


async def test_a_server_error_is_repeated_and_then_said() -> None:
    async with chatting(lambda _: refuses(500, "out of order"), max_retries=2) as (chat, server):
        with pytest.raises(ModelUnavailable, match=r"HTTP 500: .*out of order"):
            await chat.ask(REQUEST)
    assert len(server.asked) == 3


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (refuses(401, "bad key sk-very-secret"), ModelMisconfigured),
        (refuses(403, "forbidden"), ModelMisconfigured),
        (refuses(404, "no such model"), ModelMisconfigured),
        (refuses(400, "no idea"), ModelMisconfigured),
        (refuses(400, "blocked by policy", "content_filter"), ModelAnswerInvalid),
        (refuses(429, "slow down"), ModelUnavailable),
        (refuses(503, "overloaded"), ModelUnavailable),
        (refuses(413, "too large"), PromptTooLong),
        (refuses(400, "too many", "context_length_exceeded"), PromptTooLong),
        (refuses(400, "This model's maximum context length is 8 tokens, max_tokens is 9"), PromptTooLong),
        (refuses(400, "the request exceeds the available context size"), PromptTooLong),
        (Reply(), ModelUnavailable),
        (Reply(body=b"<html>a proxy</html>"), ModelUnavailable),
        (Reply(body=b"\xff\xfe\x00"), ModelUnavailable),
        (Reply(body=b'{"choices": []}'), ModelUnavailable),
        (Reply(body=b'{"error": {"message": "upstream"}}'), ModelUnavailable),
        (Reply(body=says("half of it").body, die_after=40), ModelUnavailable),
    ],
)
async def test_no_failure_is_silent(reply: Reply, error: type[ExplibError]) -> None:
    with pytest.raises(error) as raised:
        await asked([reply])
    assert type(raised.value) is error
    assert "very-secret" not in str(raised.value)
    assert "again" not in str(raised.value), "whoever asks knows whether it asks again"


async def test_a_connection_that_dies_in_the_body_is_repeated() -> None:
    dying = Reply(body=says("half").body, headers=AT_ONCE, die_after=40)
    assert (await asked([dying, says("whole")], max_retries=1)).text == "whole"


async def test_nobody_listening_is_said() -> None:
    chat = OpenAIChat.connect("http://127.0.0.1:9/v1", None, max_retries=0)
    with pytest.raises(
        ModelUnavailable, match="check that it is running, and that EXPLIB_MODEL_BASE_URL is its address"
    ):
        await chat.ask(REQUEST)
    await chat.close()


async def test_a_slow_answer_ends_in_a_timeout() -> None:
    never = asyncio.Event()
    async with endpoint([Reply(wait_for=never)]) as server:
        chat = OpenAIChat.connect(server.url, None, timeout_seconds=0.05, max_retries=0)
        with pytest.raises(ModelUnavailable, match="in time"):
            await chat.ask(REQUEST)
        never.set()
        await chat.close()


@pytest.mark.parametrize("reply", [says(None), says(""), says("cut off in the mi", finish="length"), NO_CHOICE])
async def test_an_answer_that_was_paid_for_is_an_answer_even_if_empty_or_cut_off(reply: Reply) -> None:
    answer = await asked([reply])
    assert answer.prompt_tokens == 100
    assert "None" not in answer.text


async def test_content_in_parts_is_put_together() -> None:
    parts = b'{"choices": [{"message": {"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}}]}'
    assert (await asked([Reply(body=parts)])).text == "ab"


async def test_characters_that_no_database_holds_are_replaced() -> None:
    assert (await asked([says("a\x00b\ud800c")])).text == "a\ufffdb\ufffdc"


async def test_an_endpoint_without_json_schema_is_asked_in_words_from_then_on() -> None:
    def only_text(asked: Asked) -> Reply:
        return refuses(400, "response_format is not supported") if "response_format" in asked else says("{}")

    async with chatting(only_text) as (chat, server):
        await chat.ask(REQUEST)
        assert [str(each.get("response_format")).split("'")[3:4] for each in server.asked] == [
            ["json_schema"],
            ["json_object"],
            [],
        ]
        assert '"additionalProperties": false' in text_of(server.asked[-1])
        await chat.ask(REQUEST)
    assert len(server.asked) == 4


async def test_a_reasoning_model_that_wants_other_fields_gets_them() -> None:
    def particular(asked: Asked) -> Reply:
        if "max_tokens" in asked:
            return refuses(400, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.")
        if "temperature" in asked:
            return refuses(400, "Unsupported value: 'temperature' does not support 0.2")
        if "seed" in asked:
            return refuses(422, "seed: extra inputs are not permitted")
        return says("fine")

    async with chatting(particular) as (chat, server):
        assert (await chat.ask(REQUEST)).text == "fine"
    assert server.asked[-1]["max_completion_tokens"] == 50


async def test_an_endpoint_that_refuses_everything_is_given_up_on() -> None:
    with pytest.raises(ModelMisconfigured):
        await asked(lambda _: refuses(400, "response_format temperature seed max_completion_tokens"))
