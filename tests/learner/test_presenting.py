from __future__ import annotations

from learner.model_cases import experience

from explib_learner.prompting.library_text import closest, experiences_text, learning_objective_text, objective_text

KNOWN = tuple(experience(f"e{at}", f"When topic{at} comes up, do something about it.") for at in range(50))


def test_experiences_are_shown_with_their_evidence() -> None:
    assert "[e0] (active; for 3 in 2 groups, against 1) When topic0" in experiences_text(KNOWN[:1])
    assert experiences_text(()) == "(none)"


def test_of_a_large_library_the_closest_are_shown_in_their_order() -> None:
    shown = closest(KNOWN, "about topic40 and topic7", 60)
    assert {"e7", "e40"} <= {each.id for each in shown}
    assert len(shown) < len(KNOWN)
    assert list(shown) == [each for each in KNOWN if each in shown]
    assert closest(KNOWN, "anything", 10_000) == KNOWN


def test_a_library_without_an_objective_is_shown_so() -> None:
    assert "nothing is said" in objective_text(" ")
    assert "win" in objective_text("win")


def test_what_lessons_should_be_about_is_shown_fenced_or_said_to_be_open() -> None:
    assert "nothing is said" in learning_objective_text(" ")
    assert 'of="learning-objective">\norder of checks' in learning_objective_text("order of checks")
