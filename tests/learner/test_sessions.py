from __future__ import annotations

from dataclasses import replace

import pytest
from learner.model_cases import batch_of, graded, parts_on
from learner.scripted_endpoint import answers, text_of

from explib.models.decisions import CodebookEntry, Decision, Option
from explib.models.groups import GroupAttempts
from explib.models.json_value import Json
from explib.models.trajectories import Attempt, Step, ToolCall, Trajectory

CORRECTION = "no, run make check, not pytest"


def session(name: str, *steps: Step) -> GroupAttempts:
    trajectory = Trajectory(name, name, "fix the parser", None)
    return graded(Attempt(trajectory, (Step("user", "fix the parser"), *steps)))


def command(said: str, result: str, *, wrong: bool = False) -> tuple[Step, Step]:
    call = Step("assistant", "", (ToolCall("c1", "Bash", {"command": said}),))
    return call, Step("tool", result, answers_call="c1", is_error=wrong)


CORRECTED = session("s1", *command("pytest", "12 passed"), Step("user", CORRECTION), *command("make check", "ok"))
QUIET = session("s2", *command("make check", "noise\nmore noise\nerror: a line is too long\nexit 1", wrong=True))


def lesson(**fields: Json) -> dict[str, Json]:
    options: Json = [{"does": "run `make check`", "attempts": ["A2"]}, {"does": "run `pytest`", "attempts": ["A1"]}]
    return {
        "kind": "said",
        "known": None,
        "situation": "you have changed code",
        "options": options,
        "better": "a",
        "lesson": "When you have changed code, run `make check`.",
        "reason": "the person asked for it",
        "quote": CORRECTION,
        **fields,
    }


async def test_a_correction_becomes_a_candidate_that_quotes_the_person() -> None:
    async with parts_on([answers({"lessons": [lesson()]})]) as (parts, server):
        naming = await parts.name(batch_of(CORRECTED, QUIET))
    [named] = naming.decisions
    assert (named.lesson, named.better) == ("When you have changed code, run `make check`.", "a")
    assert named.reason == f"The person said: “{CORRECTION}”"
    assert named.letters == {"s2": "a", "s1": "b"}
    assert named.decision.named_from == ()
    asked = text_of(server.asked[0])
    assert f"person: {CORRECTION}" in asked
    assert '> Bash {"command":"pytest"}' in asked
    assert "< failed: error: a line is too long\nexit 1" in asked
    assert "more noise" not in asked


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (lesson(quote="12 passed"), "quote word for word"),
        (lesson(quote=""), "quote word for word"),
        (lesson(better=None), "letter of its better option"),
        (lesson(lesson=""), "needs a lesson"),
        (lesson(lesson="When so, " + "word " * 60), "shorten it"),
        (lesson(options=[{"does": "a", "attempts": ["A9"]}, {"does": "b", "attempts": ["A1"]}]), "A9, which is none"),
        (lesson(options=[{"does": "a", "attempts": []}, {"does": "b", "attempts": []}]), "cites no session"),
    ],
)
async def test_what_sessions_do_not_show_is_repaired_once_and_then_refused(given: dict[str, Json], reason: str) -> None:
    async with parts_on(lambda _: answers({"lessons": [given]})) as (parts, server):
        naming = await parts.name(batch_of(CORRECTED, QUIET))
    assert naming.decisions == ()
    [refusal] = naming.refusals
    assert reason in refusal.reason
    assert len(server.asked) == 2


async def test_later_sessions_count_for_a_decision_that_is_known() -> None:
    options = (Option("a", "run `make check`"), Option("b", "run `pytest`"))
    known = Decision("d4", "k4", "model", "you have changed code", options)
    said = lesson(known="D1", kind="compared", quote="")
    async with parts_on([answers({"lessons": [said]})]) as (parts, _):
        naming = await parts.name(batch_of(CORRECTED, QUIET, codebook=[CodebookEntry(known)]))
    [named] = naming.decisions
    assert (named.decision, named.letters) == (known, {"s2": "a", "s1": "b"})


async def test_where_most_attempts_are_graded_the_others_are_not_read() -> None:
    rewarded = [
        graded(replace(each, trajectory=replace(each.trajectory, id=f"r{at}", group_id=f"r{at}", reward=1.0)))
        for at, each in enumerate(CORRECTED.attempts * 3)
    ]
    async with parts_on([]) as (parts, server):
        await parts.name(batch_of(QUIET, earlier=rewarded))
    assert server.asked == []
