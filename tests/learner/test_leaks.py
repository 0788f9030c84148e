from __future__ import annotations

import pytest

from explib_learner.checks.leaks import leaked

TASK = "Cancel order 55120 of the customer."


@pytest.mark.parametrize(
    ("lesson", "answer"),
    [
        ("When adding, the result is 204.", "204"),
        ("When asked, answer 1,204 kg.", "The total is 1204 kg"),
        ("When asked for the capital, say Ouagadougou.", "Ouagadougou"),
        ("When in doubt, refund order W2378156.", "refund #W2378156 to card"),
        ("When in doubt, book for Mei Kovacs.", '{"name": "Mei Kovacs", "seats": 2}'),
        ("When asked, say barack obama.", "Barack Obama"),
        ("When asked, give 3.1415.", "x = 3.1415"),
    ],
)
def test_answers_are_found(lesson: str, answer: str) -> None:
    assert leaked(lesson, [answer], [TASK]) is not None


@pytest.mark.parametrize(
    ("lesson", "answer"),
    [
        ("When the order is 55120, check it.", "Order 55120 was cancelled"),
        ("When it is true, stop.", "true"),
        ("When hashing, use sha256 and utf-8.", "I used sha256 over utf-8"),
        ("When cancelling, call cancel_reservation last.", '{"tool": "cancel_reservation"}'),
        ("When 12 items or more are listed, page.", "12"),
        ("When a total is 20415, add.", "2041"),
        ("When unsure, ask the customer.", "I asked the customer and she was sure that the order should go"),
        ("When so, do.", ""),
    ],
)
def test_ordinary_words_are_no_leak(lesson: str, answer: str) -> None:
    assert leaked(lesson, [answer], [TASK]) is None
