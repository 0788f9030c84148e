"""The serving policy by itself. What it gains in long runs is measured by `benchmarks/evidence_simulation.py`."""

from __future__ import annotations

import random
from dataclasses import replace
from functools import reduce
from operator import add
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explib.evidence.alarm import FADED_WEIGHT, RECENT, faded, is_alarmed
from explib.evidence.ledger import experience_key
from explib.evidence.policy import (
    BORNE_OUT_MEAN,
    CEILING,
    NO_SHIFT,
    WITHHELD,
    ClassTotals,
    first_means,
    is_met_again,
    lesson_class,
    library_shift,
    once_seen_mean,
    serving_probability,
    within_budget,
)
from explib.evidence.posterior import LIFT_SCALE, posterior
from explib.evidence.sums import NOTHING, ScoreSums, score
from explib.models.decisions import Verdict
from explib.models.experiences import LessonClass, Support
from explib.retrieval.entry import Entry
from explib.retrieval.lifts import Lifts

CLASSES: tuple[LessonClass, ...] = get_args(LessonClass)
VERDICT = Verdict("d1", "believed", 0.97, "a", 0.2, 0.1, 0.3, 0.99, 9, 6, groups=2, lone=0, witnesses=3)
scores = st.builds(
    score,
    served=st.booleans(),
    probability=st.floats(0.01, 0.99),
    outcome=st.floats(0, 1),
    baseline=st.floats(0, 1),
)
sums = st.lists(scores, max_size=20).map(lambda found: reduce(add, found, NOTHING))


def entry(number: int, learned: LessonClass = "A") -> Entry:
    return Entry(f"e{number}", "When it rains, take the bus.", "active", 1, 9, number, learned)


@pytest.mark.parametrize(
    ("support", "expected"),
    [
        (Support(supporting=4, groups=2), "A"),
        (Support(supporting=2, groups=1), "B"),
        (Support(), "C"),
        (Support(supporting=2, contradicting=3, groups=2), "D"),
        (Support(supporting=2, contradicting=2, groups=2), "B"),
    ],
)
def test_a_lesson_without_a_decision_is_classed_by_its_attempts(support: Support, expected: LessonClass) -> None:
    assert lesson_class(pinned=False, support=support) == expected
    assert lesson_class(pinned=True, support=support) == "A"


@pytest.mark.parametrize(
    ("verdict", "expected"),
    [
        (VERDICT, "A"),
        (replace(VERDICT, groups=0, lone=6), "A"),
        (replace(VERDICT, groups=1, lone=5), "B"),
        (replace(VERDICT, witnesses=1), "B"),
        (replace(VERDICT, state="candidate", inclusion=0.6), "B"),
        (replace(VERDICT, state="one of", inclusion=0.3), "B"),
        (replace(VERDICT, state="unknown", inclusion=0.2), "C"),
        (replace(VERDICT, better="b"), "D"),
    ],
)
def test_a_lesson_of_a_decision_is_classed_by_its_newest_verdict(verdict: Verdict, expected: LessonClass) -> None:
    assert lesson_class(pinned=False, support=Support(groups=9), verdict=verdict, option="a") == expected


def test_a_lesson_from_attempts_that_nobody_graded_rests_on_those_that_show_it() -> None:
    unfitted = replace(VERDICT, state="unknown", better=None, followed=0, others=0, inclusion=0.0)
    assert lesson_class(pinned=False, support=Support(supporting=3, groups=3), verdict=unfitted, option="a") == "B"
    assert lesson_class(pinned=False, support=Support(), verdict=unfitted, option="a") == "C"


def test_a_situation_that_was_met_in_one_group_could_not_be_borne_out_twice() -> None:
    assert is_met_again(VERDICT)
    assert is_met_again(replace(VERDICT, groups=0, lone=6))
    assert not is_met_again(replace(VERDICT, groups=1, lone=2))
    assert not is_met_again(None)


@pytest.mark.parametrize(
    ("borne_out", "seen_once", "mean", "probability"),
    [(4, 8, 0.032, 0.86), (7, 4, 0.060, 0.97), (0, 9, 0.002, 0.53), (0, 11, 0.0, 0.50), (0, 0, 0.031, 0.85)],
)
def test_what_was_seen_once_is_believed_as_far_as_the_library_bears_its_lessons_out(
    borne_out: int, seen_once: int, mean: float, probability: float
) -> None:
    found = once_seen_mean(borne_out, seen_once)
    assert found == pytest.approx(mean, abs=0.001)
    assert serving_probability(posterior(NOTHING, prior=found)) == pytest.approx(probability, abs=0.01)


def test_what_is_borne_out_is_served_nearly_always_and_what_nothing_is_known_of_by_a_fair_coin() -> None:
    means = first_means(3, 0)
    chances = {name: serving_probability(posterior(NOTHING, prior=means[name])) for name in CLASSES}
    assert (chances["A"], chances["C"], chances["D"]) == (CEILING, 0.5, 0.5)


@given(sums)
def test_a_prior_moves_probabilities_and_no_measurement(held: ScoreSums) -> None:
    assert posterior(held, prior=BORNE_OUT_MEAN).mean >= posterior(held).mean
    assert posterior(held, prior=0.0) == posterior(held)


@given(st.lists(st.floats(0.1, CEILING), min_size=1, max_size=40))
def test_little_is_withheld_of_what_is_believed(chances: list[float]) -> None:
    beliefs = [posterior(NOTHING, prior=BORNE_OUT_MEAN)] * len(chances)
    raised = within_budget(chances, beliefs, BORNE_OUT_MEAN, NO_SHIFT)
    assert all(after >= before - 1e-12 for before, after in zip(chances, raised, strict=True))
    assert sum(1 - after for before, after in zip(chances, raised, strict=True) if before > 0.5) <= WITHHELD + 1e-9


def test_where_the_library_is_in_doubt_no_probability_is_raised() -> None:
    beliefs, chances = [posterior(NOTHING, prior=0.01)] * 20, [0.6] * 20
    assert within_budget(chances, beliefs, 0.0, replace(NO_SHIFT, mean=-0.1)) == chances


@given(st.lists(st.tuples(sums, st.sampled_from(CLASSES)), max_size=8), st.randoms(use_true_random=False))
def test_the_shift_is_that_of_all_lessons_in_whatever_order_they_became_known(
    lessons: list[tuple[ScoreSums, LessonClass]], dice: random.Random
) -> None:
    means, expected = first_means(1, 1), {name: ClassTotals() for name in CLASSES}
    lifts, acts = Lifts(), list[tuple[str, int]]()
    for number, (held, learned) in enumerate(lessons, start=1):
        expected[learned].add(held, 1.0, 1)
        acts += [("put", number), ("note", number), ("put before", number), ("note otherwise", number)]
    dice.shuffle(acts)
    for act, number in [*acts, *((act, n) for act in ("put", "note") for n in range(1, len(lessons) + 1))]:
        held, learned = lessons[number - 1]
        if act.startswith("put"):
            lifts.put(experience_key(f"e{number}", 1), held if act == "put" else NOTHING, 1)
        else:
            lifts.note(entry(number, learned if act == "note" else "C"))
    found = library_shift(lifts.totals, means, NOTHING, 0)
    wanted = library_shift(expected, means, NOTHING, 0)
    assert (found.mean, found.deviation) == pytest.approx((wanted.mean, wanted.deviation), abs=1e-9)


def test_lessons_that_harm_and_a_held_out_share_that_does_better_shift_the_whole_library() -> None:
    means, totals = first_means(4, 0), {name: ClassTotals() for name in CLASSES}
    assert library_shift(totals, means, NOTHING, 0) == NO_SHIFT
    for _ in range(8):
        totals["A"].add(ScoreSums(-2.0, 10.0, 2.0, 40), 100, 1)
    by_lessons = library_shift(totals, means, NOTHING, 100)
    by_both = library_shift(totals, means, ScoreSums(-3.0, 10.0, 2.0, 200), 100)
    assert by_both.mean < by_lessons.mean < 0
    assert by_both.deviation < by_lessons.deviation < NO_SHIFT.deviation


def test_rewards_that_fall_ring_the_alarm_for_a_while_and_steady_ones_seldom() -> None:
    dice = random.Random(1)
    steady = [dice.random() - 0.5 for _ in range(600)]
    fallen = [*steady[:300], *(value - 0.3 for value in steady[:RECENT])]
    assert not is_alarmed(steady[:RECENT])
    assert not is_alarmed(steady)
    assert is_alarmed(fallen)
    assert not is_alarmed([*fallen, *steady[:200], *steady[:200]])


@given(sums)
def test_under_alarm_earlier_evidence_counts_little(held: ScoreSums) -> None:
    less = faded(held)
    assert less.w <= max(FADED_WEIGHT, held.w)
    assert less.lift == pytest.approx(held.lift)
    assert posterior(less).deviation <= LIFT_SCALE
