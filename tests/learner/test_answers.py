from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from explib.errors import ModelAnswerInvalid
from explib_learner.model.answers import json_objects, parsed, schema_of
from explib_learner.model.chat import CUT_OFF, WITHHELD
from explib_learner.model.forms import ContrastAnswer, DecisionAnswer


class Form(BaseModel):
    a: int


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1}',
        ' {"a": 1}\n',
        '```json\n{"a": 1}\n```',
        'Here it is:\n```\n{"a": 1}\n```\nIs that fine?',
        'I say {"a": 2}, no: {"a": 1}.',
        'The shape is {"a": 0}. {"b": 1} {"a": 1} {"note": 3}',
        '[THINK]The shape is {"a": 7}.[/THINK]{"a": 1}',
        '<|channel|>analysis<|message|>{"a": 7}<|end|><|start|>assistant<|channel|>final<|message|>{"a": 1}<|return|>',
        'A draft:\n```json\n{"b": 1}\n```\nAnswer:\n```json\n{"a": 1}\n```',
        '{"answer": {"a": 1}}',
        '{"a": 1,}',
        '{"a": 1, "said": "two\nlines"}',
        'so {"a": 1, "list": [1, 2,],}',
        '<think>{"a": 7} or so</think>{"a": 1}',
        'no opening tag {"a": 3}</think>\n```json\n{"a": 1}\n```',
        'a brace { first, then {"a": 1}',
        '{"a": 1, "unasked": "</think>"}',
    ],
)
def test_json_is_found_in_text(text: str) -> None:
    assert parsed(text, Form) == Form(a=1)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty"),
        ("<think>for ever", "empty"),
        ("sorry", "no JSON object"),
        ('{"a": ', "broken or ends before"),
        ('{"a": "x"}', "a: Input should be a valid integer"),
        ("[1]", "no JSON object"),
        ('{"b": [{"a": 1}, {"a": 2', "broken or ends before"),
        ('{"a":' * 5_000, "broken or ends before"),
        ('A draft is {"a": 1}. The answer: {"a": ', "broken or ends before"),
        ('[THINK]{"a": 1}', "empty"),
        ('<|channel|>analysis<|message|>{"a": 1}', "empty"),
        (f'{{"a": 1}} and {{"a"\n{CUT_OFF}', "EXPLIB_MODEL_ANSWER_TOKENS"),
        (f"hm hm\n{CUT_OFF}", "EXPLIB_MODEL_ANSWER_TOKENS"),
        (f"\n{WITHHELD}", "content filter"),
    ],
)
def test_what_is_wrong_is_said(text: str, said: str) -> None:
    with pytest.raises(ModelAnswerInvalid, match=said):
        parsed(text, Form)


@given(st.text(alphabet='{}[]":,a1 \\<think>/`\n'))
def test_any_text_gives_an_object_or_the_one_error(text: str) -> None:
    with contextlib.suppress(ModelAnswerInvalid):
        assert isinstance(json_objects(text), list)


def test_the_schema_is_strict_all_the_way_down() -> None:
    schema = schema_of(ContrastAnswer)
    assert schema["required"] == ["decisions"]
    assert schema["additionalProperties"] is False
    inner = schema["$defs"]
    assert isinstance(inner, dict)
    decision = inner["DecisionAnswer"]
    assert isinstance(decision, dict)
    assert decision["required"] == list(DecisionAnswer.model_fields)
    assert "default" not in str(schema)


def test_a_bare_list_stands_for_the_only_field_of_the_form() -> None:
    given = [{"situation": "a test fails", "options": [], "lesson": "When a test fails, read it."}]
    for text in (json.dumps(given), f"```json\n{json.dumps(given)}\n```", f"<think>hm</think>{json.dumps(given)}"):
        assert parsed(text, ContrastAnswer).decisions[0].situation == "a test fails"
    with pytest.raises(ModelAnswerInvalid):
        parsed("[1, 2]", DecisionAnswer)
