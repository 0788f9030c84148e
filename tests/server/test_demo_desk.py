from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explib.models.json_value import Json
from explib_server.demo.desk import TOOLS, OrderDesk
from explib_server.demo.tasks import FAMILIES, DeskTask, held_out_tasks, practice_tasks


def task_of(family: str) -> DeskTask:
    return next(task for task in practice_tasks(3, len(FAMILIES)) if task.family == family)


def points_after(family: str, *calls: str) -> float:
    """The points after calls like `ship_order kg`: a tool, then the optional arguments that are passed."""
    task = task_of(family)
    desk = OrderDesk(task)
    for call in calls:
        name, *optional = call.split()
        arguments: dict[str, Json] = {"message": "It is done."}
        for argument in (*TOOLS[name].required, *optional):
            if argument != "message":
                arguments[argument] = task.facts.get(argument, True)
        desk.call(name, arguments)
    return desk.points()


WIND_UP = ["notify_customer keep_copy", "close_ticket"]


@pytest.mark.parametrize(
    ("family", "calls"),
    [
        ("address", ["get_customer", "update_address", *WIND_UP]),
        ("cancel", ["cancel_order", "release_order", "cancel_order", *WIND_UP]),
        ("cancel", ["release_order", "cancel_order", *WIND_UP]),
        ("refund", ["refund_order", *WIND_UP]),
        ("ship", ["reserve_stock", "ship_order grams", *WIND_UP]),
    ],
)
def test_who_keeps_the_conventions_gets_all_points(family: str, calls: list[str]) -> None:
    assert points_after(family, *calls) == 1


@pytest.mark.parametrize(
    ("family", "calls", "points"),
    [
        ("address", [], 0),
        ("address", ["update_address"], 0),
        ("address", ["update_address", "get_customer"], 0),
        ("address", ["get_customer", "update_address"], 0.5),
        ("cancel", ["cancel_order", "cancel_order"], 0),
        ("cancel", ["cancel_order", "release_order"], 0),
        ("cancel", ["cancel_order", "get_order", "cancel_order"], 0),
        ("refund", ["quick_refund"], 0),
        ("refund", ["quick_refund", *WIND_UP], 0.5),
        ("ship", ["ship_order grams"], 0.25),
        ("ship", ["ship_order grams", "reserve_stock"], 0.25),
        ("ship", ["reserve_stock", "ship_order kg"], 0.25),
        ("ship", ["reserve_stock", "ship_order"], 0),
        ("refund", ["close_ticket", "notify_customer keep_copy"], 0.25),
        ("refund", ["notify_customer", "close_ticket"], 0.25),
        ("address", ["refund_order"], 0),
    ],
)
def test_each_broken_convention_costs_points(family: str, calls: list[str], points: float) -> None:
    assert points_after(family, *calls) == points


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
