from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from learner.scripted_endpoint import (
    AT_ONCE,
    Asked,
    Reply,
    Script,
    ScriptedEndpoint,
    endpoint,
    refuses,
    says,
    streams,
    text_of,
)

from explib.errors import ExplibError, ModelAnswerInvalid, ModelMisconfigured, ModelUnavailable, PromptTooLong
from explib.models.json_value import Json
from explib_learner.model.chat import CUT_OFF, WITHHELD, ChatAnswer, ChatMessage, ChatRequest
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


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": 'Unknown name "seed": Cannot find field.'}},
        [
            {
                "error": {
                    "code": 400,
                    "message": 'Invalid JSON payload. Unknown name "seed".',
                    "status": "INVALID_ARGUMENT",
                }
            }
        ],
        {
            "object": "error",
            "message": {"detail": [{"loc": ["body", "seed"], "msg": "Extra inputs are not permitted"}]},
        },
        {"detail": "seed is not supported"},
        {"error": "'seed' must not be set"},
        "Failed to deserialize the JSON body: seed: unknown field",
        ["seed is unknown"],
    ],
)
@pytest.mark.parametrize("status", [400, 404, 422, 500])
async def test_a_refusal_in_any_envelope_leads_to_the_next_dialect(body: Json, status: int) -> None:
    raw = (body if isinstance(body, str) else json.dumps(body)).encode()

    def script(asked: Asked) -> Reply:
        return Reply(status, raw, AT_ONCE) if "seed" in asked else says("fine")

    async with chatting(script) as (chat, server):
        assert (await chat.ask(REQUEST)).text == "fine"
        assert (await chat.ask(REQUEST)).text == "fine"
    assert len(server.asked) == 3


async def test_a_refusal_that_comes_with_status_200_is_one_too() -> None:
    def script(asked: Asked) -> Reply:
        return Reply(body=b'{"error": "response_format is not supported"}') if "response_format" in asked else says("a")

    assert (await asked(script)).text == "a"


@pytest.mark.parametrize("said", ["System role not supported", "messages[0].role: 'system' is not one of ['user']"])
async def test_without_a_system_role_the_instructions_go_before_the_first_message(said: str) -> None:
    def script(asked: Asked) -> Reply:
        return refuses(400, said) if '"system"' in json.dumps(asked["messages"]) else says("fine")

    async with chatting(script) as (chat, server):
        assert (await chat.ask(REQUEST)).text == "fine"
    assert server.asked[1]["messages"] == [{"role": "user", "content": "Rules.\n\nQuestion?"}]


@pytest.mark.parametrize(
    "said",
    [
        "This model's maximum prompt length is 131072 but the request contains 537812 tokens.",
        "input length (9000 tokens) exceeds the maximum allowed length (8192 tokens)",
        "too many tokens: total number of tokens in the prompt cannot exceed 4081",
        "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
        "prompt is too long: 210000 tokens > 200000 maximum",
        "Please reduce the length of the messages or completion.",
        "the request exceeds the available context size, try increasing it",
        "Requested tokens (9000) exceed context window of 8192",
    ],
)
async def test_a_full_context_is_known_by_its_words(said: str) -> None:
    with pytest.raises(PromptTooLong, match="EXPLIB_MODEL_CONTEXT"):
        await asked([refuses(400, said)])


@pytest.mark.parametrize(
    "usage",
    [{"prompt_tokens": 900, "completion_tokens": 80.0}, {"input_tokens": 900, "output_tokens": "80"}],
)
async def test_usage_of_any_shape_is_counted(usage: Json) -> None:
    body = json.dumps({"choices": [{"message": {"content": "x"}}], "usage": usage}).encode()
    assert await asked([Reply(body=body)]) == ChatAnswer("x", 900, 80)


@pytest.mark.parametrize("usage", [[], "n/a", {"prompt_tokens": "n/a", "completion_tokens": None}, {"total": 3}])
async def test_usage_that_cannot_be_read_is_estimated(usage: Json) -> None:
    body = json.dumps({"choices": [{"message": {"content": "some words"}}], "usage": usage}).encode()
    answer = await asked([Reply(body=body)])
    assert (answer.text, answer.prompt_tokens) == ("some words", REQUEST.prompt_tokens)


@pytest.mark.parametrize(
    "message",
    [
        {"content": None, "reasoning_content": 'so {"a": 1}'},
        {"content": "", "tool_calls": [{"type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}]},
        {"content": [{"type": "reasoning", "text": None}, {"type": "text", "text": '{"a": 1}'}]},
    ],
)
async def test_an_answer_that_stands_beside_the_content_is_read(message: Json) -> None:
    body = json.dumps({"choices": [{"message": message, "finish_reason": "stop"}]}).encode()
    assert '{"a": 1}' in (await asked([Reply(body=body)])).text


async def test_an_answer_in_events_that_nobody_asked_for_is_put_together() -> None:
    assert (await asked([streams({"content": '{"a": 1}'}, "stop")])).text == '{"a": 1}'


async def test_thoughts_that_were_cut_off_are_no_answer_and_the_end_is_marked() -> None:
    message: Json = {"content": "", "reasoning_content": 'a draft: {"a": 1} hm'}
    body = json.dumps({"choices": [{"message": message, "finish_reason": "length"}]}).encode()
    assert (await asked([Reply(body=body)])).text.strip() == CUT_OFF
    assert (await asked([says("half", finish="content_filter")])).text == f"half\n{WITHHELD}"


@pytest.mark.parametrize("key", ["sk-very-secret\n", "  sk-very-secret", "sk-very-secret\r\n"])
async def test_blanks_around_a_key_are_dropped(key: str) -> None:
    chat = OpenAIChat.connect("http://127.0.0.1:9/v1", key, max_retries=0)
    with pytest.raises(ModelUnavailable) as raised:
        await chat.ask(REQUEST)
    assert "very-secret" not in str(raised.value)
    await chat.close()


def test_a_key_that_no_header_takes_is_a_wrong_setting() -> None:
    for key in ("sk-very\nsecret", "sk-very-s\u00e9cret"):
        with pytest.raises(ModelMisconfigured, match="EXPLIB_MODEL_API_KEY") as raised:
            OpenAIChat.connect(None, key)
        assert "very" not in str(raised.value)


async def test_a_key_that_is_echoed_is_in_no_message() -> None:
    echo = Reply(
        body=json.dumps({"you_sent": {"authorization": "Bearer sk-very-secret", "k": "sk-very-secret"}}).encode()
    )
    with pytest.raises(ModelUnavailable) as raised:
        await asked([echo])
    assert "very-secret" not in str(raised.value)


async def test_an_endpoint_that_refuses_everything_is_given_up_on() -> None:
    with pytest.raises(ModelMisconfigured):
        await asked(lambda _: refuses(400, "response_format temperature seed max_completion_tokens"))
