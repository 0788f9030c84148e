from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from learner.small_desk import Made, attempt_of

from explib.models.decisions import CURED
from explib.models.libraries import Library, LibrarySettings
from explib.models.trajectories import Attempt
from explib_learner.analysis import Analyser
from explib_learner.analyst import Batch
from explib_learner.grammar.cures import Cure, cures, told_by
from explib_learner.grammar.namer import contrast_analyst
from explib_learner.grammar.refusals import masked, refusal_line
from explib_learner.grammar.trace import trace_of
from explib_learner.writing.templates import lesson_of


def bash(command: str, result: str) -> Made:
    return "bash", {"command": command}, result


def cured(*attempts: Sequence[Made]) -> list[Cure]:
    made: list[Attempt] = [attempt_of(f"t{number}", calls) for number, calls in enumerate(attempts)]
    return cures([trace_of(attempt) for attempt in made])


def lesson(*attempts: Sequence[Made]) -> str:
    (found,) = cured(*attempts)
    return lesson_of(found.decision, "a")


FAILED, DONE = "Error: field tax_code is required", "ok"


def test_a_missing_argument_that_was_added_is_a_candidate_after_one_attempt() -> None:
    calls: list[Made] = [("post", {"amount": 5}, FAILED), ("post", {"amount": 5, "tax_code": "A"}, DONE)]
    (found,) = cured(calls)
    assert found.strength == "candidate"
    assert found.refusal == FAILED
    assert lesson(calls) == "When you are about to call `post`, pass `tax_code`."


def test_the_same_cure_in_two_attempts_is_believed() -> None:
    calls: list[Made] = [("post", {"amount": 5}, FAILED), ("post", {"amount": 5, "tax_code": "A"}, DONE)]
    (found,) = cured(calls, calls)
    assert found.strength == "believed"
    assert found.shown_by == ("t0", "t1")


def test_a_step_between_failure_and_success_is_a_cure() -> None:
    calls: list[Made] = [
        ("ship", {"id": "O1"}, "Error: locked"),
        ("unlock", {"id": "O1"}, DONE),
        ("ship", {"id": "O1"}, DONE),
    ]
    assert lesson(calls) == "When you are about to call `ship`, call `unlock` first."


def test_an_attempt_is_coded_by_what_it_did_first_and_not_where_it_never_came_to_it() -> None:
    failed: Made = ("post", {"amount": 5}, FAILED)
    passed: Made = ("post", {"amount": 5, "tax_code": "A"}, DONE)
    (found,) = cured([failed, passed], [passed], [failed], [("look", {}, DONE)])
    assert found.letters == {"t0": CURED, "t1": "a", "t2": "b"}


async def test_the_fit_weighs_a_cure_where_attempts_differ_in_what_they_did_first() -> None:
    failed: Made = ("post", {"amount": 5}, FAILED)
    passed: Made = ("post", {"amount": 5, "tax_code": "A"}, DONE)
    kinds: list[tuple[list[Made], float]] = [([failed, passed], 0.5), ([passed], 0.9), ([failed], 0.4)]
    attempts = []
    for number in range(48):
        calls, reward = kinds[number % 3]
        one = attempt_of(f"t{number:02d}", calls)
        graded = replace(one.trajectory, reward=reward + 0.02 * (number % 5 - 2), group_id=f"g{number}")
        attempts.append(replace(one, trajectory=graded))
    library = Library(1, "desk", LibrarySettings(), 0, 0.0)
    analysis = await Analyser(contrast_analyst()).analyse(Batch(library, (), (), tuple(attempts)))
    (lesson,) = [each for each in analysis.operations if each.speaks_for_itself]
    (verdict,) = [entry.verdict for entry in analysis.codebook.entries if entry.decision.id == lesson.decision_id]
    assert verdict is not None
    assert (verdict.state, verdict.better, verdict.followed, verdict.others) == ("believed", "a", 16, 32)
    assert verdict.effect > 0.3


def test_a_sure_cure_is_not_told_again_from_another_step() -> None:
    write, unlock, ship = ("write", {"id": "O1"}, DONE), ("unlock", {"id": "O1"}, DONE), ("ship", {"id": "O1"}, DONE)
    refused = ("ship", {"id": "O1"}, "Error: locked")
    made = [[write, refused, unlock, ship]] * 2 + [[write, unlock, ship], [write, refused]]
    attempts = [trace_of(attempt_of(f"t{number}", calls)) for number, calls in enumerate(made)]
    (cure,) = cures(attempts)
    afterwards = replace(cure.decision, tools=("write", "unlock"))
    assert cure.is_sure
    assert told_by(cure, afterwards, list(zip("aaab", attempts, strict=True)))
    assert not told_by(cure, afterwards, list(zip("aabb", attempts, strict=True))), "it splits the attempts otherwise"
    assert told_by(cure, replace(cure.decision, tools=("ship", "unlock")), [("b", attempts[0])]), "of the same calls"


def test_a_flag_and_another_program_are_cures() -> None:
    refused = "error: this repository uses pnpm, not npm"
    assert "run `pnpm test` instead" in lesson([bash("npm test", refused), bash("pnpm test", "3 passed")])
    assert "pass `--frozen`" in lesson(
        [bash("uv sync", "error: lock is stale, use --frozen"), bash("uv sync --frozen", DONE)]
    )


def test_the_form_of_a_value_is_a_cure_and_says_the_form() -> None:
    calls: list[Made] = [
        ("due", {"at": "03/05/2024"}, "Error: invalid date"),
        ("due", {"at": "2024-05-03"}, DONE),
    ]
    assert "in the form `9999-99-99`" in lesson(calls)


def test_another_value_is_no_cure_until_it_is_seen_twice() -> None:
    calls: list[Made] = [("get", {"name": "ann"}, "Error: not found"), ("get", {"name": "bob"}, DONE)]
    assert cured(calls) == []
    assert "set `name` to `bob`" in lesson(calls, calls)


@pytest.mark.parametrize("refused", ["Error: 503 service unavailable", "Error: timeout", "Error: rate limit exceeded"])
def test_failures_of_the_environment_teach_nothing(refused: str) -> None:
    calls: list[Made] = [("post", {"amount": 5}, refused), ("post", {"amount": 5, "tax_code": "A"}, DONE)]
    assert cured(calls, calls) == []


def test_what_a_mere_retry_cured_teaches_nothing() -> None:
    calls: list[Made] = [("post", {"amount": 5}, FAILED), ("post", {"amount": 5}, DONE)]
    assert cured(calls, calls) == []


def test_work_on_a_file_until_a_check_passes_teaches_nothing() -> None:
    edit: Made = ("edit", {"path": "app.py", "text": "x = 1\ny = 2\n"}, DONE)
    assert cured([bash("make check", "1 failed\nexit code: 1"), edit, bash("make check", DONE)]) == []


def test_a_cure_that_fails_elsewhere_is_not_believed() -> None:
    calls: list[Made] = [("post", {"amount": 5}, FAILED), ("post", {"amount": 5, "tax_code": "A"}, DONE)]
    against: list[Made] = [("post", {"amount": 5, "tax_code": "B"}, FAILED)]
    assert cured(calls, against) == []
    other: list[Made] = [("post", {"amount": 5, "tax_code": "B"}, "Error: the account is closed")]
    (found,) = cured(calls, other)
    assert (found.shown_by, found.against) == (("t0",), ()), "it is refused for another reason"


def test_of_a_text_of_the_task_the_lesson_is_what_its_refusal_asks_for() -> None:
    refused = "error: commit-msg: the subject must have the form `area: text`"
    one, two = (
        [bash(f'git commit -m "Mend {area} totals"', refused), bash(f'git commit -m "{area}: mend totals"', DONE)]
        for area in ("cart", "tax")
    )
    assert cured(one) == [], "of one attempt it may be the task's"
    asked = "write `-m` as “error: commit-msg: the subject must have the form 'area: text'” asks"
    assert lesson(one, two) == f"When you are about to run `git commit`, {asked}."
    signed = [bash('git commit -m "Mend it"', refused), bash('git commit -s -m "cart: mend it now"', DONE)]
    assert "pass `-s`" not in [cure.decision.options[0].text for cure in cured(one, two, signed) if cure.is_sure]


def test_a_command_that_the_refusal_tells_is_the_cure_as_a_whole() -> None:
    told = [
        bash("git push", "error: no upstream branch\n    git push -u origin HEAD"),
        bash("git push -u origin HEAD", DONE),
    ]
    assert lesson(told) == "When you are about to run `git push`, run `git push -u origin HEAD`."
    (found,) = cured(told, [bash("git push -u origin HEAD", DONE)])
    assert not found.against


def test_values_in_refusals_are_masked() -> None:
    assert masked("Error: order 'O123' has 5 items") == "Error: order … has … items"
    assert refusal_line("collecting\nE  error: must set CI\n1 failed") == "E error: must set CI"


def test_what_works_without_its_cure_failed_by_chance() -> None:
    failing: list[Made] = [("post", {"amount": 5}, FAILED), ("post", {"amount": 5, "tax_code": "A"}, DONE)]
    plain: list[Made] = [("post", {"amount": 5}, DONE)]
    assert cured(failing, plain, plain) == []


def test_another_command_that_the_refusal_does_not_name_is_no_cure() -> None:
    assert cured([bash("pytest tests", "error: 2 failed\nexit code: 1"), bash("make lint tests", DONE)]) == []
