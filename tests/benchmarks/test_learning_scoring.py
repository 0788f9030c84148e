from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

import pytest
from learning.data_sets import DataSet, fresh, groups, lone, shuffled
from learning.learners import Contrast, Learned
from learning.play import Played
from learning.run import judge, measure
from learning.scoring import score, score_texts
from learning.world import World
from learning.worlds import WORLDS

from explib.models.trajectories import Attempt

DESK = WORLDS["order desk"]
OTHERS = fresh(DESK, 300, 0).played


def codes(rule: Callable[[Played], bool | None], attempts: Sequence[Played] = OTHERS) -> dict[str, bool]:
    return {each.attempt.trajectory.id: side for each in attempts if (side := rule(each)) is not None}


def taken(choice: str, option: str) -> dict[str, bool]:
    return codes(lambda each: each.choices[choice] == option if choice in each.choices else None)


def test_a_decision_that_splits_like_a_convention_has_found_it_from_either_side() -> None:
    decisions = {"D1": taken("refund_tool", "card"), "D2": taken("reserve_first", "ship")}
    card = score(DESK, decisions, {"D1": True, "D2": False}, OTHERS)
    assert card.found == {"refund_tool", "reserve_first"}
    assert not card.wrong
    assert not card.duplicates


@pytest.mark.parametrize("world", WORLDS.values(), ids=WORLDS)
def test_a_learner_without_a_fault_finds_all_and_one_that_learns_decoys_is_all_wrong(world: World) -> None:
    data = fresh(world, 400, 0)
    sides = {
        choice.id: {key: option == choice.options[0].name for key, option in data.choices[choice.id].items()}
        for choice in (*world.conventions, *world.decoys)
    }
    card = score(world, sides, dict.fromkeys(sides, True), data.played)
    assert card.found == {convention.id for convention in world.conventions}
    assert card.wrong == {decoy.id: f"decoy {decoy.id}" for decoy in world.decoys}
    assert (card.duplicates, dict(card.partly), card.broad) == ((), {}, ())


def test_the_same_split_with_the_breaking_side_better_is_wrong() -> None:
    card = score(DESK, {"D1": taken("refund_tool", "card")}, {"D1": False}, OTHERS)
    assert card.wrong == {"D1": "the wrong side of refund_tool"}
    assert not card.found


def test_a_decoy_is_wrong() -> None:
    card = score(DESK, {"D1": taken("asks", "yes")}, {"D1": True}, OTHERS)
    assert card.wrong == {"D1": "decoy asks"}


def test_a_decision_that_is_like_no_choice_is_wrong() -> None:
    dice = Random(1)
    by_chance = {each.attempt.trajectory.id: dice.random() < 0.5 for each in OTHERS}
    card = score(DESK, {"D1": by_chance}, {"D1": True}, OTHERS)
    assert card.wrong["D1"].startswith("like no choice")


def test_a_decision_that_never_varies_or_is_never_met_is_wrong() -> None:
    same = {each.attempt.trajectory.id: True for each in OTHERS}
    card = score(DESK, {"D1": same, "D2": {}}, {"D1": True, "D2": True}, OTHERS)
    assert card.wrong.keys() == {"D1", "D2"}


def test_a_few_wrong_codes_are_forgiven_and_many_are_not() -> None:
    dice, right = Random(1), taken("message_first", "before")
    few = {key: side ^ (dice.random() < 0.05) for key, side in right.items()}
    many = {key: side ^ (dice.random() < 0.25) for key, side in right.items()}
    card = score(DESK, {"few": few, "many": many}, {"few": True, "many": True}, OTHERS)
    assert card.found == {"message_first"}
    assert card.wrong.keys() == {"many"}


def test_a_consequence_of_a_right_choice_is_a_duplicate() -> None:
    def second_cancel_works(each: Played) -> bool | None:
        texts = [
            step.text for step in each.attempt.steps if "is locked by packing" in step.text or "released" in step.text
        ]
        return texts[-1].find("released") > 0 if texts else None

    decisions = {"D1": taken("locked_order", "unlock"), "D2": codes(second_cancel_works)}
    card = score(DESK, decisions, {"D1": True, "D2": True}, OTHERS)
    assert card.found == {"locked_order"}
    assert card.duplicates == ("D2",)


def test_a_warning_of_one_of_two_wrong_options_is_partly_right() -> None:
    card = score(DESK, {"D1": taken("locked_order", "void")}, {"D1": False}, OTHERS)
    assert card.partly == {"D1": "locked_order"}
    assert not card.found
    assert not card.wrong


def test_a_decision_about_few_of_the_attempts_that_met_a_convention_is_partly_right() -> None:
    some = dict(list(taken("message_first", "before").items())[:60])
    card = score(DESK, {"D1": some}, {"D1": True}, OTHERS)
    assert card.partly == {"D1": "message_first"}


def test_a_decision_that_speaks_of_far_more_attempts_than_meet_the_convention_is_broad() -> None:
    broad = codes(lambda each: each.choices.get("locked_order") == "unlock")
    card = score(DESK, {"D1": broad}, {"D1": True}, OTHERS)
    assert card.found == {"locked_order"}
    assert card.broad == ("D1",)


def test_what_varies_is_counted_in_the_attempts_that_were_learned_from() -> None:
    learned_from = lone(DESK, 20, 0)
    few = DataSet(DESK, learned_from.played[:4])
    assert score(DESK, {}, {}, OTHERS, few).vary < score(DESK, {}, {}, OTHERS).vary


def test_a_convention_that_varies_between_groups_only_does_not_vary() -> None:
    data = groups(DESK, 2, 10, 0)
    assert "message_first" in data.varying(1)
    first = data.played[0].attempt.trajectory.group_id
    split = [
        each
        for each in data.played
        if (each.choices["message_first"] == "before") == (each.attempt.trajectory.group_id == first)
    ]
    assert len({each.choices["message_first"] for each in split}) == 2
    assert "message_first" not in DataSet(DESK, tuple(split)).varying(1)


def test_texts_are_judged_by_what_they_advise() -> None:
    lessons = {
        "L1": "When money is paid back, use refund_to_card.",
        "L2": "When a refund is asked for, call refund_to_card, not quick_refund.",
        "L3": "When an order is shipped, do not reserve its items.",
        "L4": "When it is Monday, be kind.",
    }
    card = score_texts(DESK, lessons, lone(DESK, 60, 0))
    assert card.found == {"refund_tool"}
    assert card.duplicates == ("L2",)
    assert card.wrong == {"L3": "against reserve_first"}
    assert card.unread == ("L4",)


def test_lessons_with_a_decision_and_without_are_judged_together() -> None:
    lessons = [*Fixed().learn(()), Learned("L3", "When money is paid back, use refund_to_card.")]
    card = judge(lone(DESK, 60, 0), lessons, 0)
    assert card.found == {"reserve_first", "refund_tool"}
    assert card.wrong.keys() == {"L2"}


class Fixed:
    """A learner that always learns two lessons about shipping."""

    name = "fixed"

    def learn(self, attempts: Sequence[Attempt]) -> list[Learned]:
        return [
            Learned("L1", "When an order is shipped, reserve its items before.", code=lambda one: shipped(one)),
            Learned(
                "L2", "When a customer is greeted, say hello.", active=False, code=lambda one: "Hello" in str(one.steps)
            ),
        ]


def shipped(attempt: Attempt) -> bool | None:
    names = [call.name for step in attempt.steps for call in step.calls]
    return "reserve_stock" in names if "ship_order" in names else None


def test_a_learner_is_measured_by_its_decisions_and_by_what_its_lessons_do_for_agents() -> None:
    data = lone(DESK, 60, 0)
    row = measure(Fixed(), data, 0)
    assert (row.found, row.wrong, row.candidates, row.candidates_wrong) == (1, 0, 1, 1)
    assert row.plain < row.active < row.all_right
    assert judge(data, Fixed().learn(()), 0).found == {"reserve_first"}


def test_the_contrast_analyst_learns_nothing_of_lone_attempts_with_each_others_rewards() -> None:
    assert Contrast().learn(shuffled(lone(DESK, 30, 0), 0).attempts) == []
