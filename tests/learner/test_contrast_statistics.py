from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations, product

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from explib_learner.contrast.events import NO, NO_OPPORTUNITY, YES
from explib_learner.contrast.statistics import Rewards, canonical, exact_p, judge, similarity

Group = list[tuple[int, float]]
"""(split byte, reward) of each attempt."""


def together(groups: Sequence[Group]) -> tuple[bytes, Rewards]:
    attempts = [(number, *attempt) for number, group in enumerate(groups) for attempt in group]
    split = bytes(happened for _, happened, _ in attempts)
    return split, Rewards(tuple(reward for *_, reward in attempts), tuple(number for number, *_ in attempts))


def brute_force_p(groups: Sequence[Group]) -> float:
    """Every placement of the event in every group, with equal weight."""
    observed, placements = 0.0, []
    for group in groups:
        could = [(happened, reward) for happened, reward in group if happened != NO_OPPORTUNITY]
        did = [reward for happened, reward in could if happened == YES]
        rewards = [reward for _, reward in could]
        expected = sum(rewards) * len(did) / len(could) if could else 0.0
        observed += sum(did) - expected
        placements.append([sum(chosen) - expected for chosen in combinations(rewards, len(did))])
    sums = [sum(parts) for parts in product(*placements)]
    return sum(abs(total) >= abs(observed) - 1e-9 for total in sums) / len(sums)


happenings = st.sampled_from([NO, YES, NO_OPPORTUNITY])
binary_groups = st.lists(
    st.lists(st.tuples(happenings, st.sampled_from([0.0, 1.0])), min_size=1, max_size=5), min_size=1, max_size=4
)
graded_groups = st.lists(
    st.lists(st.tuples(happenings, st.sampled_from([0.0, 0.25, 0.5, 1.0])), min_size=1, max_size=4),
    min_size=1,
    max_size=4,
)


@given(binary_groups)
def test_the_convolution_equals_brute_force_enumeration(groups: list[Group]) -> None:
    p = exact_p(*together(groups))
    assert p is not None
    assert math.isclose(p, brute_force_p(groups))


@given(graded_groups)
def test_graded_rewards_are_enumerated_when_they_are_few(groups: list[Group]) -> None:
    p = exact_p(*together(groups))
    assert p is not None
    assert math.isclose(p, brute_force_p(groups))


@given(graded_groups)
def test_p_does_not_depend_on_the_order_of_groups_or_attempts(groups: list[Group]) -> None:
    other = [list(reversed(group)) for group in reversed(groups)]
    first, second = exact_p(*together(groups)), exact_p(*together(other))
    assert first is not None
    assert second is not None
    assert math.isclose(first, second)


@settings(max_examples=25, deadline=None)
@given(graded_groups)
def test_p_is_a_probability_and_correction_never_lowers_it(groups: list[Group]) -> None:
    split, rewards = together(groups)
    other = bytes(reversed(split))
    for verdict in judge([split, other], rewards, permutations=199):
        assert 0 < verdict.p <= 1
        assert verdict.p <= verdict.corrected <= 1


@given(binary_groups)
def test_a_split_and_its_opposite_are_one_test(groups: list[Group]) -> None:
    split, rewards = together(groups)
    opposite = bytes({NO: YES, YES: NO, NO_OPPORTUNITY: NO_OPPORTUNITY}[happened] for happened in split)
    assert canonical(split, rewards) == canonical(opposite, rewards)


def test_the_airline_look_up_has_p_one_in_144() -> None:
    """Three groups of four in which exactly the losers left it: 1 of 4 and twice 2 of 4 placements."""
    groups = [
        [(YES, 1.0), (NO, 0.0), (NO, 0.0), (NO, 0.0)],
        [(YES, 1.0), (YES, 1.0), (NO, 0.0), (NO, 0.0)],
        [(YES, 1.0), (YES, 1.0), (NO, 0.0), (NO, 0.0)],
    ]
    p = exact_p(*together(groups))
    assert p is not None
    assert math.isclose(p, 1 / 144)


def test_hard_and_easy_tasks_do_not_mix() -> None:
    """All of the easy group and none of the hard one did it: pooled it looks perfect, inside groups nothing varies."""
    easy: Group = [(YES, 1.0)] * 9 + [(YES, 0.0)]
    hard: Group = [(NO, 0.0)] * 9 + [(NO, 1.0)]
    split, rewards = together([easy, hard])
    assert exact_p(split, rewards) == 1.0
    assert canonical(split, rewards) is None


def test_what_cannot_reach_significance_is_not_tested() -> None:
    small: Group = [(YES, 1.0), (NO, 0.0), (NO, 0.0)]
    assert canonical(*together([small, small])) is None
    assert canonical(*together([small, small, small])) is not None


def test_testability_does_not_look_at_rewards() -> None:
    split, rewards = together([[(YES, 1.0), (NO, 0.0), (NO, 0.0), (NO, 1.0)]] * 3)
    shuffled = Rewards(tuple(reversed(rewards.values)), rewards.groups)
    assert canonical(split, rewards) == canonical(split, shuffled)


def test_the_same_data_give_the_same_p() -> None:
    rng = np.random.default_rng(5)
    rewards = Rewards(tuple(rng.random(60).tolist()), tuple(at // 6 for at in range(60)))
    splits = [bytes(rng.integers(0, 2, 60).tolist()) for _ in range(20)]
    assert judge(splits, rewards) == judge(splits, rewards)


def test_permutations_agree_with_the_exact_test() -> None:
    """z of binary rewards orders arrangements as the exact statistic does where every attempt had the opportunity."""
    group: Group = [(YES, 1.0), (YES, 1.0), (NO, 0.0), (NO, 0.0), (NO, 1.0)]
    split, rewards = together([group, group, group])
    exact = exact_p(split, rewards)
    graded = Rewards((*rewards.values[:-1], 1.0 + 1e-12), rewards.groups)
    assert exact is not None
    assert exact_p(split, graded) is not None
    assert abs(judge([split], rewards, permutations=9_999)[0].corrected - exact) < 0.01


def test_similarity_is_one_for_opposites_and_low_for_unrelated_splits() -> None:
    rewards = Rewards((0.0, 1.0, 0.0, 1.0) * 4, tuple(at // 4 for at in range(16)))
    first = bytes([YES, YES, NO, NO] * 4)
    assert math.isclose(similarity(first, bytes([NO, NO, YES, YES] * 4), rewards), 1.0)
    assert similarity(first, bytes([YES, NO, YES, NO] * 4), rewards) < 1e-9


def test_shuffled_rewards_give_false_alarms_no_more_often_than_alpha() -> None:
    """400 worlds without effect, 15 dependent events each: p alone and the smallest corrected p hold their level."""
    rng = np.random.default_rng(7)
    alone = family = 0
    for _ in range(400):
        rewards = Rewards(tuple(rng.integers(0, 2, 40).astype(float).tolist()), tuple(at // 5 for at in range(40)))
        base = rng.integers(0, 2, 40)
        splits = [bytes(np.where(rng.random(40) < 0.2, 1 - base, base).tolist()) for _ in range(15)]
        verdicts = judge(splits, rewards, permutations=199)
        alone += verdicts[0].p <= 0.05
        family += min(verdict.corrected for verdict in verdicts) <= 0.05
    assert alone / 400 <= 0.05 + 0.022, "two standard errors over 5 %"
    assert family / 400 <= 0.05 + 0.022
