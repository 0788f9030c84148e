from __future__ import annotations

import random
from dataclasses import replace
from functools import cache

import pytest
from learner.small_desk import desk

from explib.models.decisions import Decision, GradedAttempt
from explib_learner.grammar.candidates import NOT_MET, candidates, column_of
from explib_learner.grammar.grammar import Grammar
from explib_learner.grammar.keys import predicate_of
from explib_learner.grammar.reading import Reading
from explib_learner.grammar.trace import trace_of
from explib_learner.writing.templates import MAX_WORDS, lesson_of


def better(decision: Decision, graded: list[GradedAttempt], letters: list[str | None]) -> str:
    """The option with the higher mean reward."""
    means = {}
    for letter in "ab":
        rewards = [each.reward for each, taken in zip(graded, letters, strict=True) if taken == letter]
        means[letter] = sum(rewards) / len(rewards)
    return max(means, key=lambda letter: means[letter])


@cache
def lessons(count: int) -> list[str]:
    attempts, graded = desk(count)
    traces = [trace_of(attempt) for attempt in attempts]
    grammar = Grammar()
    found = grammar.name(traces, graded)
    return [
        lesson_of(decision, better(decision, graded, [grammar.code(decision, trace) for trace in traces]))
        for decision in found
    ]


def test_the_conventions_of_a_desk_are_named_and_nothing_else() -> None:
    said = " ".join(lessons(90))
    assert "When you call `ship`, call `get_customer` first." in said
    assert "pass `weight` from `get_order` × 1000 as `weight`" in said
    assert "`total` from `get_order` is at least" in said
    assert "state the `order`" in said
    assert len(lessons(90)) <= 6


def test_sixty_attempts_are_enough_for_plain_conventions() -> None:
    assert any("get_customer" in lesson for lesson in lessons(60))


@pytest.mark.parametrize("seed", range(3))
def test_shuffled_rewards_name_nothing(seed: int) -> None:
    attempts, graded = desk(60, seed)
    rewards = [each.reward for each in graded]
    random.Random(seed).shuffle(rewards)
    shuffled = [replace(each, reward=reward) for each, reward in zip(graded, rewards, strict=True)]
    assert Grammar().name([trace_of(attempt) for attempt in attempts], shuffled) == []


def test_few_attempts_name_nothing() -> None:
    attempts, graded = desk(11)
    assert Grammar().name([trace_of(attempt) for attempt in attempts], graded) == []


def test_traces_of_other_attempts_are_refused() -> None:
    attempts, graded = desk(12)
    with pytest.raises(ValueError, match="same trajectories"):
        Grammar().name([trace_of(attempt) for attempt in attempts[::-1]], graded)


def test_a_foreign_key_is_refused() -> None:
    attempts, _ = desk(1)
    decision = Decision("d1", "said by a model", "model", "you act", ())
    with pytest.raises(ValueError, match="no predicate of the grammar"):
        Grammar().code(decision, trace_of(attempts[0]))


def test_code_by_key_reproduces_the_column_of_every_candidate() -> None:
    attempts, _ = desk(40)
    readings = [Reading(trace_of(attempt)) for attempt in attempts]
    found = candidates(readings)
    assert len(found) > 20
    for each in found:
        anew = column_of(predicate_of(each.predicate.key), [Reading(trace_of(attempt)) for attempt in attempts[:5]])
        assert anew.tolist() == each.column[:5].tolist()


def test_no_two_candidates_split_the_attempts_alike() -> None:
    attempts, _ = desk(40)
    splits = set()
    for each in candidates([Reading(trace_of(attempt)) for attempt in attempts]):
        column = each.column.tolist()
        mirrored = [value if value == NOT_MET else 1 - value for value in column]
        splits.add(min(tuple(column), tuple(mirrored)))
    assert len(splits) == len(candidates([Reading(trace_of(attempt)) for attempt in attempts]))


def test_lessons_are_short_sentences() -> None:
    for lesson in lessons(90):
        assert lesson.startswith("When ")
        assert lesson.endswith(".")
        assert len(lesson.split()) <= MAX_WORDS
