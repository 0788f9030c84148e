from __future__ import annotations

from dataclasses import replace

import pytest

from explib_learner.model.chat import ChatMessage, ChatRequest

REQUEST = ChatRequest("s", "m", (ChatMessage("user", "hello"),), "s", {"type": "object"}, "p", 10)


def test_equal_requests_have_the_same_hash() -> None:
    assert REQUEST.hash == replace(REQUEST).hash
    assert len(REQUEST.hash) == 64


@pytest.mark.parametrize(
    "other",
    [
        replace(REQUEST, model="n"),
        replace(REQUEST, messages=(ChatMessage("system", "hello"),)),
        replace(REQUEST, messages=(ChatMessage("user", "hel"), ChatMessage("user", "lo"))),
        replace(REQUEST, schema={"type": "array"}),
        replace(REQUEST, max_tokens=11),
        replace(REQUEST, temperature=0.3),
        replace(REQUEST, seed=1),
        replace(REQUEST, attempt=1),
    ],
)
def test_whatever_decides_the_answer_is_in_the_hash(other: ChatRequest) -> None:
    assert other.hash != REQUEST.hash


def test_lone_surrogates_can_be_hashed() -> None:
    assert replace(REQUEST, messages=(ChatMessage("user", "\ud800"),)).hash
