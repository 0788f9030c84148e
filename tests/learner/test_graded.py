from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explib.models.decisions import Code, CodebookEntry, Decision, Option, Verdict
from explib.models.libraries import LibrarySettings
from explib.models.trajectories import Attempt, RewardSource, Step, Trajectory
from explib_learner.graded import graded_attempts
from explib_learner.lessons import Evidence

LABEL_FREE = LibrarySettings(label_free=True)


def attempt(
    number: int, reward: float | None = None, *, group: str = "g", answer: str = "", source: RewardSource = "agent"
) -> Attempt:
    trajectory = Trajectory(
        f"t{number}", group, "Add up.", reward, answer or None, reward_source=None if reward is None else source
    )
    return Attempt(trajectory, (Step("assistant", "I am done."),))


def test_a_source_without_weight_is_not_learned_from_and_the_others_have_theirs() -> None:
    settings = LibrarySettings.model_validate({"source_weights": {"agent": 0.0, "judge": 0.2}, "reward_max": 10})
    graded = graded_attempts([attempt(1, 5.0), attempt(2, 5.0, source="judge")], settings)
    assert [(each.trajectory_id, each.reward, each.group_id) for each in graded] == [("t2", 0.5, None)]


def test_weights_set_sources_against_each_other() -> None:
    own = [attempt(number, 1.0) for number in range(1, 4)]
    alone = graded_attempts(own, LibrarySettings())
    assert [each.weight for each in alone] == pytest.approx([1.0, 1.0, 1.0])
    beside = graded_attempts([*own, attempt(4, 1.0, source="person")], LibrarySettings())
    assert [each.weight for each in beside] == pytest.approx([0.5 / 0.7, 0.5 / 0.7, 0.5 / 0.7, 1.0])


def test_most_answers_of_a_group_without_rewards_count_as_its_rewards() -> None:
    attempts = [attempt(number, answer=answer) for number, answer in enumerate(("42", " 42. ", "41", "`42`"))]
    graded = graded_attempts(attempts, LABEL_FREE)
    assert [each.reward for each in graded] == [1, 1, 0, 1]
    assert {(each.source, each.weight) for each in graded} == {("inferred", 1.0)}
    assert graded_attempts(attempts, LibrarySettings()) == []


def test_without_a_majority_or_with_a_real_reward_nothing_is_inferred() -> None:
    split = [attempt(number, answer=answer) for number, answer in enumerate(("1", "2", "1", "2"))]
    two = [attempt(number, answer="1", group="two") for number in (5, 6)]
    assert graded_attempts([*split, *two], LABEL_FREE) == []
    known = [attempt(1, answer="1"), attempt(2, answer="1"), attempt(3, answer="1"), attempt(4, 0.0, answer="1")]
    assert [each.trajectory_id for each in graded_attempts(known, LABEL_FREE)] == ["t4"]


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(["x", "y", ""]), st.none() | st.floats(0, 1))))
def test_every_attempt_counts_at_most_once_and_in_its_order(rows: list[tuple[str, str, float | None]]) -> None:
    attempts = [attempt(n, reward, group=group, answer=answer) for n, (group, answer, reward) in enumerate(rows)]
    ids = [each.trajectory_id for each in graded_attempts(attempts, LABEL_FREE)]
    assert ids == [known for known in (each.trajectory.id for each in attempts) if known in set(ids)]
    assert {each.trajectory.id for each in attempts if each.trajectory.reward is not None} <= set(ids)


def verdict(decision_id: str, effect: float) -> Verdict:
    return Verdict(decision_id, "believed", 1.0, "a", effect, effect, effect, 1.0, 2, 2, 0, 4, 2)


def entry(decision_id: str, effect: float) -> CodebookEntry:
    options = (Option("a", "look first"), Option("b", "do not look first"))
    decision = Decision(decision_id, decision_id, "grammar", "you write", options)
    return CodebookEntry(decision, verdict(decision_id, effect))


ENTRIES = (entry("d1", 0.5), entry("d2", 0.5))
CODES = [Code("d1", f"t{n}", "a" if n < 3 else "b") for n in range(1, 5)]
CODES += [Code("d2", f"t{n}", "a" if n in (1, 3) else "b") for n in range(1, 5)]
REWARDS = {1: 1.0, 2: 0.5, 3: 0.5, 4: 0.0}


def test_who_followed_and_lost_for_another_reason_does_not_contradict() -> None:
    graded = graded_attempts([attempt(n, reward) for n, reward in REWARDS.items()], LibrarySettings())
    cited = Evidence(ENTRIES, CODES, graded).citations("d1", "a")
    assert {each.trajectory_id: each.stance for each in cited} == dict.fromkeys(("t1", "t2", "t3", "t4"), "for")


def test_who_followed_and_still_fared_like_the_others_contradicts() -> None:
    rewards = {**REWARDS, 2: 0.0}
    graded = graded_attempts([attempt(n, reward) for n, reward in rewards.items()], LibrarySettings())
    cited = Evidence(ENTRIES, CODES, graded).citations("d1", "a")
    assert [each.trajectory_id for each in cited if each.stance == "against"] == ["t2"]
