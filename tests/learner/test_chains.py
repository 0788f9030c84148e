from __future__ import annotations

import numpy as np
import pytest

from explib_learner.grammar.chains import Draws, Problem, TemperedChains
from explib_learner.grammar.scores import Floats

PLANTED = [3, 11, 29]


def sampled(*rewards: Floats) -> Draws:
    """Chains over 40 columns of 60 attempts, one for each arrangement of rewards."""
    problems = [
        Problem(COLUMNS.T @ COLUMNS, COLUMNS.T @ each, float(each @ each), 59.0, np.full(40, np.log(40.0)))
        for each in rewards
    ]
    return TemperedChains(problems, np.random.default_rng(1)).run(60, 120)


def columns_and_rewards() -> tuple[Floats, Floats]:
    random = np.random.default_rng(7)
    columns = random.integers(0, 2, (60, 40)).astype(np.float64)
    columns -= columns.mean(axis=0)
    rewards = columns[:, PLANTED].sum(axis=1) * 0.1 + random.normal(0.0, 0.05, 60)
    return columns, rewards - rewards.mean()


COLUMNS, REWARDS = columns_and_rewards()


def test_planted_columns_are_likely_and_no_others() -> None:
    draws = sampled(REWARDS)
    assert np.flatnonzero(draws.inclusion[0] > 0.8).tolist() == PLANTED
    assert draws.effects[0, PLANTED] == pytest.approx(0.1, abs=0.03)
    assert draws.gain[0] > 20


def test_permuted_rewards_hold_no_gain() -> None:
    random = np.random.default_rng(3)
    draws = sampled(*(random.permutation(REWARDS) for _ in range(4)))
    assert draws.gain.max() < 5
    assert not (draws.inclusion > 0.9).any()


def test_problems_side_by_side_do_not_mix() -> None:
    other = np.random.default_rng(3).permutation(REWARDS)
    draws = sampled(REWARDS, other)
    assert (draws.inclusion[0, PLANTED] > 0.8).all()
    assert not (draws.inclusion[1, PLANTED] > 0.5).any()
