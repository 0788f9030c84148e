from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explib.text.words import (
    MAX_TERMS,
    count_words,
    estimate_tokens,
    limit_problem,
    normalise_task,
    number_of,
    storable,
    terms,
)

STEADY = settings(deadline=None, derandomize=True)
ANY_TEXT = st.text(st.characters(exclude_categories=()))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", 0),
        ("— … !", 0),
        ("When a tool fails, retry once.", 6),
        ("don't call get_user_details twice", 4),
        ("state-of-the-art v3.5", 2),
        ("this—that/those", 3),
        ("हिन्दी भाषा है", 3),
        ("한국어 단어", 2),
        ("当工具失败时", 3),
        ("ก" * 64, 32),
        ("ลองใหม่", 3),
        ("use 中文 here", 3),
        ("use 中文字 here", 4),
        ("a" * 41, 2),
    ],
)
def test_words_are_counted_in_every_script(text: str, words: int) -> None:
    assert count_words(text) == words


@pytest.mark.parametrize("letter", ["字", "あ", "ก", "ກ", "ក", "က"])
def test_scripts_without_spaces_may_have_twice_as_many_characters(letter: str) -> None:
    assert limit_problem(letter * 64, 32) is None
    assert limit_problem(letter * 65, 32) is not None


def test_the_limit_problem_says_by_how_much_and_what_to_do() -> None:
    assert limit_problem("one two", 2) is None
    problem = limit_problem("one two three", 2)
    assert problem == "The text has 3 words where at most 2 are allowed: shorten it by 1."
    assert "at most 4 characters" in (limit_problem("一二三四五", 2) or "")


@pytest.mark.parametrize("filler", [" ", "-", "< ", "…"])
def test_no_limit_is_passed_by_what_is_no_word(filler: str) -> None:
    assert limit_problem("When so, wait." + 5_000 * filler, 48) is not None


@STEADY
@given(ANY_TEXT, st.integers(0, 50))
def test_the_limit_and_its_problem_agree(text: str, limit: int) -> None:
    assert (count_words(text) <= limit) == (limit_problem(text, limit) is None)


@STEADY
@given(ANY_TEXT)
def test_normalising_a_task_twice_changes_nothing_more(text: str) -> None:
    once = normalise_task(text)
    assert normalise_task(once) == once
    once.encode()


def test_tasks_that_differ_in_case_width_and_white_space_meet() -> None:
    assert normalise_task("  Fix　the\n\tＢｕｇ ") == normalise_task("fix the bug")


@STEADY
@given(ANY_TEXT)
def test_terms_are_distinct_and_bounded_and_found_again_in_another_case(text: str) -> None:
    found = terms(text)
    assert len(found) == len(set(found)) <= MAX_TERMS
    assert all(found)


@STEADY
@given(st.text(st.characters(max_codepoint=127)))
def test_terms_of_plain_english_are_cut_as_in_any_other_text(text: str) -> None:
    assert terms(f"{text} 字") == [*terms(text), "字"]


def test_terms_are_words_or_pairs_of_characters() -> None:
    assert terms("Don't call Get_User twice, TWICE!") == ["dont", "call", "get", "user", "twice"]
    assert terms("航班改签 OK 退") == ["航班", "班改", "改签", "ok", "退"]


def test_terms_stop_at_their_limit() -> None:
    assert len(terms(" ".join(f"word{number}" for number in range(1000)))) == MAX_TERMS


@STEADY
@given(ANY_TEXT, ANY_TEXT)
def test_more_text_never_has_fewer_tokens(first: str, second: str) -> None:
    assert max(estimate_tokens(first), estimate_tokens(second)) <= estimate_tokens(first + second)
    assert estimate_tokens(first + second) <= estimate_tokens(first) + estimate_tokens(second)


def test_tokens_are_about_four_letters_or_one_chinese_character() -> None:
    assert estimate_tokens("abcd " * 100) == 125
    assert estimate_tokens("字" * 100) == 100
    assert estimate_tokens("") == 0


@STEADY
@given(ANY_TEXT)
def test_storable_text_has_neither_nul_nor_surrogates_and_keeps_its_length(text: str) -> None:
    stored = storable(text)
    assert len(stored) == len(text)
    assert "\0" not in stored
    stored.encode()


def test_a_number_is_said_with_its_noun_in_one_or_many() -> None:
    assert [number_of(count, "group") for count in (0, 1, 2_000)] == ["0 groups", "1 group", "2,000 groups"]
    assert number_of(2, "trajectory", "trajectories") == "2 trajectories"
