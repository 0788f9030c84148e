from __future__ import annotations

import json

import pytest

from explib.models.json_value import Json
from explib_learner.model.answers import parsed
from explib_learner.model.forms import ContrastAnswer, DecisionAnswer, label_of

OPTIONS: list[Json] = [{"does": "look", "attempts": ["A1", "A3"]}, {"does": "act", "attempts": ["A2"]}]
GOOD: dict[str, Json] = {
    "known": None,
    "situation": "asked",
    "options": OPTIONS,
    "better": "a",
    "lesson": "When asked, look.",
    "reason": "who looked won",
}


def read(**changed: Json) -> DecisionAnswer:
    [decision] = parsed(json.dumps({"decisions": [{**GOOD, **changed}]}), ContrastAnswer).decisions
    return decision


@pytest.mark.parametrize(
    "changed",
    [
        {"known": "null"},
        {"known": "None"},
        {"known": ""},
        {"better": "A"},
        {"better": "a)"},
        {"better": "option a"},
        {"better": 1},
        {"options": [{"does": "look", "attempts": "A1, A3"}, {"does": "act", "attempts": "Attempt A2"}]},
        {"options": [{"does": "look", "attempts": ["Attempt A1", "[a3]"]}, {"does": "act", "attempts": [2]}]},
    ],
)
def test_loose_but_clear_answers_are_taken(changed: dict[str, Json]) -> None:
    assert read(**changed) == DecisionAnswer.model_validate(GOOD)


@pytest.mark.parametrize("name", ["lesson", "reason", "situation", "better", "options"])
def test_null_stands_for_nothing(name: str) -> None:
    assert not getattr(read(**{name: None}), name)


def test_options_may_be_plain_texts() -> None:
    assert [option.does for option in read(options=["look", "act"]).options] == ["look", "act"]


def test_a_lesson_with_its_followers_is_a_decision_of_two_options() -> None:
    lesson = {"content": "When asked, look first.", "reason": "won", "followed_and_won": "A1, A3"}
    said = json.dumps({"lessons": [{**lesson, "not_followed_and_lost": ["A2"], "contradicting": None}]})
    [decision] = parsed(said, ContrastAnswer).decisions
    assert (decision.situation, decision.lesson, decision.better) == ("asked", "When asked, look first.", "a")
    assert [(option.does, option.attempts) for option in decision.options] == [
        ("look first", ["A1", "A3"]),
        ("do otherwise", ["A2"]),
    ]


@pytest.mark.parametrize(
    ("said", "label"), [("A12", "A12"), ("attempt d3", "D3"), ("7", "A7"), ("[L2].", "L2"), ("x", "x")]
)
def test_labels_are_read_as_they_were_given_out(said: str, label: str) -> None:
    assert label_of(said) == label
