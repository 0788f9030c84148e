from __future__ import annotations

import json
from statistics import mean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explib_server.demo.advice import Rule, read_advice
from explib_server.demo.agent import attempt, make_plan
from explib_server.demo.desk import TOOLS
from explib_server.demo.tasks import FAMILIES, DeskTask, Dice, held_out_tasks, practice_tasks

ORACLE_ADVICE = """Lessons from earlier tasks; follow those that apply.
[e1]. When the task involves update_address, call get_customer before it.
[e2]. When cancel_order returns an error, call unlock_order, then retry cancel_order.
[e3]. When refunding money, use refund_order instead of quick_refund.
[e4]. When shipping an order, call reserve_stock before ship_order.
[e5]. When you call ship_order, pass the weight as `grams`, not `kg`.
[e6]. When a discount is asked for, call apply_discount before quote_shipping.
[e7]. When you have called apply_discount, never call get_order after it.
[e8]. When a ticket is to be closed, finish by calling close_ticket.
[e9]. When calling notify_customer, pass its `ticket_id`.
"""

FALSE_ADVICE = """[e1]. When you call update_address, do not call get_customer before it.
[e2]. When cancel_order returns an error, make no other tool call.
[e3]. When refunding money, use quick_refund instead of refund_order.
[e4]. When you call ship_order, leave out its argument grams.
[e5]. When you call quote_shipping, do not call apply_discount before it.
[e6]. When you finish, make notify_customer your last tool call.
"""

IRRELEVANT_ADVICE = """[e1]. When writing Python, prefer small functions.
[e2]. When a question is about history, check the century first and never guess a date.
[e3]. When you give the final answer, write only a number.
"""


def success(advice: str, family: str | None = None, count: int = 180) -> float:
    dice = Dice("success")
    tasks = [task for task in held_out_tasks(1, count) if family in (None, task.family)]
    return mean(attempt(task, advice, dice).reward for task in tasks)


def first_task(family: str) -> DeskTask:
    return next(task for task in practice_tasks(0, len(FAMILIES)) if task.family == family)


@pytest.mark.parametrize("family", FAMILIES)
def test_without_advice_a_third_to_a_half_of_the_attempts_succeed(family: str) -> None:
    assert 0.28 <= success("", family, 900) <= 0.55


@pytest.mark.parametrize("family", FAMILIES)
def test_with_the_true_conventions_nearly_all_attempts_succeed(family: str) -> None:
    assert success(ORACLE_ADVICE, family) >= 0.95


def test_irrelevant_advice_changes_nothing() -> None:
    assert success(IRRELEVANT_ADVICE) == success("")


def test_false_advice_is_followed_and_hurts() -> None:
    assert success(FALSE_ADVICE) < 0.1 < success("")


@pytest.mark.parametrize(
    ("lesson", "family"),
    [
        ("When the task involves update_address, call get_customer before it.", "address"),
        ("Before update_address, call get_customer.", "address"),
        ("If cancel_order fails, run `unlock_order` and try again.", "cancel"),
        ("When shipping, call reserve_stock and then ship_order; pass grams rather than kg.", "ship"),
        ("Never call get_order after apply_discount. Call apply_discount before quote_shipping.", "discount"),
        ("Include the ticket_id in notify_customer. End with close_ticket.", "reply"),
    ],
)
def test_one_lesson_is_enough_for_its_family(lesson: str, family: str) -> None:
    assert success(f"[e7]. {lesson}", family) >= 0.95


def test_most_groups_of_five_have_winners_and_losers() -> None:
    dice = Dice("groups")
    groups = [{attempt(task, "", dice).reward for _ in range(5)} for task in practice_tasks(2, 120)]

    assert mean(len(rewards) == 2 for rewards in groups) >= 0.8


@pytest.mark.parametrize(
    ("line", "rules"),
    [
        ("call `get_customer()` before `update_address`", {Rule("before", "get_customer", "update_address")}),
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
            "When you call get_order and call apply_discount, call apply_discount first, then the other.",
            {Rule("before", "apply_discount", "get_order")},
        ),
        ("close_ticket must be the last step", {Rule("last", "close_ticket")}),
        ("After an error from cancel_order, call unlock_order.", {Rule("recover", "unlock_order", "cancel_order")}),
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
    task = practice_tasks(seed, 6)[seed % 6]

    assert attempt(task, " ".join(pieces), Dice(seed)).reward in (0.0, 1.0)
