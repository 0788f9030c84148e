from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from learner.model_cases import TASK, attempt

from explib.models.trajectories import Attempt, Step, ToolCall
from explib_learner.prompting.transcripts import read_together, standing, transcribe

SYSTEM = "You are an agent of an airline. " * 10
RESULT = '{"fare": "basic", "refundable": false} ' * 10


def with_tool(name: str, reward: float, result: str) -> Attempt:
    made = attempt(name, reward, "I look.", system=SYSTEM)
    call = Step("assistant", "", (ToolCall("c1", "get_fare", {"id": 3}),))
    return replace(made, steps=(*made.steps, call, Step("tool", result, answers_call="c1")))


def everything(attempts: list[Attempt]) -> str:
    read = transcribe([(f"A{at}", each) for at, each in enumerate(attempts)], TASK)
    return "\n".join((read.shared_text(), *(each.text() for each in read.attempts)))


def test_what_attempts_share_is_stated_once() -> None:
    text = everything([with_tool("t1", 1.0, RESULT), with_tool("t2", 0.0, RESULT), with_tool("t3", 0.0, RESULT)])
    assert text.count(SYSTEM.strip()) == 1
    assert text.count(RESULT.strip()) == 1
    assert text.count("(same as S1)") == 3
    assert text.count("(the task)") == 3


def test_arguments_are_never_hidden_behind_a_reference() -> None:
    made = attempt("t1", 1.0, "I book.")
    call = Step("assistant", "", (ToolCall("c1", "book", {"note": "seat by the window " * 20}),))
    text = everything([replace(made, steps=(*made.steps, call))] * 3)
    assert text.count("seat by the window " * 20) == 3


def test_calls_errors_answers_and_feedback_are_shown() -> None:
    made = with_tool("t1", 1.0, "no such fare")
    steps = (*made.steps[:-1], replace(made.steps[-1], is_error=True))
    made = replace(made, steps=steps, trajectory=replace(made.trajectory, answer="42 seats", feedback="too many"))
    text = everything([made])
    assert 'calls get_fare {"id":3}' in text
    assert "tool for c1 (error): no such fare" in text
    assert "[final answer] 42 seats" in text
    assert "[feedback on the result] too many" in text


TEXTS = st.text(alphabet="ab \n<é", max_size=20) | st.sampled_from([SYSTEM, RESULT, RESULT * 3, TASK])


@given(st.lists(st.lists(TEXTS, min_size=1, max_size=6), min_size=1, max_size=5))
def test_every_distinct_content_is_there_at_least_once(said: list[list[str]]) -> None:
    text = everything([attempt(f"t{at}", 1.0, *texts) for at, texts in enumerate(said)])
    for content in {one.strip() for texts in said for one in texts} - {TASK}:
        assert content in text
    for shared in (SYSTEM.strip(), (RESULT * 3).strip()):
        assert text.count(shared) <= 1


def test_rewards_and_advantages_are_those_of_the_group() -> None:
    stands = standing([attempt("a", 1.0), attempt("b", 0.0), attempt("c", 0.0), attempt("d", 0.0)])
    assert stands.line(1.0) == "reward 1, advantage +1.73"
    assert stands.line(0.0) == "reward 0, advantage -0.58"


@given(st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=2, max_size=40), st.integers(2, 10))
def test_of_many_attempts_both_sides_are_read(rewards: list[float], limit: int) -> None:
    attempts = [attempt(f"t{at}", reward, at=float(at)) for at, reward in enumerate(rewards)]
    read = read_together(attempts, limit)
    assert len(read) <= max(limit, 0)
    assert [each for each in attempts if each in read] == list(read)
    if len(set(rewards)) > 1:
        mean = standing(attempts).mean
        assert any(each.reward > mean for each in read)
        assert any(each.reward < mean for each in read)
