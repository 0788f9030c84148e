from __future__ import annotations

from explib_learner.prompting.library_text import learning_objective_text, objective_text


def test_a_library_without_an_objective_is_shown_so() -> None:
    assert "nothing is said" in objective_text(" ")
    assert "win" in objective_text("win")


def test_what_lessons_should_be_about_is_shown_fenced_or_said_to_be_open() -> None:
    assert "nothing is said" in learning_objective_text(" ")
    assert 'of="learning-objective">\norder of checks' in learning_objective_text("order of checks")
