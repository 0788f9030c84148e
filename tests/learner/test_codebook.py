from __future__ import annotations

from dataclasses import replace

import pytest
from learner.model_cases import experience

from explib.models.decisions import CodebookEntry, Decision, Option, Verdict
from explib_learner.analyst import NamedDecision
from explib_learner.codebook import RunCodebook
from explib_learner.lessons import Evidence, additions, first_words, plan

DECISION = Decision("d1", "k1", "model", "work comes", (Option("a", "ask first"), Option("b", "go on")))
BORNE_OUT = Verdict("d1", "believed", 1.0, "a", 0.5, 0.4, 0.6, 1.0, 10, 10, 0, 20, 10)
UNKNOWN = replace(BORNE_OUT, state="unknown", inclusion=0.2)


@pytest.mark.parametrize(
    ("verdicts", "goes"),
    [([UNKNOWN], False), ([UNKNOWN, UNKNOWN], True), ([UNKNOWN, BORNE_OUT, UNKNOWN], False)],
)
def test_an_active_lesson_goes_after_two_runs_in_a_row_that_do_not_bear_it_out(
    verdicts: list[Verdict], *, goes: bool
) -> None:
    lesson = replace(experience("e1", "When work comes, ask first."), decision_id="d1", option="a")
    entries: tuple[CodebookEntry, ...] = (CodebookEntry(DECISION, BORNE_OUT),)
    for verdict in verdicts:
        book = RunCodebook(entries, ())
        book.judged(verdict)
        planned = plan(book.entries, [lesson], Evidence(book.entries, (), ()))
        for decision_id, runs in planned.weak_runs.items():
            book.weakened(decision_id, runs)
        entries = book.entries
    assert [each.kind for each in planned.operations] == (["DELETE"] if goes else [])


def test_a_lesson_that_cannot_be_told_from_another_says_which_and_what_would_tell() -> None:
    other = Decision("d2", "k2", "model", "work is done", (Option("a", "say so"), Option("b", "keep silent")))
    one_of = replace(BORNE_OUT, state="one of", rivals=("d2",))
    entries = (CodebookEntry(DECISION, one_of), CodebookEntry(other, replace(one_of, decision_id="d2", rivals=("d1",))))
    evidence = Evidence(entries, (), ())
    planned = plan(entries, (), evidence)
    added = additions(planned.wordings, {"d1": "When work comes, ask first."}, evidence, {}, entries)
    assert [(each.status, each.reason) for each in added] == [
        (
            "candidate",
            "This or what the same attempts also did helps: say so (when work is done). An attempt that does only one "
            "of both would tell: ask first, and not the other.",
        )
    ]


@pytest.mark.parametrize(
    ("text", "verdict", "served"),
    [
        ("When work comes, ask first.", None, True),
        ("When work comes, ask first.", replace(UNKNOWN, better="b"), False),
        ("When work comes, ask at least `?` times.", None, False),
        ("When work comes, ask first.", replace(UNKNOWN, merged_into="d2"), False),
    ],
)
def test_a_first_lesson_is_none_that_the_attempts_speak_against_or_that_has_no_bound_or_a_twin(
    text: str, verdict: Verdict | None, *, served: bool
) -> None:
    named = {"d1": NamedDecision(DECISION, lesson=text, better="a")}
    added = first_words(named, ["d2"], Evidence([CodebookEntry(DECISION, verdict)], (), ()))
    assert [each.content for each in added] == ([text] if served else [])
