from __future__ import annotations

import json
from statistics import mean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explib_learner.grammar.coding import Letter
from explib_learner.grammar.grammar import decision_of
from explib_learner.grammar.keys import TRUE, Condition, Predicate, Test
from explib_learner.grammar.reading import WORD
from explib_learner.writing.templates import lesson_of
from explib_server.demo.advice import Rule, read_advice
from explib_server.demo.agent import attempt, make_plan
from explib_server.demo.desk import TOOLS
from explib_server.demo.tasks import FAMILIES, DeskTask, Dice, Family, held_out_tasks, practice_tasks

ORACLE_ADVICE = """Lessons from earlier tasks; follow those that apply.
[e1]. When the task involves update_address, call get_customer before it.
[e2]. When cancel_order returns an error, call release_order, then retry cancel_order.
[e3]. When refunding money, use refund_order instead of quick_refund.
[e4]. When shipping an order, call reserve_stock before ship_order.
[e5]. When you call ship_order, pass the weight as `grams`, not `kg`.
[e6]. When a ticket is to be closed, finish by calling close_ticket.
[e7]. When calling notify_customer, pass its `keep_copy`.
"""

FALSE_ADVICE = """[e1]. When you call update_address, do not call get_customer before it.
[e2]. When cancel_order returns an error, make no other tool call.
[e3]. When refunding money, use quick_refund instead of refund_order.
[e4]. When you call ship_order, leave out its argument grams.
[e5]. When you call ship_order, never call reserve_stock first.
[e6]. When you finish, make notify_customer your last tool call.
[e7]. When calling notify_customer, leave out `keep_copy`.
"""

IRRELEVANT_ADVICE = """[e1]. When writing Python, prefer small functions.
[e2]. When a question is about history, check the century first and never guess a date.
[e3]. When you give the final answer, write only a number.
"""


def success(advice: str, family: str | None = None, count: int = 80) -> float:
    dice = Dice("success")
    tasks = [task for task in held_out_tasks(1, count) if family in (None, task.family)]
    return mean(attempt(task, advice, dice).reward for task in tasks)


def first_task(family: str) -> DeskTask:
    return next(task for task in practice_tasks(0, len(FAMILIES)) if task.family == family)


@pytest.mark.parametrize("family", FAMILIES)
def test_without_advice_a_third_to_a_half_of_the_reward_is_earned(family: str) -> None:
    assert 0.3 <= success("", family, 400) <= 0.5


@pytest.mark.parametrize("family", FAMILIES)
def test_with_the_true_conventions_nearly_all_of_the_reward_is_earned(family: str) -> None:
    assert success(ORACLE_ADVICE, family) >= 0.85


def test_irrelevant_advice_changes_nothing() -> None:
    assert success(IRRELEVANT_ADVICE) == success("")


def test_false_advice_is_followed_and_hurts() -> None:
    assert success(FALSE_ADVICE) < 0.1 < success("")


CONVENTIONS: list[tuple[Family, Predicate, Letter]] = [
    ("address", Predicate("before", ("get_customer", "update_address"), TRUE), "a"),
    ("cancel", Predicate("after failure", ("cancel_order",), Test("is", "tool release_order")), "a"),
    ("cancel", Predicate("before", ("release_order", "cancel_order"), TRUE), "a"),
    ("cancel", Predicate("used", ("release_order",), TRUE, Condition((WORD, "cancel"), TRUE)), "a"),
    ("refund", Predicate("instead", ("quick_refund", "refund_order"), TRUE), "b"),
    ("refund", Predicate("used", ("quick_refund",), TRUE), "b"),
    ("ship", Predicate("given", ("ship_order", "kg"), TRUE), "b"),
    ("ship", Predicate("given", ("ship_order", "grams"), TRUE), "a"),
    ("ship", Predicate("precedes", ("reserve_stock", "ship_order"), TRUE), "a"),
    ("ship", Predicate("before", ("reserve_stock", "ship_order"), TRUE), "a"),
    ("ship", Predicate("given", ("notify_customer", "keep_copy"), TRUE), "a"),
    ("refund", Predicate("after", ("close_ticket", "notify_customer"), TRUE), "a"),
    ("refund", Predicate("after", ("notify_customer", "close_ticket"), TRUE), "b"),
    ("refund", Predicate("ends", ("last",), Test("is", "close_ticket")), "a"),
    ("refund", Predicate("beside", ("next", "notify_customer"), Test("is", "close_ticket")), "a"),
]
"""Conventions of the desk as the grammar may find them, with the letter of the better option."""


@pytest.mark.parametrize(("family", "predicate", "letter"), CONVENTIONS)
def test_a_sentence_of_the_templates_is_understood_and_pays(
    family: Family, predicate: Predicate, letter: Letter
) -> None:
    decision = decision_of(predicate)
    other: Letter = "b" if letter == "a" else "a"
    followed, opposite = (success(lesson_of(decision, option), family, 240) for option in (letter, other))

    assert followed - opposite > 0.12


def test_a_lesson_about_other_tasks_is_passed_over() -> None:
    lesson = "When you call `notify_customer` and the task says `cancel`, leave out `keep_copy`."
    assert success(lesson, "ship") == success("", "ship")
    assert success(lesson, "cancel") < success("", "cancel")


@pytest.mark.parametrize(
    ("line", "rules"),
    [
        ("call `get_customer()` before `update_address`", {Rule("before", "get_customer", "update_address")}),
        (
            "When you could call `quick_refund` or call `refund_order`, call `refund_order`.",
            {Rule("instead", "refund_order", "quick_refund")},
        ),
        ("When using ship_order, call reserve_stock first.", {Rule("before", "reserve_stock", "ship_order")}),
        ("Never use quick_refund.", {Rule("call", "quick_refund", refused=True)}),
        (
            "When refunding, use refund_order instead of quick_refund.",
            {Rule("instead", "refund_order", "quick_refund")},
        ),
        ("Start with get_order first.", {Rule("first", "get_order")}),
        ("When you call `ship_order`, make it your first call.", {Rule("first", "ship_order")}),
        (
            "When you call ship_order, call notify_customer afterwards.",
            {Rule("after", "notify_customer", "ship_order")},
        ),
        (
            "When you call get_order and call ship_order, call ship_order first, then the other.",
            {Rule("before", "ship_order", "get_order")},
        ),
        ("close_ticket must be the last step", {Rule("last", "close_ticket")}),
        ("After an error from cancel_order, call release_order.", {Rule("recover", "release_order", "cancel_order")}),
        ("When cancel_order returns an error, do not retry it.", {Rule("retry", "cancel_order", refused=True)}),
        ("Pass `grams` to ship_order.", {Rule("pass", other="grams")}),
        ("Never pass kg to ship_order.", {Rule("pass", other="kg", refused=True)}),
        ("Be careful and check everything first.", set()),
    ],
)
def test_the_usual_ways_to_say_it_are_understood(line: str, rules: set[Rule]) -> None:
    assert set(read_advice(line)) == rules


def test_a_lesson_and_its_opposite_ask_for_opposite_plans() -> None:
    task = first_task("address")
    opposites: dict[bool, list[bool]] = {True: [], False: []}
    for did, keeps in opposites.items():
        lesson = f"When you call `update_address`, {'' if did else 'do not '}call `get_customer` first."
        for seed in range(20):
            tools = make_plan(task, lesson, Dice(seed)).tools
            keeps.append("get_customer" in tools[: tools.index("update_address")])

    assert all(opposites[True])
    assert not any(opposites[False])


def test_the_same_seed_gives_the_same_attempt() -> None:
    for task in practice_tasks(4, 12):
        assert attempt(task, ORACLE_ADVICE, Dice(9)) == attempt(task, ORACLE_ADVICE, Dice(9))


def test_an_attempt_is_an_openai_conversation_in_which_every_call_is_answered() -> None:
    dice = Dice("messages")
    for task in practice_tasks(0, 30):
        done = attempt(task, "", dice)
        asking = [call for message in done.messages for call in as_list(message.get("tool_calls", []))]
        ids = [call["id"] for call in asking]

        assert done.messages[0] == {"role": "user", "content": task.text}
        assert done.messages[-1] == {"role": "assistant", "content": done.answer}
        assert ids == [message["tool_call_id"] for message in done.messages if message["role"] == "tool"]
        assert len(set(map(str, ids))) == len(ids) > 0
        for call in asking:
            function = call["function"]
            assert isinstance(function, dict)
            assert function["name"] in TOOLS
            assert set(json.loads(str(function["arguments"]))) >= set(TOOLS[str(function["name"])].required)


def as_list(value: object) -> list[dict[str, object]]:
    assert isinstance(value, list)
    return value


@given(st.text(max_size=300))
def test_any_text_can_be_read_as_advice(text: str) -> None:
    assert all(isinstance(rule, Rule) for rule in read_advice(text))


_PIECES = st.sampled_from(
    [*TOOLS, "before", "after", "never", "first", "last", "instead of", "when", "error", "grams", "kg", ",", ". ", "it"]
)


@given(pieces=st.lists(_PIECES, max_size=25), seed=st.integers(min_value=0, max_value=99))
def test_any_mixture_of_tools_and_key_words_leaves_a_plan_that_can_be_carried_out(pieces: list[str], seed: int) -> None:
    task = practice_tasks(seed, 4)[seed % 4]

    assert 0 <= attempt(task, " ".join(pieces), Dice(seed)).reward <= 1
