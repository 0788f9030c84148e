from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from server.practice_cases import made_by, started
from server.test_practice_halves import STAMP, TASKS, WEIGH

from explib.errors import InvalidInput
from explib.settings.program import Settings
from explib_server.exporters.contents import ExportedLesson, LibraryExport
from explib_server.exporters.lossless import EXPORTER
from explib_server.practice.gate import BRANCH, gate_application, read_gate
from explib_server.practice.plan import Options, make_plan
from explib_server.practice.proof import proof_of, prove
from explib_server.practice.protocol import Finished, Rollout
from explib_server.practice.report import gate_problem, make_report, report_text

FILE = "lessons.json"


def git(folder: Path, *words: str) -> None:
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "init.defaultBranch=main")
    subprocess.run(["git", "-C", str(folder), *identity, *words], check=True, capture_output=True)


def export(*lessons: str) -> str:
    made = (ExportedLesson(f"e{at}", text, "active", "B") for at, text in enumerate(lessons, 1))
    return EXPORTER.write(LibraryExport("parcels", 1, tuple(made)))


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository whose main holds one lesson, and its branch another one too."""
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init")
    (folder / FILE).write_text(export(WEIGH))
    git(folder, "add", FILE)
    git(folder, "commit", "-m", "one lesson")
    (folder / FILE).write_text(export(WEIGH, STAMP))
    return folder


async def test_a_branch_whose_lessons_cost_reward_does_not_pass(repository: Path, tmp_path: Path) -> None:
    gate = read_gate(str(repository / FILE), "main")
    assert not gate.is_unchanged

    def harmed(rollout: Rollout) -> Finished:
        return made_by(rollout, 0.8 - (0.2 + 0.01 * int(rollout.task.id[1:])) * ("stamp" in rollout.lessons))

    plan = make_plan(Options("x.py", prove=True, rollouts=2, model="m/x", scorer="exact", gate=gate), BRANCH, TASKS)
    async with started(tmp_path, harmed, plan) as start:
        async with gate_application(Settings(embedder="none"), gate) as application:
            await prove(application, start.rollouts, BRANCH)
        proof = proof_of(plan, start.rollouts.journal, start.library.settings)
        assert proof is not None
        assert (proof.sides.names, proof.verdict, proof.complete) == (("this-branch", "base"), "harm shown", True)
        assert "score below those at main" in gate_problem(
            make_report(plan, start.rollouts.journal, start.library, [], [])
        )
        [(mine, main), *_] = proof.sides.lessons.values()
        assert (WEIGH in mine, STAMP in mine, WEIGH in main, STAMP in main) == (True, True, True, False)


async def test_tasks_for_which_both_say_the_same_are_not_attempted(repository: Path, tmp_path: Path) -> None:
    (repository / FILE).write_text(export(WEIGH).replace('"learned": "B"', '"learned": "A"'))
    gate = read_gate(str(repository / FILE), "main")
    assert not gate.is_unchanged
    plan = make_plan(Options("x.py", prove=True, rollouts=2, model="m/x", scorer="exact", gate=gate), BRANCH, TASKS)
    async with started(tmp_path, lambda rollout: made_by(rollout, 1.0), plan) as start:
        async with gate_application(Settings(embedder="none"), gate) as application:
            await prove(application, start.rollouts, BRANCH)
        assert start.engine.made == []
        report = make_report(plan, start.rollouts.journal, start.library, [], [])
        assert report.finished
        assert gate_problem(report) == ""
        assert "this-branch and base tell the same for every task" in report_text(report)


async def test_a_gate_without_rewards_does_not_let_anything_pass(repository: Path, tmp_path: Path) -> None:
    gate = read_gate(str(repository / FILE), "main")
    plan = make_plan(Options("x.py", prove=True, rollouts=1, model="m/x", scorer="exact", gate=gate), BRANCH, TASKS)
    async with started(tmp_path, lambda rollout: made_by(rollout, None), plan) as start:
        async with gate_application(Settings(embedder="none"), gate) as application:
            await prove(application, start.rollouts, BRANCH)
        report = make_report(plan, start.rollouts.journal, start.library, [], [])
        assert "cannot decide: of the planned pairs none have both rewards" in gate_problem(report)


def test_a_base_without_the_file_has_no_lessons(repository: Path) -> None:
    (repository / "other.json").write_text(export(WEIGH))
    assert read_gate(str(repository / "other.json"), "main").main == ""


def test_the_same_lessons_need_no_gate(repository: Path) -> None:
    (repository / FILE).write_text(export(WEIGH))
    assert read_gate(str(repository / FILE), "main").is_unchanged


@pytest.mark.parametrize(
    ("file", "base", "why"),
    [
        ("missing.json", "main", "explib export --format json --output"),
        (FILE, "origin/main", "fetch-depth: 0"),
        (FILE, "--help", "git knows no --help"),
        ("broken.json", "main", "is no JSON"),
        ("other.json", "main", "is no export of lessons"),
    ],
)
def test_what_cannot_be_compared_is_told(repository: Path, file: str, base: str, why: str) -> None:
    (repository / "broken.json").write_text("{")
    (repository / "other.json").write_text('{"lessons": 3}')
    with pytest.raises(InvalidInput, match=why):
        read_gate(str(repository / file), base)


async def test_a_lesson_that_no_library_takes_in_stops_the_gate(repository: Path) -> None:
    (repository / FILE).write_text(export("When asked, " + "really " * 100 + "wait."))
    with pytest.raises(InvalidInput, match=r"lessons\.json/0: The lesson is refused"):
        async with gate_application(Settings(embedder="none"), read_gate(str(repository / FILE), "main")):
            pass
