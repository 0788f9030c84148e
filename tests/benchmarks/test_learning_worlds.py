from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import pytest
from learning.agents import cast
from learning.choices import Choice
from learning.data_sets import MODES, fresh, graded, groups, lone, mixed, sessions, shuffled
from learning.play import Conditions, Played, Task
from learning.reading import advised, followed
from learning.world import World
from learning.worlds import WORLDS
from learning.worlds.repository import CORRECTIONS

QUIET = Conditions(noise=0.0, slips=0.0, flaky=0.0)
TASKS = 30

each_world = pytest.mark.parametrize("world", WORLDS.values(), ids=WORLDS)
each_convention = pytest.mark.parametrize(
    ("world", "convention"),
    [(world, convention) for world in WORLDS.values() for convention in world.conventions],
    ids=[f"{world.name}-{convention.id}" for world in WORLDS.values() for convention in world.conventions],
)


@cache
def tasks(name: str) -> list[Task]:
    return WORLDS[name].tasks(1, TASKS)


def plays(world: World, choices: Mapping[str, str], meeting: str | None = None) -> list[Played]:
    """An attempt at each task, or at each one that meets a convention."""
    return [
        world.attempt(task, choices, "0", QUIET)
        for task in tasks(world.name)
        if meeting is None or meeting in task.meets
    ]


@each_world
def test_a_world_has_ten_to_fourteen_conventions_and_some_decoys(world: World) -> None:
    assert 10 <= len(world.conventions) <= 14
    assert len(world.decoys) >= 4
    ids = [choice.id for choice in (*world.conventions, *world.decoys)]
    assert len(set(ids)) == len(ids)
    assert {choice_id for first, second, _ in world.ties for choice_id in (first, second)} <= set(ids)


@each_world
def test_attempts_are_the_same_for_the_same_seed_and_others_for_another(world: World) -> None:
    assert lone(world, 10, 3).played == lone(world, 10, 3).played
    assert lone(world, 10, 3).played != lone(world, 10, 4).played


@each_world
def test_an_agent_that_keeps_every_convention_gets_the_whole_reward(world: World) -> None:
    assert {played.reward for played in plays(world, {})} == {1.0}


@each_world
def test_tasks_differ_and_none_meets_every_convention(world: World) -> None:
    asked = tasks(world.name)
    assert len({task.text for task in asked}) == TASKS
    assert all(len(task.meets) < len(world.conventions) for task in asked)
    assert {choice_id for task in asked for choice_id in task.meets} == {choice.id for choice in world.conventions}


@each_convention
def test_breaking_a_convention_costs_and_shows_in_the_steps(world: World, convention: Choice) -> None:
    kept = plays(world, {}, convention.id)
    for option in convention.options:
        if option.name != convention.right:
            broken = plays(world, {convention.id: option.name}, convention.id)
            pairs = [pair for pair in zip(kept, broken, strict=True) if convention.id in pair[0].choices]
            assert pairs
            assert all(other.share < 1.0 and one.attempt.steps != other.attempt.steps for one, other in pairs)


@each_world
def test_decoys_show_and_cost_nothing(world: World) -> None:
    for decoy in world.decoys:
        shown = [plays(world, {decoy.id: option.name}) for option in decoy.options]
        assert all(played.share == 1.0 for played in shown[0] + shown[1])
        assert any(one.attempt.steps != other.attempt.steps for one, other in zip(*shown[:2], strict=True))


@each_world
def test_calls_are_as_the_tools_ask_for_and_each_is_answered(world: World) -> None:
    for played in lone(world, 60, 5).played:
        steps = played.attempt.steps
        assert steps[0].role == "user"
        assert steps[-1].role == "assistant"
        calls = [call for step in steps for call in step.calls]
        assert [call.id for call in calls] == [step.answers_call for step in steps if step.role == "tool"]
        for call in calls:
            tool = world.tools[call.name]
            assert isinstance(tool, dict)
            schema = tool["parameters"]
            assert isinstance(schema, dict)
            required, properties = schema["required"], schema["properties"]
            assert isinstance(required, list)
            assert isinstance(properties, dict)
            assert set(required) <= call.arguments.keys() <= properties.keys()


@each_world
def test_no_tool_names_a_convention(world: World) -> None:
    described = [str(tool) for tool in world.tools.values()]
    for convention in world.conventions:
        assert not any(convention.option(convention.right or "").text in text for text in described)


@each_world
def test_a_convention_put_into_words_is_read_as_itself(world: World) -> None:
    for convention in world.conventions:
        assert followed(world.conventions, [convention.description]) == {convention.id: convention.right}
        for option in convention.options:
            assert advised(convention, convention.lesson(option.name)) in (option.name, None)


@pytest.mark.parametrize(
    ("lesson", "option"),
    [
        ("When you pay money back, call refund_to_card.", "card"),
        ("When you pay money back, use refund_to_card instead of quick_refund.", "card"),
        ("When money is to be refunded, do not call quick_refund.", "card"),
        ("When money is to be refunded, never use refund_to_card; use quick_refund.", "quick"),
        ("When a refund is asked for, call refund_to_card. Call quick_refund too.", None),
        ("When a parcel is shipped, reserve its items before.", None),
    ],
)
def test_lessons_are_read_carefully(lesson: str, option: str | None) -> None:
    (choice,) = [choice for choice in WORLDS["order desk"].conventions if choice.id == "refund_tool"]
    assert advised(choice, lesson) == option


def test_what_persons_say_is_read_as_the_convention() -> None:
    conventions = {convention.id: convention for convention in WORLDS["repository"].conventions}
    for convention_id, words in CORRECTIONS.items():
        assert advised(conventions[convention_id], words) == conventions[convention_id].right


@each_world
def test_agents_follow_what_they_read_for_the_most_part(world: World) -> None:
    lessons = [convention.description for convention in world.conventions]
    plain, taught = lone(world, 40, 2).played, lone(world, 40, 2, lessons).played
    assert sum(each.share for each in plain) / 40 < 0.65
    assert sum(each.share for each in taught) / 40 > 0.85


def test_lessons_that_contradict_each_other_are_not_followed() -> None:
    world = WORLDS["order desk"]
    lessons = ["When money is paid back, use quick_refund.", "When money is paid back, use refund_to_card."]
    assert followed(world.conventions, lessons) == {}


@each_world
def test_agents_differ_in_their_tendencies(world: World) -> None:
    one, other = cast(world, 1)[:2]
    assert one.odds != other.odds


@each_world
def test_most_conventions_vary_in_every_mode(world: World) -> None:
    for mode in ("lone 60", "groups 10 × 5"):
        assert len(MODES[mode](world, 0).varying()) >= 0.7 * len(world.conventions)


def test_groups_are_attempts_at_one_task_and_mixed_sets_have_both() -> None:
    world = WORLDS["clinic"]
    by_group = [each.attempt.trajectory.group_id for each in groups(world, 4, 5, 0).played]
    assert sorted(by_group.count(group) for group in set(by_group)) == [5, 5, 5, 5]
    both = [each.attempt.trajectory.group_id for each in mixed(world, 140, 0).played]
    assert len(both) == 140
    assert sorted({both.count(group) for group in both}) == [1, 5]
    ids = [each.attempt.trajectory.id for each in mixed(world, 140, 0).played]
    assert len(set(ids)) == 140


def test_pass_fail_rewards_are_zero_and_one_and_shuffling_keeps_them() -> None:
    data = graded(lone(WORLDS["clinic"], 60, 0), "pass/fail")
    rewards = [attempt.reward for attempt in data.attempts]
    assert set(rewards) == {0.0, 1.0}
    mixed_up = [attempt.reward for attempt in shuffled(data, 1).attempts]
    assert sorted(mixed_up) == sorted(rewards)
    assert mixed_up != rewards


@each_world
def test_fresh_attempts_are_at_other_tasks_and_take_every_option(world: World) -> None:
    others = fresh(world, 150, 0)
    keys = {attempt.trajectory.group_id for attempt in lone(world, 20, 0).attempts}
    assert not keys & {attempt.trajectory.group_id for attempt in others.attempts}
    assert others.varying(5) == {convention.id for convention in world.conventions}


def test_sessions_have_no_rewards_but_cures_and_corrections() -> None:
    data = sessions(WORLDS["repository"], 60, 0)
    assert {attempt.trajectory.reward for attempt in data.attempts} == {None}
    assert {"test_command", "commit_form", "signoff", "push"} <= data.cured
    assert {"branch_name", "changelog"} <= data.told
    failing = [step for attempt in data.attempts for step in attempt.steps if step.is_error]
    assert any("DATABASE_URL is not set" in step.text for step in failing)
    assert any("timed out" in step.text for step in failing)


def test_what_persons_correct_stands_in_their_own_turns() -> None:
    data = sessions(WORLDS["repository"], 60, 0)
    for each in data.played:
        later = [step.text for step in each.attempt.steps[1:] if step.role == "user"]
        assert [text for text in later if text in CORRECTIONS.values()] == [
            text for choice_id, text in CORRECTIONS.items() if choice_id in each.told
        ]


def test_by_lot_nothing_is_cured_and_nobody_corrects_but_commands_fail() -> None:
    data = sessions(WORLDS["repository"], 60, 0, by_lot=True)
    assert not data.cured
    assert not data.told
    assert any(step.is_error and "failed" in step.text for attempt in data.attempts for step in attempt.steps)
