"""The judge on small planted worlds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explib.models.decisions import Code, Decision, GradedAttempt, Option, Verdict
from explib_learner.judging.judge import Judge, Judgement

Effect = Callable[[dict[str, str]], float]


@dataclass(frozen=True)
class Desk:
    decisions: list[Decision]
    codes: list[Code]
    attempts: list[GradedAttempt]

    def judged(self) -> Judgement:
        return Judge().judge(self.decisions, self.codes, self.attempts)

    def verdict(self, decision_id: str) -> Verdict:
        return self.judged().verdicts[decision_id]

    def with_source(self, source: str) -> Desk:
        return replace(self, attempts=[replace(attempt, source=source) for attempt in self.attempts])


def decision(name: str, letters: str = "ab") -> Decision:
    options = tuple(Option(letter, f"way {letter}") for letter in letters)
    return Decision(name, name, "model", f"situation {name}", options)


def desk(
    effect: Effect, attempts: int = 60, group_size: int = 0, letters: Sequence[str] = ("ab",) * 8, seed: int = 1
) -> Desk:
    """Every situation is met in four of five attempts; the option is drawn evenly."""
    random = np.random.default_rng(seed)
    decisions = [decision(f"d{place}", options) for place, options in enumerate(letters)]
    made = Desk(decisions, [], [])
    for row in range(attempts):
        taken = {each.id: str(random.choice([o.letter for o in each.options])) for each in decisions}
        taken = {name: letter for name, letter in taken.items() if random.random() < 0.8}
        made.codes.extend(Code(name, f"t{row}", letter) for name, letter in taken.items())
        reward = 0.4 + effect(taken) + random.normal(0, 0.05)
        group = f"g{row // group_size}" if group_size else None
        made.attempts.append(GradedAttempt(f"t{row}", float(reward), group))
    return made


def of_d2(taken: dict[str, str]) -> float:
    return 0.2 * (taken.get("d2") == "b") if "d2" in taken else 0.1


def states(judgement: Judgement) -> dict[str, str]:
    return {name: verdict.state for name, verdict in judgement.verdicts.items() if verdict.state != "unknown"}


@pytest.mark.parametrize("group_size", [0, 5])
def test_a_planted_effect_is_believed_with_its_size_and_its_counts(group_size: int) -> None:
    judgement = desk(of_d2, group_size=group_size).judged()
    verdict = judgement.verdicts["d2"]
    assert states(judgement) == {"d2": "believed"}
    assert verdict.better == "b"
    assert 0.1 < verdict.low < verdict.effect < verdict.high < 0.3
    assert verdict.effect == pytest.approx(0.2, abs=0.05)
    counts = (verdict.followed, verdict.others, verdict.witnesses, verdict.groups, verdict.lone)
    assert counts == ((10, 16, 9, 6, 0) if group_size else (18, 30, 18, 0, 48))
    assert judgement.gate.belief.passed
    assert judgement.gate.belief.p < 0.01
    assert 0.5 < judgement.explained < 0.9


@settings(max_examples=4, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10_000), group_size=st.sampled_from([0, 5]))
def test_a_strong_effect_is_found_in_any_world_and_shuffled_it_is_not_believed(seed: int, group_size: int) -> None:
    made = desk(of_d2, group_size=group_size, seed=seed)
    assert made.verdict("d2").state == "believed"
    rewards = np.random.default_rng(seed).permutation([attempt.reward for attempt in made.attempts])
    dealt = [replace(each, reward=float(reward)) for each, reward in zip(made.attempts, rewards, strict=True)]
    assert replace(made, attempts=dealt).verdict("d2").state != "believed"


@settings(max_examples=3, deadline=None)
@given(order=st.permutations(range(30)), group_size=st.sampled_from([0, 5]))
def test_neither_order_nor_names_of_attempts_and_groups_change_a_verdict(order: list[int], group_size: int) -> None:
    made = desk(of_d2, attempts=30, group_size=group_size)
    names = {attempt.trajectory_id: f"x{place}" for attempt, place in zip(made.attempts, order, strict=True)}
    renamed = Desk(
        made.decisions,
        [replace(code, trajectory_id=names[code.trajectory_id]) for code in reversed(made.codes)],
        [
            replace(each, trajectory_id=names[each.trajectory_id], group_id=each.group_id and f"new {each.group_id}")
            for each in (made.attempts[place] for place in order)
        ],
    )
    assert renamed.judged().verdicts == made.judged().verdicts
    assert renamed.judged().gate == made.judged().gate


@settings(max_examples=3, deadline=None)
@given(copies=st.integers(1, 30), mirrored=st.booleans())
def test_decisions_that_split_the_attempts_alike_are_one_and_the_first_speaks(copies: int, mirrored: bool) -> None:
    made = desk(of_d2)
    letters = {"a": "b", "b": "a"} if mirrored else {"a": "a", "b": "b"}
    twins = [
        replace(code, decision_id=f"twin {copy}", letter=letters[code.letter])
        for copy in range(copies)
        for code in made.codes
        if code.decision_id == "d2"
    ]
    both = Desk(
        [*made.decisions, *(decision(f"twin {copy}") for copy in range(copies))], made.codes + twins, made.attempts
    )
    judgement = both.judged()
    assert judgement.verdicts["d2"] == made.verdict("d2")
    twin = judgement.verdicts["twin 0"]
    assert (twin.merged_into, twin.better) == ("d2", "a" if mirrored else "b")
    assert twin.effect == pytest.approx(judgement.verdicts["d2"].effect)


def test_two_decisions_that_nearly_always_go_together_are_one_of() -> None:
    made = desk(of_d2)
    rows = [code for code in made.codes if code.decision_id == "d2"]
    flipped = {rows[3].trajectory_id, rows[9].trajectory_id}
    other = {"a": "b", "b": "a"}
    twins = [
        replace(each, decision_id="d9", letter=other[each.letter] if each.trajectory_id in flipped else each.letter)
        for each in rows
    ]
    same = [replace(a, reward=0.5 if a.trajectory_id in flipped else a.reward) for a in made.attempts]
    judgement = Desk([*made.decisions, decision("d9")], made.codes + twins, same).judged()
    assert judgement.verdicts["d2"].rivals == ("d9",)
    assert states(judgement) == {"d2": "one of", "d9": "one of"}


def test_the_best_of_three_options_is_named() -> None:
    made = desk(lambda taken: 0.2 * (taken.get("d1") == "c"), attempts=90, letters=("ab", "abc", "abc", "ab"))
    verdict = made.verdict("d1")
    assert (verdict.state, verdict.better) == ("believed", "c")


def test_a_choice_inside_one_option_hides_neither_itself_nor_that_option() -> None:
    made = desk(lambda taken: 0.2 * (taken.get("d1") == "a") + 0.2 * (taken.get("d0") == "b"), attempts=100)
    inside = {code.trajectory_id for code in made.codes if (code.decision_id, code.letter) == ("d0", "b")}
    codes = [code for code in made.codes if code.decision_id != "d1" or code.trajectory_id in inside]
    child = replace(made.decisions[1], parent=("d0", "b"))
    judgement = Desk([made.decisions[0], child, *made.decisions[2:]], codes, made.attempts).judged()
    assert states(judgement) == {"d0": "believed", "d1": "believed"}


def test_pass_and_fail_are_enough_where_there_are_hundreds() -> None:
    made = desk(lambda taken: 0.5 * (taken.get("d2") == "b") - 0.1, attempts=300)
    passed = [
        replace(a, reward=float(a.reward > np.random.default_rng(row).random())) for row, a in enumerate(made.attempts)
    ]
    assert states(replace(made, attempts=passed).judged()) == {"d2": "believed"}


def test_guessed_rewards_alone_make_a_candidate_and_no_belief() -> None:
    assert states(desk(of_d2).with_source("inferred").judged()) == {"d2": "candidate"}


def test_sources_are_strata_and_a_light_one_tells_less() -> None:
    made = desk(of_d2, attempts=24)
    light = [replace(attempt, weight=0.3, source="agent") for attempt in made.attempts]
    assert replace(made, attempts=light).verdict("d2").inclusion < made.verdict("d2").inclusion
    harsh = [
        replace(each, reward=each.reward - 0.4 * (row % 2), source=("environment", "judge")[row % 2])
        for row, each in enumerate(desk(of_d2).attempts)
    ]
    judgement = replace(desk(of_d2), attempts=harsh).judged()
    assert states(judgement) == {"d2": "believed"}
    assert all(0.03 < noise < 0.09 for noise in judgement.state.noise.values())


def test_groups_that_a_decision_was_named_from_do_not_count_for_it() -> None:
    made = desk(of_d2, group_size=5)
    named = replace(made.decisions[2], named_from=tuple(f"g{group}" for group in range(12)))
    verdict = Desk([*made.decisions[:2], named, *made.decisions[3:]], made.codes, made.attempts).verdict("d2")
    assert (verdict.state, verdict.inclusion, verdict.groups) == ("unknown", 0.0, 0)


def test_one_attempt_against_the_rest_is_a_candidate_at_most() -> None:
    made = desk(of_d2, group_size=5)
    kept = {"t0": "a", **{f"t{row}": "b" for row in range(1, 5)}}
    codes = [code for code in made.codes if code.decision_id != "d2"]
    codes += [Code("d2", name, letter) for name, letter in kept.items()]
    low = [replace(a, reward=0.5 - (a.trajectory_id == "t0")) for a in made.attempts]
    assert Desk(made.decisions, codes, low).verdict("d2").state in {"candidate", "unknown"}


def test_a_later_step_that_starts_from_the_last_says_the_same() -> None:
    made = desk(of_d2)
    first = made.judged()
    again = Judge().judge(made.decisions, made.codes, made.attempts, last=first.state)
    assert states(again) == states(first)
    assert again.verdicts["d2"].effect == pytest.approx(first.verdicts["d2"].effect, abs=0.01)


@pytest.mark.parametrize(
    "made",
    [
        Desk([], [], []),
        Desk([decision("d0")], [], []),
        Desk([], [], [GradedAttempt("t0", 0.5)]),
        Desk([decision("d0")], [Code("d0", "t0", "a")], [GradedAttempt("t0", 0.5)]),
        Desk([decision("d0")], [Code("d0", "t0", "?")], [GradedAttempt("t0", 0.5), GradedAttempt("t1", 0.1)]),
        replace(desk(of_d2), attempts=[replace(attempt, reward=0.5) for attempt in desk(of_d2).attempts]),
        replace(desk(of_d2), codes=[replace(code, letter="a") for code in desk(of_d2).codes]),
    ],
)
def test_where_nothing_varies_nothing_is_known(made: Desk) -> None:
    judgement = made.judged()
    assert list(judgement.verdicts) == [each.id for each in made.decisions]
    assert states(judgement) == {}
    assert not judgement.gate.belief.passed


def test_a_reward_that_is_no_number_a_weight_of_none_and_an_unknown_letter_are_refused() -> None:
    made = desk(of_d2, attempts=4)
    with pytest.raises(ValueError, match="leave ungraded attempts out"):
        replace(made, attempts=[replace(made.attempts[0], reward=float("nan"))]).judged()
    with pytest.raises(ValueError, match="give one above 0"):
        replace(made, attempts=[replace(made.attempts[0], weight=0.0)]).judged()
    with pytest.raises(ValueError, match="has no option 'z'"):
        replace(made, codes=[Code("d0", "t0", "z")]).judged()
