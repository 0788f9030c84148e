from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from explib.models.trajectories import Attempt, Step, ToolCall, Trajectory
from explib.trajectories.feedback import CORRECTED, quoted
from explib_learner.grammar.corrections import corrections, corrects
from explib_learner.writing.templates import lesson_of


def session(trajectory_id: str, turns: Sequence[str], *, role_of_turns: str = "user") -> Attempt:
    call = ToolCall("c1", "edit_file", {"path": "src/app.py", "new": "x = 1\ny = 2\n"})
    steps = [
        Step("user", "Never mind the style, add an option"),
        Step("assistant", "", (call,)),
        Step("tool", "ok", (), "c1"),
    ]
    for turn in turns:
        steps.append(Step("tool", turn, (), "c1") if role_of_turns == "tool" else Step("user", turn))
        steps.append(Step("assistant", "Understood."))
    return Attempt(Trajectory(trajectory_id, trajectory_id, "Add an option", None), tuple(steps))


@pytest.mark.parametrize(
    "text",
    [
        "no, use tabs here",
        "No. Put the test next to the module instead",
        "never commit to main",
        "please redo it with pathlib",
        "don't edit the generated files",
        "nein, nimm pnpm",
        "You forgot the changelog: every change of code needs an entry under changes/.",
        "No, branches are called fix/<number>-<words> here. Please rename it.",
    ],
)
def test_corrections_are_recognised(text: str) -> None:
    assert corrects(text)


@pytest.mark.parametrize(
    "text",
    [
        *("thanks, great work", "no", "no thanks, that's all", "yes, go on"),
        *("I don't know", "why not?", '{"never": 1}', ""),
        "I've always had great experiences, but my flight was canceled.",
        "I'd like to book a flight. We don't have any baggage.",
        "No, I meant the other window, all fine.",
        "Actually, never mind. I think that's all for now.",
        "No, I really don't want to be transferred. Can you check again? There must be some way.",
    ],
)
def test_other_turns_are_no_corrections(text: str) -> None:
    assert not corrects(text)


def test_a_correction_is_quoted_with_the_file_in_hand() -> None:
    (found,) = corrections([session("t1", ["no, use tabs here."])])
    assert found.decision.source == "person"
    assert found.quote == "no, use tabs here."
    assert found.files == ("src/app.py",)
    assert lesson_of(found.decision, "a") == (
        "When you work on `src/app.py` or the like, do as the person said: “no, use tabs here”."
    )


def test_tool_output_and_the_task_itself_correct_nothing() -> None:
    assert corrections([session("t1", ["no, use tabs here"], role_of_turns="tool")]) == []
    assert corrections([session("t1", [])]) == []


def test_a_correction_in_the_next_turn_is_read_from_the_feedback_that_quotes_it() -> None:
    attempt = session("t1", [])
    told = replace(attempt.trajectory, feedback=quoted(CORRECTED, "no, use tabs here."))
    (found,) = corrections([replace(attempt, trajectory=told)])
    assert (found.quote, found.files) == ("no, use tabs here.", ("src/app.py",))


def test_the_same_correction_in_two_sessions_is_one() -> None:
    (found,) = corrections([session("t1", ["no, use tabs here"]), session("t2", ["No, please use tabs here!"])])
    assert found.said_in == ("t1", "t2")
