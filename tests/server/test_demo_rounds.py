from __future__ import annotations

from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explib_server.cli.demo import plan_text, result_text
from explib_server.demo.rounds import STUDENT_T, Plan, Round, mean_interval
from explib_server.demo.tasks import Dice
from explib_server.mcp.results.agent import LibraryStatus

VALUES = st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=30)


def test_the_interval_of_a_worked_example() -> None:
    mean, low, high = mean_interval([1.0, 2.0, 3.0, 4.0])  # standard deviation √(5/3), t of 3 degrees 3.182
    assert (mean, low, high) == pytest.approx((2.5, 0.446, 4.554), abs=1e-3)


@pytest.mark.parametrize("values", [[], [1.0]])
def test_one_value_has_no_interval(values: list[float]) -> None:
    with pytest.raises(ValueError, match="at least two"):
        mean_interval(values)


@given(VALUES)
def test_the_mean_is_in_the_middle(values: list[float]) -> None:
    mean, low, high = mean_interval(values)
    assert mean == pytest.approx(fmean(values))
    assert low <= mean <= high
    assert mean - low == pytest.approx(high - mean, abs=1e-6)


@given(st.floats(-1e3, 1e3), st.integers(2, 30))
def test_values_that_do_not_differ_leave_no_doubt(value: float, count: int) -> None:
    assert mean_interval([value] * count) == pytest.approx((value, value, value))


@given(VALUES, st.floats(-100, 100), st.floats(0.1, 10))
def test_the_interval_moves_and_grows_with_its_values(values: list[float], shift: float, factor: float) -> None:
    expected = tuple(bound * factor + shift for bound in mean_interval(values))
    assert mean_interval([value * factor + shift for value in values]) == pytest.approx(expected, rel=1e-6, abs=1e-6)


def test_more_values_of_the_same_spread_say_more() -> None:
    widths = [high - low for _, low, high in (mean_interval([0.0, 1.0] * pairs) for pairs in range(1, 12))]
    assert widths == sorted(widths, reverse=True)


def test_the_quantiles_fall_to_the_last_one_that_is_used_for_the_rest() -> None:
    assert list(STUDENT_T) == list(range(1, 11))
    assert list(STUDENT_T.values()) == sorted(STUDENT_T.values(), reverse=True)


@pytest.mark.parametrize("count", [3, 5, 10])
def test_about_19_intervals_in_20_hold_the_true_mean(count: int) -> None:
    dice = Dice(count)
    drawn = 2_000
    intervals = [mean_interval([dice.gauss(0.5, 0.2) for _ in range(count)]) for _ in range(drawn)]
    held = sum(low <= 0.5 <= high for _, low, high in intervals)
    assert 0.93 <= held / drawn <= 0.97


def test_the_plan_tells_of_learning_and_of_real_rewards_only_where_they_are() -> None:
    usual = plan_text(Plan(), 4, "contrast")
    assert "with its reward" in usual
    assert "A learner (contrast) looks" in usual
    assert "Nobody learns" in plan_text(Plan(learner="off"), 4, "contrast")
    assert "other attempts' rewards" in plan_text(Plan(shuffle_rewards=True), 4, "contrast")


def test_a_gain_that_chance_could_give_is_called_none() -> None:
    status = LibraryStatus.model_construct(experiences={})
    rounds = [Round(seed, 0.4, 0.4 + gain, "", status) for seed, gain in enumerate((0.01, -0.01, 0.02))]
    assert "nothing was gained" in result_text(rounds)
    surer = [Round(seed, 0.4, 0.8 + gain, "", status) for seed, gain in enumerate((0.01, -0.01, 0.02))]
    assert "nothing was gained" not in result_text(surer)
