from __future__ import annotations

from pathlib import Path

import pytest

from explib.errors import InvalidInput
from explib_server.practice.scorers import choice, exact, fitting, guarded, number, python_scorer, stated
from explib_server.practice.tasks import PracticeTask


def task(target: str | None) -> PracticeTask:
    return PracticeTask("a", "How many?", target)


@pytest.mark.parametrize(
    ("answer", "target", "reward"),
    [
        ("It is 12.", "12", 1),
        ("12 cups at 3 euros make 36.0", "36", 1),
        ("\\boxed{1,234.50}", "1234.5", 1),
        ("1/2", "0.5", 1),
        ("−3", "-3", 1),
        ("5e-1", ".5", 1),
        ("13", "12", 0),
        ("1/0", "1", 0),
        ("none", "12", 0),
    ],
)
def test_numbers_are_compared_by_value(answer: str, target: str, reward: float) -> None:
    assert number(answer, task(target)).reward == reward


@pytest.mark.parametrize(
    ("answer", "reward"), [("B", 1), ("The answer is (b).", 1), ("A is wrong, so B", 1), ("Answer: A", 0), ("?", 0)]
)
def test_the_letter_that_is_settled_on_counts(answer: str, reward: float) -> None:
    assert choice(answer, task("B")).reward == reward


@pytest.mark.parametrize(
    ("answer", "reward"), [(" paris. ", 1), ("I think so.\nAnswer: **Paris**", 1), ("Paris, I think", 0), ("", 0)]
)
def test_exact_looks_past_case_and_spaces(answer: str, reward: float) -> None:
    assert exact(answer, task("Paris")).reward == reward


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("3 + 4 makes 7.\nAnswer: **7.0**", "7"),
        ("So \\boxed{1/2}, as 0.5 of 1 is left.", "0.5"),
        ("The answer is Paris.", "paris"),
        ("12 cups", "12 cups"),
        ("", ""),
    ],
)
def test_answers_are_compared_by_what_they_come_to(answer: str, said: str) -> None:
    assert stated(answer) == said


def by(folder: Path, body: str) -> tuple[float | None, str]:
    path = folder / "grade.py"
    path.write_text(f"def score(answer, target, task):\n    {body}\n", encoding="utf-8")
    return guarded(python_scorer(path), "12", task("12"))


@pytest.mark.parametrize(("body", "reward"), [("return answer == target", 1.0), ("return 0.25", 0.25)])
def test_a_persons_own_scorer_gives_the_reward(tmp_path: Path, body: str, reward: float) -> None:
    assert by(tmp_path, body) == (reward, "")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("return None", "gave no reward"),
        ("return float('nan')", "no finite number"),
        ("return 'good'", "no finite number"),
        ("return 7", "not from 0 to 1"),
        ("raise KeyError('x')", "raised KeyError"),
    ],
)
def test_a_scorer_that_fails_gives_no_reward_and_never_0(tmp_path: Path, body: str, said: str) -> None:
    reward, note = by(tmp_path, body)
    assert reward is None
    assert said in note


def test_a_file_without_a_scorer_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "grade.py"
    with pytest.raises(InvalidInput, match="no Python file"):
        python_scorer(path)
    path.write_text("x = 1", encoding="utf-8")
    with pytest.raises(InvalidInput, match="no function score"):
        python_scorer(path)
    path.write_text("import nothing_like_this", encoding="utf-8")
    with pytest.raises(InvalidInput, match="cannot be loaded"):
        python_scorer(path)


def test_the_scorer_fits_the_targets() -> None:
    assert fitting([task("12"), task("1/2")]) == "number"
    assert fitting([task("12"), task("Paris")]) == "exact"
    with pytest.raises(InvalidInput, match="nothing can be graded"):
        fitting([task(None)])
