"""The statistics by themselves. What they reach in long runs is measured under benchmarks/."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from functools import reduce
from operator import add

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from explib.evidence.belief import FEWEST_SUBMITTERS, FORGED, believed_sums, trimmed_mean
from explib.evidence.interval import Interval, interval, rewards_needed
from explib.evidence.ledger import CounterKey, Counters, Delta, entries_of_retrievals, entries_of_reward, experience_key
from explib.evidence.ledger import add as merge
from explib.evidence.policy import serving_probability
from explib.evidence.posterior import LIFT_SCALE, posterior
from explib.evidence.sums import NOTHING, ScoreSums, baseline, score
from explib.evidence.verdicts import LONGEST_TRIAL, lift_summary, reporting_is_biased, status_change, trial_outcome
from explib.models.retrievals import Retrieval, Serving

shares = st.floats(0, 1)
chances = st.floats(0.01, 0.99)
scores = st.builds(score, served=st.booleans(), probability=chances, outcome=shares, baseline=shares)
sums = st.lists(scores, max_size=30).map(lambda found: reduce(add, found, NOTHING))


def evidence(lift: float, rewards: int, deviation: float = 0.45) -> ScoreSums:
    """Sums as a fair coin gives them for this lift, without their noise."""
    return ScoreSums(0.25 * rewards * lift, 0.25 * rewards, 0.25 * rewards * deviation**2, rewards)


def close(one: ScoreSums, other: ScoreSums) -> bool:
    pairs = ((one.s, other.s), (one.w, other.w), (one.v, other.v))
    return one.n == other.n and all(math.isclose(a, b, abs_tol=1e-9) for a, b in pairs)


@given(sums, scores)
def test_a_score_that_is_taken_back_leaves_no_trace(held: ScoreSums, one: ScoreSums) -> None:
    assert close(held + one - one, held)


@given(sums, sums)
def test_the_order_of_rewards_does_not_matter(one: ScoreSums, other: ScoreSums) -> None:
    assert close(one + other, other + one)


@given(chances, shares, shares, shares)
def test_the_expected_score_is_weight_times_lift_whatever_the_baseline(
    p: float, with_it: float, without: float, m: float
) -> None:
    served = score(served=True, probability=p, outcome=with_it, baseline=m)
    withheld = score(served=False, probability=p, outcome=without, baseline=m)
    expected = p * served.s + (1 - p) * withheld.s
    assert math.isclose(expected, served.w * (with_it - without), abs_tol=1e-12)


@pytest.mark.parametrize("probability", [0.0, 1.0])
def test_where_chance_had_no_say_nothing_is_learned(probability: float) -> None:
    assert score(served=True, probability=probability, outcome=1.0, baseline=0.0) == NOTHING


def test_the_baseline_moves_from_the_middle_to_the_library_to_the_group() -> None:
    assert baseline(0.0, 0, 0.0, 0) == 0.5
    assert baseline(0.0, 0, 900.0, 1000) == pytest.approx(0.9, abs=0.001)
    assert baseline(10.0, 100, 900.0, 1000) == pytest.approx(0.1, abs=0.02)


def test_what_nothing_is_known_of_is_served_by_a_fair_coin() -> None:
    assert posterior(NOTHING).deviation == pytest.approx(LIFT_SCALE)
    assert serving_probability(posterior(NOTHING)) == 0.5


@given(sums, st.floats(0.01, 0.5), st.floats(0.5, 0.99))
def test_the_probability_of_serving_stays_between_floor_and_ceiling(
    held: ScoreSums, floor: float, ceiling: float
) -> None:
    assert floor <= serving_probability(posterior(held), floor, ceiling) <= ceiling


@given(sums, st.floats(0, 3))
def test_more_reward_when_served_never_lowers_what_is_believed(held: ScoreSums, more: float) -> None:
    better = ScoreSums(held.s + more, held.w, held.v, held.n)
    assert posterior(better).helps >= posterior(held).helps
    assert serving_probability(posterior(better)) >= serving_probability(posterior(held))


@given(sums)
def test_the_interval_holds_its_mean_and_the_mirror_image_mirrors_it(held: ScoreSums) -> None:
    assume(held.w > 0)
    span, mirrored = interval(held), interval(ScoreSums(-held.s, held.w, held.v, held.n))
    assert -1 <= span.low <= span.high <= 1
    assert span.low == pytest.approx(-mirrored.high)
    assert posterior(held).helps == pytest.approx(1 - posterior(ScoreSums(-held.s, held.w, held.v, held.n)).helps)


def test_without_randomising_the_interval_is_everything() -> None:
    assert interval(NOTHING) == Interval(0.0, -1.0, 1.0)


def test_the_interval_ever_excludes_the_truth_in_few_runs_however_often_one_looks() -> None:
    runs, wrong, naive = 200, 0, 0
    for run in range(runs):
        dice, held = random.Random(run), NOTHING
        ever, ever_naive = False, False
        for look in range(600):
            p = serving_probability(posterior(held))
            reward = float(dice.random() < 0.5 + 0.3 * math.sin(look / 100))
            held += score(served=dice.random() < p, probability=p, outcome=reward, baseline=0.5)
            ever |= interval(held).excludes_zero
            ever_naive |= look > 10 and abs(held.s) > 1.96 * math.sqrt(held.v)
        wrong, naive = wrong + ever, naive + ever_naive
    assert wrong <= 0.05 * runs
    assert naive > 0.2 * runs


@pytest.mark.parametrize(("lift", "least", "most"), [(0.09, 700, 1_100), (0.06, 1_700, 2_500)])
def test_an_answer_takes_as_many_rewards_as_the_interval_needs(lift: float, least: int, most: int) -> None:
    some = evidence(lift, 40)
    needed = rewards_needed(some, scale=lift)
    assert least <= needed <= most
    assert not interval(evidence(lift, (40 + needed) // 2)).excludes_zero
    assert interval(evidence(lift, 40 + 2 * needed)).excludes_zero


@pytest.mark.parametrize(
    ("held", "label"),
    [
        (NOTHING, "not known yet: about 2,300 more rewards"),
        (evidence(0.1, 20), "not known yet: about "),
        (evidence(0.1, 300), "likely helps"),
        (evidence(0.1, 3_000), "proven"),
        (evidence(-0.1, 300), "likely harms"),
        (evidence(-0.1, 3_000), "proven to harm"),
        (evidence(0.0, 20_000), "little difference"),
    ],
)
def test_the_label_says_what_is_known(held: ScoreSums, label: str) -> None:
    assert lift_summary(held).label.startswith(label)


def test_a_candidate_is_promoted_and_a_harmful_one_retired_with_numbers_and_rule() -> None:
    promoted, retired = status_change(evidence(0.1, 600), "candidate"), status_change(evidence(-0.1, 600), "active")
    assert promoted is not None
    assert retired is not None
    assert (promoted.decision, retired.decision) == ("promote", "retire")
    assert "600 rewards. Rule: P(helps) ≥ 0.9" in promoted.reason
    assert "lift -0.100" in retired.reason
    assert status_change(evidence(0.1, 600), "active") is None


@given(sums, st.sampled_from(["candidate", "active", "retired"]))
def test_few_rewards_change_no_status(held: ScoreSums, status: str) -> None:
    assume(held.n < 30 and not interval(held).excludes_zero)
    found = status_change(held, "candidate" if status == "candidate" else "active")
    assert found is None


def test_what_evidence_retired_comes_back_when_the_evidence_changes_and_not_at_once() -> None:
    assert status_change(evidence(-0.1, 600), "retired") is None
    barely = next(each for each in (evidence(-0.1, 600 - n) for n in range(500)) if posterior(each).helps > 0.06)
    assert status_change(barely, "retired") is None
    back = status_change(evidence(0.0, 300), "retired")
    assert back is not None
    assert back.decision == "restore"


def test_a_trial_ends_by_acceptance_by_roll_back_or_by_its_length() -> None:
    assert trial_outcome(evidence(-0.1, 39)) is None
    assert trial_outcome(evidence(-0.02, 100)) is None
    ends = [trial_outcome(evidence(*each)) for each in ((-0.1, 400), (0.1, 400), (0.0, LONGEST_TRIAL))]
    assert [end[0] for end in ends if end is not None] == ["roll back", "accept", "accept"]
    assert ends[2] is not None
    assert "no cost shown" in ends[2][1]


@given(st.lists(st.floats(-1, 1), min_size=FEWEST_SUBMITTERS, max_size=60), st.floats(-1, 1))
def test_a_fifth_of_the_submitters_cannot_move_the_estimate_beyond_the_others(
    honest: list[float], forged: float
) -> None:
    forgers = [forged] * (len(honest) // 5)
    assert min(honest) <= trimmed_mean([*honest, *forgers])[0] <= max(honest)


@given(st.integers(FEWEST_SUBMITTERS, 80), st.data())
def test_a_tenth_that_forges_cannot_move_the_estimate_further_than_it_says(crowd: int, drawn: st.DataObject) -> None:
    forging = math.ceil(FORGED * crowd)
    lifts = st.floats(-1, 1)
    honest = drawn.draw(st.lists(lifts, min_size=crowd - forging, max_size=crowd - forging))
    forged = drawn.draw(st.lists(lifts, min_size=forging, max_size=forging))
    found = believed_sums(NOTHING, [ScoreSums(lift, 1.0, 1.0, 4) for lift in (*honest, *forged)], crowd)
    assert abs(found.lift - trimmed_mean(honest)[0]) <= found.slack + 1e-9


def test_what_forgery_may_have_moved_is_not_believed_and_widens_the_interval() -> None:
    clean = evidence(0.08, 1_000)
    doubtful = replace(clean, slack=0.03)
    assert posterior(doubtful).mean == pytest.approx(posterior(evidence(0.05, 1_000)).mean)
    assert posterior(doubtful).deviation == posterior(clean).deviation
    span, wider = interval(clean), interval(doubtful)
    assert [wider.low, wider.high] == pytest.approx([span.low - 0.03, span.high + 0.03])
    assert rewards_needed(doubtful) > rewards_needed(clean)
    assert posterior(replace(clean, slack=0.09)).mean == 0


def test_one_submitter_is_believed_and_of_many_the_ends_are_left_out() -> None:
    honest = [evidence(0.0, 50) for _ in range(30)]
    forgers = [evidence(0.9, 500) for _ in range(3)]
    pooled = reduce(add, [*honest, *forgers])
    assert believed_sums(pooled, [pooled], submitters=1) == pooled
    assert lift_summary(pooled).label == "proven"
    trimmed = believed_sums(pooled, [*honest, *forgers], submitters=33)
    assert trimmed.lift == pytest.approx(0.0)
    assert lift_summary(trimmed).label != "proven"


few = st.lists(st.tuples(st.floats(-1, 1), st.integers(1, 400)), min_size=2, max_size=10)


@given(few, st.floats(-1, 1), st.integers(1, 400))
def test_one_of_few_submitters_neither_decides_nor_weighs_more_than_the_others(
    honest: list[tuple[float, int]], forged: float, rewards: int
) -> None:
    others = [evidence(lift, count) for lift, count in honest]
    forger = evidence(forged, rewards)
    pooled = reduce(add, [*others, forger])
    believed = believed_sums(pooled, [*others, forger], submitters=len(others) + 1)
    without = reduce(add, others)
    assert believed.w <= without.w + 1e-9
    assert abs(believed.lift - without.lift) <= believed.slack + 1e-9
    assert believed.sure_lift * without.lift >= -1e-9


def test_rewards_of_one_token_decide_nothing_in_a_shared_library() -> None:
    alone = evidence(-0.9, 50)
    assert status_change(alone, "active") is not None
    believed = believed_sums(alone, [alone], submitters=2)
    assert (believed.w, believed.sure_lift) == (0.0, 0.0)
    assert status_change(believed, "active") is None
    good = [evidence(0.1, 60) for _ in range(3)]
    attacked = believed_sums(reduce(add, [*good, alone]), [*good, alone], submitters=4)
    assert status_change(attacked, "active") is None


def test_rewards_that_nobody_is_named_for_are_one_more_submitters() -> None:
    named, unnamed = evidence(0.2, 100), evidence(0.2, 300)
    believed = believed_sums(named + unnamed, [named], submitters=2)
    assert believed.w == pytest.approx(named.w)
    assert believed.lift == pytest.approx(0.2)


def test_rewards_that_are_withheld_after_serving_are_noticed() -> None:
    dice, held = random.Random(1), NOTHING
    for _ in range(2_000):
        served = dice.random() < 0.5
        reported = dice.random() < (0.6 if served else 0.9)
        held += score(served=served, probability=0.5, outcome=float(reported), baseline=0.75)
    said = reporting_is_biased(held)
    assert said is not None
    assert "less often" in said
    assert reporting_is_biased(NOTHING) is None


orders = st.lists(st.tuples(st.sampled_from(["record", "count", "reward"]), st.integers(0, 9), shares), max_size=40)


@given(orders, st.floats(0, 0.3))
def test_the_accounts_are_the_same_in_whatever_order_retrievals_are_counted_and_rewarded(
    order: list[tuple[str, int, float]], holdout: float
) -> None:
    """The rule of `storage.counting` and `storage.entering`, against all entered at once."""
    dice, recorded, counted = random.Random(1), dict[int, Retrieval](), set[int]()
    entered: dict[CounterKey, Delta] = {}
    for deed, number, reward in order:
        if deed == "record" and number not in recorded:
            recorded[number] = _retrieval(dice, number, holdout)
        elif deed == "count":
            waiting = recorded.keys() - counted
            merge(entered, entries_of_retrievals(recorded[each] for each in waiting))
            counted |= waiting
        elif deed == "reward" and number in recorded:
            before = recorded[number]
            merge(entered, entries_of_reward(before, before.reward, reward, counted=number in counted))
            recorded[number] = replace(before, reward=reward)
    expected = entries_of_retrievals(recorded[each] for each in counted)
    for each in recorded.values():
        if each.reward is not None:
            merge(expected, entries_of_reward(each, None, each.reward, counted=False))
    for key in {**entered, **expected}:
        assert entered.get(key, [0] * 10) == pytest.approx(expected.get(key, [0] * 10), abs=1e-9)


def _retrieval(dice: random.Random, number: int, holdout: float) -> Retrieval:
    servings = tuple(
        Serving(f"e{each}", 1, 1.0, dice.choice((0.1, 0.5, 0.9, 1.0)), dice.random() < 0.5) for each in range(1, 4)
    )
    held_out, arms = dice.random() < holdout, {"2": dice.random() < 0.5}
    return Retrieval(
        f"r_{number}", "t", 1, servings, 0.0, holdout, held_out, arms, baseline=dice.random(), reporting=dice.random()
    )


def test_what_is_entered_is_the_score_of_each_draw() -> None:
    retrieval = Retrieval("r_1", "t", 1, (Serving("e1", 1, 1.0, 0.3, True),), 0.0, baseline=0.4, reporting=0.8)
    total = entries_of_retrievals([retrieval])
    merge(total, entries_of_reward(retrieval, None, 0.9))
    found = Counters.of(total[experience_key("e1", 1)])
    assert close(found.sums, score(served=True, probability=0.3, outcome=0.9, baseline=0.4))
    assert close(found.missing, score(served=True, probability=0.3, outcome=1.0, baseline=0.8))
    assert (found.served, found.rewarded) == (1, 1)
