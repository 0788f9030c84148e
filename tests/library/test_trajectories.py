from __future__ import annotations

import json
import zlib
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explib.errors import InvalidTrajectory, StorageError, TooLarge
from explib.models.json_value import Json
from explib.models.trajectories import Role, Step, ToolCall
from explib.trajectories import as_messages, decode_steps, encode_steps, parse_trajectory, read_trajectory

LIMIT = 1_000_000
STEADY = settings(deadline=None, derandomize=True)
ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=40)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | ANY_TEXT
JSON: st.SearchStrategy[Json] = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3), max_leaves=10
)
ROLES: st.SearchStrategy[Role] = st.sampled_from(("system", "user", "assistant", "tool"))
CALLS = st.builds(ToolCall, ANY_TEXT, ANY_TEXT, st.dictionaries(ANY_TEXT, JSON, max_size=3))
STEPS = st.lists(
    st.builds(Step, ROLES, ANY_TEXT, st.lists(CALLS, max_size=2).map(tuple), st.none() | ANY_TEXT, st.booleans())
)
MESSAGE_KEYS = ("role", "content", "type", "text", "tool_calls", "function", "name", "arguments", "id", "tool_use_id")
STEP_KEYS = (
    "parts",
    "source",
    "input",
    "tool",
    "action",
    "thought",
    "observation",
    "result",
    "messages",
    "system",
    "is_error",
    "error",
)
KEYS = st.sampled_from((*MESSAGE_KEYS, *STEP_KEYS))
WORDS = st.sampled_from(("user", "assistant", "tool", "text", "tool_use", "tool_result", "image", "thinking", "search"))
MESSY = st.recursive(
    SCALARS | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS | ANY_TEXT, inner, max_size=5),
    max_leaves=25,
)


def parse(value: object) -> tuple[Step, ...]:
    return parse_trajectory(value, LIMIT)


@STEADY
@given(STEPS)
def test_steps_come_back_from_their_bytes_as_they_were(steps: list[Step]) -> None:
    assert decode_steps(encode_steps(steps)) == tuple(steps)


@STEADY
@given(MESSY)
def test_steps_as_messages_are_read_as_the_same_steps(value: object) -> None:
    steps = parse_or_none(value)
    if steps is not None:
        assert parse(as_messages(steps)) == steps


def test_long_steps_are_compressed_and_short_ones_are_not() -> None:
    assert encode_steps([Step("user", "hello")])[:1] == b"j"
    long = encode_steps([Step("user", "hello " * 1000)])
    assert long[:1] == b"z"
    assert len(long) < 200


@pytest.mark.parametrize("data", [b"", b"x[]", b"zno", b"j{", b"j[1]", b'j[["boss","",[],null,false]]', b"j\xff"])
def test_bytes_of_another_origin_are_a_storage_error(data: bytes) -> None:
    with pytest.raises(StorageError):
        decode_steps(data)


def test_damaged_compression_is_a_storage_error() -> None:
    with pytest.raises(StorageError):
        decode_steps(b"z" + zlib.compress(b"[[1]]"))


@STEADY
@given(MESSY)
def test_whatever_is_passed_gives_storable_steps_or_is_an_invalid_trajectory(value: object) -> None:
    steps: tuple[Step, ...] = ()
    with suppress(InvalidTrajectory):
        steps = parse(value)
    json.dumps([[step.text, [call.arguments for call in step.calls]] for step in steps], allow_nan=False).encode()
    assert decode_steps(encode_steps(steps)) == steps
    for step in steps:
        assert "\0" not in step.text
        step.text.encode()


def parse_or_none(value: object) -> tuple[Step, ...] | None:
    try:
        return parse(value)
    except InvalidTrajectory:
        return None


@STEADY
@given(MESSY.filter(lambda value: not isinstance(value, str)))
def test_json_text_is_read_like_its_value_or_kept_as_text(value: object) -> None:
    text = json.dumps(value)
    assert parse_or_none(text) in (parse_or_none(value), (Step("assistant", text),))


def test_text_is_one_step_of_the_assistant() -> None:
    assert parse("I fixed it\0\ud800") == (Step("assistant", "I fixed it\ufffd\ufffd"),)


def test_text_that_is_json_of_messages_is_read_as_messages() -> None:
    assert parse('[{"role": "user", "content": "hi"}]') == (Step("user", "hi"),)
    assert parse('[{"role": "admin"}]') == (Step("assistant", '[{"role": "admin"}]'),)
    assert parse("[1, 2]") == (Step("assistant", "[1, 2]"),)


def test_openai_messages_keep_calls_and_what_answers_them() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "search", "arguments": '{"q": "x"}'}}
    steps = parse(
        [
            {"role": "developer", "content": "be brief"},
            {"role": "user", "content": [{"type": "text", "text": "look"}, {"type": "image_url", "image_url": {}}]},
            {"role": "assistant", "content": None, "tool_calls": [call], "finish_reason": "tool_calls"},
            {"role": "tool", "tool_call_id": "c1", "name": "search", "content": "found"},
            {"role": "assistant", "content": "", "function_call": {"name": "old", "arguments": "not json"}},
            {"role": "function", "name": "old", "content": ""},
        ]
    )
    assert steps == (
        Step("system", "be brief"),
        Step("user", "look\n[image]"),
        Step("assistant", "", (ToolCall("c1", "search", {"q": "x"}),)),
        Step("tool", "found", answers_call="c1"),
        Step("assistant", "", (ToolCall("old", "old", {"input": "not json"}),)),
        Step("tool", "", answers_call="old"),
    )


def test_anthropic_blocks_become_steps() -> None:
    steps = parse(
        {
            "system": [{"type": "text", "text": "be kind"}],
            "messages": [
                {"role": "user", "content": "find it"},
                {
                    "role": "assistant",
                    "content": [
                        {"type": "thinking", "thinking": "where?", "signature": "abc"},
                        {"type": "text", "text": "I look."},
                        {"type": "tool_use", "id": "t1", "name": "grep", "input": {"pattern": "x"}},
                    ],
                },
                {
                    "role": "user",
                    "content": [
                        {"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": "no"}],
                         "is_error": True},
                        {"type": "text", "text": "try again"},
                    ],
                },
            ],
        }
    )  # fmt: skip
    assert steps == (
        Step("system", "be kind"),
        Step("user", "find it"),
        Step("assistant", "where?\nI look.", (ToolCall("t1", "grep", {"pattern": "x"}),)),
        Step("tool", "no", answers_call="t1", is_error=True),
        Step("user", "try again"),
    )


def test_generic_steps_are_read() -> None:
    steps = parse(
        [
            "started",
            {"thought": "list", "action": "ls -la", "observation": "a.txt"},
            {"tool": "search", "arguments": {"q": 1}, "result": {"hits": 0}},
            {"thought": "open", "action": "open", "action_input": "a.txt", "error": "denied"},
            {"action": {"name": "close", "arguments": {}}, "score": 0, "id": "5", "timestamp": 1.5},
            {"output": "nothing called, so words"},
        ]
    )
    assert steps == (
        Step("assistant", "started"),
        Step("assistant", "list\naction: ls -la"),
        Step("tool", "a.txt"),
        Step("assistant", "", (ToolCall("call-2", "search", {"q": 1}),)),
        Step("tool", '{"hits":0}', answers_call="call-2"),
        Step("assistant", "open", (ToolCall("call-3", "open", {"input": "a.txt"}),)),
        Step("tool", "denied", answers_call="call-3", is_error=True),
        Step("assistant", "", (ToolCall("call-4", "close", {}),)),
        Step("assistant", "nothing called, so words"),
    )


def test_what_is_known_of_a_message_is_none_of_its_words() -> None:
    message = {"role": "assistant", "content": "done", "model": "m", "cost": 0.5, "id": "m1", "usage": {"tokens": 3},
               "extra": {"response": "copy"}, "refusal": None, "turn_idx": 4}  # fmt: skip
    assert parse([message]) == (Step("assistant", "done"),)


CALL = ToolCall("t1", "weigh", {"crate": 7})
TOLD = (
    Step("user", "go"),
    Step("assistant", "", (CALL,)),
    Step("tool", "no scale", (), "t1", True),
    Step("assistant", "12"),
)
GO: dict[str, Json] = {"role": "user", "content": "go"}
SAID: dict[str, Json] = {"role": "assistant", "content": "12"}
FLAT: dict[str, Json] = {"name": "weigh", "args": {"crate": 7}, "id": "t1"}
LC = ["langchain", "schema", "messages"]
SHAPES: dict[str, Json] = {
    "openai": [GO, {"role": "assistant",
                    "tool_calls": [{"id": "t1", "function": {"name": "weigh", "arguments": '{"crate":7}'}}]},
               {"role": "tool", "tool_call_id": "t1", "content": "no scale", "status": "error"},
               {"role": "assistant", "content": None, "audio": {"data": "QUJD", "transcript": "12"}}],
    "responses": [GO,
                  {"type": "function_call", "id": "fc", "call_id": "t1", "name": "weigh", "arguments": '{"crate":7}'},
                  {"type": "function_call_output", "call_id": "t1", "output": "no scale", "status": "incomplete"},
                  {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "12"}]}],
    "anthropic": [GO, {"type": "message", "role": "assistant", "model": "m",
                       "content": [{"type": "tool_use", "id": "t1", "name": "weigh", "input": {"crate": 7}}]},
                  {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "is_error": True,
                                                "content": [{"type": "text", "text": "no scale"}]}]}, SAID],
    "bedrock": [{"role": "user", "content": [{"text": "go"}]},
                {"role": "assistant",
                 "content": [{"toolUse": {"toolUseId": "t1", "name": "weigh", "input": {"crate": 7}}}]},
                {"role": "user", "content": [{"toolResult": {"toolUseId": "t1", "content": [{"text": "no scale"}],
                                                             "status": "error"}}]}, SAID],
    "google": [{"role": "user", "parts": [{"text": "go"}]},
               {"role": "model", "parts": [{"functionCall": {"id": "t1", "name": "weigh", "args": {"crate": 7}}}]},
               {"role": "user", "parts": [{"functionResponse": {"id": "t1", "response": {"error": "no scale"}}}]},
               {"role": "model", "parts": [{"text": "12"}]}],
    "vercel": [GO, {"role": "assistant", "content": [{"type": "tool-call", "toolCallId": "t1", "toolName": "weigh",
                                                      "input": {"crate": 7}}]},
               {"role": "tool", "content": [{"type": "tool-result", "toolCallId": "t1",
                                             "output": {"type": "error-text", "value": "no scale"}}]}, SAID],
    "vercel ui": [{"role": "user", "parts": [{"type": "text", "text": "go"}]},
                  {"role": "assistant", "parts": [
                      {"type": "step-start"}, {"type": "tool-weigh", "toolCallId": "t1", "state": "output-error",
                                               "input": {"crate": 7}, "errorText": "no scale"},
                      {"type": "step-start"}, {"type": "text", "text": "12"}]}],
    "langchain": [{"type": "human", "content": "go"}, {"type": "ai", "content": "", "tool_calls": [FLAT]},
                  {"type": "tool", "data": {"content": "no scale", "tool_call_id": "t1", "status": "error"}},
                  {"lc": 1, "type": "constructor", "id": [*LC, "AIMessage"], "kwargs": {"content": "12"}}],
    "opentelemetry": [{"role": "user", "parts": [{"type": "text", "content": "go"}]},
                      {"role": "assistant", "parts": [{"type": "tool_call", **FLAT, "arguments": {"crate": 7}}]},
                      {"role": "tool", "parts": [{"type": "tool_call_response", "id": "t1", "response": "no scale",
                                                  "is_error": True}]},
                      {"role": "assistant", "parts": [{"type": "text", "content": "12"}]}],
    "steps": [GO, {"tool": "weigh", "id": "t1", "args": {"crate": 7}, "error": "no scale"}, "12"],
    "atif": [{"source": "user", "message": "go"},
             {"source": "agent", "message": "", "tool_calls": [{"tool_call_id": "t1", "function_name": "weigh",
                                                                "arguments": {"crate": 7}}],
              "observation": {"results": [{"source_call_id": "t1", "content": "no scale", "is_error": True}]}},
             {"source": "agent", "message": "12", "model_name": "m"}],
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
def test_one_conversation_is_the_same_steps_in_every_shape(shape: str) -> None:
    assert parse(SHAPES[shape]) == TOLD
    assert read_trajectory(SHAPES[shape], LIMIT).answer == "12"


def test_sharegpt_turns_are_read() -> None:
    turns: Json = [{"from": "human", "value": "go"},
                   {"from": "function_call", "value": '{"name": "weigh", "arguments": {}}'},
                   {"from": "observation", "value": "9"}, {"from": "gpt", "value": "12"}]  # fmt: skip
    assert [step.role for step in parse({"conversations": turns})] == ["user", "assistant", "tool", "assistant"]


def test_thoughts_belong_to_the_step_that_follows_and_not_to_the_answer() -> None:
    shapes: list[Json] = [
         [GO, {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]}, SAID],
        [
        GO,
        {"role": "assistant", "content": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "12"}]},
    ],
        [GO, {"role": "model", "parts": [{"text": "hm", "thought": True}, {"text": "12"}]}],
        [GO, {"role": "assistant", "reasoning_content": "hm", "content": "12"}]
    ]  # fmt: skip
    for shape in shapes:
        reading = read_trajectory(shape, LIMIT)
        assert reading.steps == (Step("user", "go"), Step("assistant", "hm\n12"))
        assert reading.answer == "12"


def test_a_request_with_its_answer_is_one_conversation() -> None:
    wanted = (Step("system", "be brief"), Step("user", "go"), Step("assistant", "12"))
    documents: list[Json] = [
        {"instructions": "be brief", "input": "go", "output": [{"type": "message", **SAID}]},
        {"system": "be brief", "messages": [GO], "choices": [{"message": SAID}, {"message": SAID}]},
        {"request": {"system": "be brief", "messages": [GO]}, "response": {"choices": [{"message": SAID}]}},
        {"systemInstruction": {"parts": [{"text": "be brief"}]},
         "contents": [{"role": "user", "parts": [{"text": "go"}]}],
         "candidates": [{"content": {"role": "model", "parts": [{"text": "12"}]}}]},
    ]  # fmt: skip
    for document in documents:
        assert parse(document) == wanted
    assert parse({"messages": [GO, SAID], "response": "12"}) == wanted[1:]


def test_a_simulated_users_calls_are_the_users_words() -> None:
    steps = parse([
        GO,
        {"role": "user", "tool_calls": [{"id": "u1", "name": "restart", "arguments": {}, "requestor": "user"}]},
        {"role": "tool", "id": "u1", "content": "restarted"},
        {"role": "tool", "id": "u2", "content": "on", "requestor": "user"},
    ])  # fmt: skip
    assert [(step.role, step.text) for step in steps] == [
        ("user", "go"), ("user", "[called restart {}]"), ("user", "[result] restarted"), ("user", "[result] on")
    ]  # fmt: skip
    assert not any(step.calls for step in steps)


@pytest.mark.parametrize(
    ("part", "mark"),
    [({"type": "image_url", "image_url": {}}, "[image]"), ({"type": "input_audio", "input_audio": {}}, "[audio]"),
     ({"inlineData": {"mimeType": "video/mp4", "data": "A"}}, "[video]"), ({"image": {"format": "png"}}, "[image]"),
     ({"type": "file", "mediaType": "image/png", "url": "u"}, "[image]"),
     ({"type": "document", "source": {}}, "[document]"),
     ({"type": "blob", "modality": "image", "content": "A"}, "[image]"), ({"type": "file", "file": {}}, "[file]")],
)  # fmt: skip
def test_media_are_marks(part: Json, mark: str) -> None:
    assert parse([{"role": "user", "content": ["see", part]}]) == (Step("user", f"see\n{mark}"),)


@pytest.mark.parametrize(
    ("value", "keys"),
    [([{"note": "odd", "score": 0}], ("`note`", "`score`")),
     ([{"role": "assistant", "utterance": "hi"}], ("`utterance`",)),
     ([{"role": "user", "content": [{"blob": 1, "hue": 2}]}], ("trajectory[0].content[0]", "`hue`")),
     ([{"role": "user", "content": [{"type": "hologram"}]}], ("hologram",)), ({"talk": []}, ("`talk`",))],
)  # fmt: skip
def test_what_is_not_recognised_is_refused_with_its_keys(value: Json, keys: tuple[str, ...]) -> None:
    with pytest.raises(InvalidTrajectory) as caught:
        parse(value)
    for key in keys:
        assert key in str(caught.value)


def test_too_many_items_are_refused() -> None:
    with pytest.raises(TooLarge, match="30,000 items, at most 20,000"):
        parse(["x"] * 30_000)


@pytest.mark.parametrize(
    ("value", "part"),
    [
        (7, "of type int"),
        (None, "missing"),
        ({"content": "x"}, "neither `messages` nor `steps`"),
        ([{"role": "user", "content": "a"}, 3], "trajectory[1]"),
        ([{"role": "boss", "content": "a"}], "trajectory[0].role"),
        ([{"role": "assistant", "tool_calls": [{"id": "x"}]}], "trajectory[0].tool_calls[0]"),
        ([{"role": "assistant", "tool_calls": 5}], "trajectory[0].tool_calls"),
        ([{"role": "user", "content": object()}], "of type object"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_position(value: object, part: str) -> None:
    with pytest.raises(InvalidTrajectory) as caught:
        parse(value)
    assert part in str(caught.value)
    assert "pass" in str(caught.value)


@pytest.mark.parametrize("value", ["", "  \n", [], {"messages": []}, [{"role": "user", "content": ""}], [{}]])
def test_an_empty_trajectory_is_refused(value: object) -> None:
    with pytest.raises(InvalidTrajectory, match="empty"):
        parse(value)


@pytest.mark.parametrize("value", ["é" * 51, [{"role": "user", "content": "é" * 50}], {"messages": ["x" * 100]}])
def test_too_large_names_both_sizes_and_what_to_do(value: object) -> None:
    with pytest.raises(TooLarge, match=r"has 1\d\d bytes where at most 100 .*EXPLIB_MAX_TRAJECTORY_BYTES"):
        parse_trajectory(value, 100)


def test_a_trajectory_of_exactly_the_limit_is_taken() -> None:
    assert parse_trajectory("é" * 50, 100) == (Step("assistant", "é" * 50),)


def test_deep_nesting_is_refused_as_a_value_and_kept_as_text() -> None:
    deep: object = "x"
    for _ in range(5000):
        deep = [deep]
    with pytest.raises(InvalidTrajectory, match="nested deeper"):
        parse([{"role": "user", "content": deep}])
    text = "[" * 100_000
    assert parse(text) == (Step("assistant", text),)


def test_numbers_that_json_cannot_hold_become_text() -> None:
    (step,) = parse(
        [{"role": "assistant", "tool_calls": [{"name": "f", "arguments": {"a": float("inf"), "b": 2**9999}}]}]
    )
    assert step.calls[0].arguments["a"] == "inf"
    assert step.calls[0].arguments["b"] == hex(2**9999)
