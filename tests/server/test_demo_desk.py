from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explib.models.json_value import Json
from explib_server.demo.desk import TOOLS, OrderDesk
from explib_server.demo.tasks import FAMILIES, DeskTask, held_out_tasks, practice_tasks


def task_of(family: str) -> DeskTask:
    return next(task for task in practice_tasks(3, len(FAMILIES)) if task.family == family)


def reward_after(family: str, *calls: str) -> float:
    """The reward after calls like `ship_order kg`: a tool, then the optional arguments that are passed."""
    task = task_of(family)
    desk = OrderDesk(task)
    for call in calls:
        name, *optional = call.split()
        arguments: dict[str, Json] = {"message": "It is done."}
        for argument in (*TOOLS[name].required, *optional):
            if argument != "message":
                arguments[argument] = task.facts[argument]
        desk.call(name, arguments)
    return desk.reward()


@pytest.mark.parametrize(
    ("family", "calls"),
    [
        ("address", ["get_customer", "update_address"]),
        ("cancel", ["cancel_order", "unlock_order", "cancel_order"]),
        ("refund", ["refund_order", "notify_customer ticket_id", "close_ticket"]),
        ("ship", ["reserve_stock", "ship_order grams"]),
        ("discount", ["get_order", "apply_discount", "quote_shipping"]),
        ("reply", ["notify_customer ticket_id", "close_ticket"]),
    ],
)
def test_who_keeps_the_conventions_gets_the_reward(family: str, calls: list[str]) -> None:
    assert reward_after(family, *calls) == 1


@pytest.mark.parametrize(
    ("family", "calls"),
    [
        ("address", []),
        ("address", ["update_address"]),
        ("address", ["update_address", "get_customer"]),
        ("address", ["get_order", "update_address"]),
        ("address", ["get_customer", "update_address", "cancel_order"]),
        ("cancel", ["cancel_order", "cancel_order"]),
        ("cancel", ["cancel_order", "unlock_order"]),
        ("cancel", ["cancel_order", "get_order", "cancel_order"]),
        ("refund", ["quick_refund", "notify_customer ticket_id", "close_ticket"]),
        ("refund", ["refund_order", "close_ticket", "notify_customer ticket_id"]),
        ("refund", ["refund_order", "notify_customer ticket_id"]),
        ("ship", ["ship_order grams"]),
        ("ship", ["ship_order grams", "reserve_stock"]),
        ("ship", ["reserve_stock", "ship_order kg"]),
        ("ship", ["reserve_stock", "ship_order"]),
        ("discount", ["quote_shipping", "apply_discount"]),
        ("discount", ["apply_discount", "get_order", "quote_shipping"]),
        ("reply", ["notify_customer", "close_ticket"]),
        ("reply", ["close_ticket", "notify_customer ticket_id"]),
    ],
)
def test_who_breaks_a_convention_gets_nothing(family: str, calls: list[str]) -> None:
    assert reward_after(family, *calls) == 0


def test_a_tool_that_does_nothing_answers_like_one_that_does() -> None:
    task = task_of("refund")
    arguments = {name: task.facts[name] for name in ("order_id", "amount")}

    assert OrderDesk(task).call("quick_refund", arguments) == OrderDesk(task).call("refund_order", arguments)


def test_an_ignored_change_answers_like_one_that_was_made() -> None:
    task = task_of("address")
    arguments = {name: task.facts[name] for name in TOOLS["update_address"].required}
    knowing = OrderDesk(task)
    knowing.call("get_customer", arguments)

    assert OrderDesk(task).call("update_address", arguments) == knowing.call("update_address", arguments)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("teleport_order", {}),
        ("get_order", {}),
        ("get_order", {"order_id": "O-0"}),
        ("ship_order", {"order_id": None}),
    ],
)
def test_a_call_that_makes_no_sense_is_an_error_and_says_so(name: str, arguments: dict[str, Json]) -> None:
    task = task_of("ship")
    known: dict[str, Json] = {key: task.facts[key] if value is None else value for key, value in arguments.items()}

    result = OrderDesk(task).call(name, known)

    assert result.is_error
    assert result.text.startswith("Error")


@given(seed=st.integers(min_value=0, max_value=10_000), other=st.integers(min_value=0, max_value=10_000))
def test_no_task_is_both_practised_and_held_out(seed: int, other: int) -> None:
    practised, held_out = practice_tasks(seed, 30), held_out_tasks(other, 30)

    assert not {task.text for task in practised} & {task.text for task in held_out}
    assert len({task.text for task in practised}) == len({task.key for task in practised}) == 30
    assert practised == practice_tasks(seed, 30)
    assert {task.family for task in held_out} == set(FAMILIES)


def test_a_longer_list_of_tasks_begins_with_the_shorter_one() -> None:
    assert practice_tasks(5, 40)[:10] == practice_tasks(5, 10)


def test_a_task_states_what_it_has_facts_about_and_nothing_of_the_conventions() -> None:
    for task in (*practice_tasks(0, 60), *held_out_tasks(0, 60)):
        assert all(str(value) in task.text for name, value in task.facts.items() if name != "grams")
        assert not any(tool in task.text for tool in TOOLS)
