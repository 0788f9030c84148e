from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from explib.models.decisions import GradedAttempt
from explib_learner.judging.screen import screen


def attempts(rewards: Sequence[float] | NDArray[np.float64], group_size: int = 0) -> list[GradedAttempt]:
    return [
        GradedAttempt(str(row), float(reward), str(row // group_size) if group_size else None)
        for row, reward in enumerate(rewards)
    ]


def coin_columns(rows: int, columns: int, seed: int = 1) -> NDArray[np.float64]:
    random = np.random.default_rng(seed)
    taken = (random.random((rows, columns)) < 0.4).astype(np.float64)
    taken[random.random((rows, columns)) < 0.3] = np.nan
    return taken


def test_planted_columns_come_first_and_a_masked_one_comes_up() -> None:
    columns = coin_columns(200, 2000)
    noise = np.random.default_rng(2).normal(0, 0.03, 200)
    taken = np.nan_to_num(columns)
    rewards = 0.4 * taken[:, 3] + 0.3 * taken[:, 700] + 0.05 * taken[:, 1500] + noise
    assert screen(columns, attempts(rewards), 50)[:3] == [3, 700, 1500]


def test_of_thousands_of_equal_or_mirrored_columns_the_first_is_kept() -> None:
    column = coin_columns(60, 1)
    columns = np.hstack([column, 1 - column] * 2000)
    assert screen(columns, attempts(np.nan_to_num(column)[:, 0]), 300) == [0]


def test_what_differs_between_groups_only_is_no_reason_to_keep_a_column() -> None:
    taken = np.repeat([0.0, 1.0], 20)[:, None]
    assert screen(taken, attempts(taken[:, 0], group_size=5), 10) == []


@pytest.mark.parametrize("rewards", [[], [0.5], [0.5, 0.5, 0.5]])
def test_without_variation_nothing_is_kept(rewards: list[float]) -> None:
    assert screen(coin_columns(len(rewards), 4), attempts(rewards), 10) == []


def test_a_reward_that_is_no_number_and_rows_that_are_not_the_attempts_are_refused() -> None:
    with pytest.raises(ValueError, match="leave ungraded attempts out"):
        screen(coin_columns(2, 2), attempts([0.1, float("nan")]), 10)
    with pytest.raises(ValueError, match="need as many rows"):
        screen(coin_columns(3, 2), attempts([0.1, 0.2]), 10)
