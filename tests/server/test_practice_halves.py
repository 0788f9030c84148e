from __future__ import annotations

from pathlib import Path

import pytest
from server.practice_cases import Start, made_by, started, works

from explib.errors import InvalidInput
from explib.models.decisions import CodebookEntry, CodebookUpdate, Decision, Option
from explib.models.revisions import LEARNER, Operation
from explib.storage.maintenance.check import check
from explib.storage.revisions.proposal import Proposal
from explib_server.practice.halves import enter_lesson, found_of, make_halves
from explib_server.practice.plan import Options, Plan, make_plan
from explib_server.practice.proof import proof_of, prove
from explib_server.practice.protocol import Finished, Rollout
from explib_server.practice.report import make_report, report_json, report_text
from explib_server.practice.tasks import PracticeTask

TASKS = [PracticeTask(f"h{number}", f"Send parcel {number} of Bo to Graz.", "done") for number in range(8)]
WEIGH, STAMP = "When you send a parcel, weigh it.", "When you send a parcel, stamp it twice."


def plan_of(**options: object) -> Plan:
    given = {"prove": True, "rollouts": 2, "batch": 8, "model": "m/x", "scorer": "exact", **options}
    return make_plan(Options("x.py", **given), "default", TASKS)  # type: ignore[arg-type]


def harmed(rollout: Rollout) -> Finished:
    """Every task has a difficulty of its own; stamping costs .165 to .235, weighing helps."""
    number = int(rollout.task.id[1:])
    cost = (0.165 + 0.01 * number) * ("stamp" in rollout.lessons)
    return made_by(rollout, 0.7 - 0.05 * number + 0.1 * ("weigh" in rollout.lessons) - cost)


async def halved(start: Start) -> None:
    await make_halves(start.application, start.rollouts, "default")


async def test_halves_find_the_lesson_that_harms_and_it_is_retired(tmp_path: Path) -> None:
    plan = plan_of(halves=96)
    async with started(tmp_path, harmed, plan) as start:
        await start.learn(WEIGH, STAMP)
        await halved(start)
        assert len(start.engine.made) == 96
        assert await start.lessons() == {WEIGH: "active", STAMP: "retired"}
        found = found_of(plan, start.rollouts.journal, start.library.settings)
        assert found is not None
        assert (found.planned, found.pairs, list(found.suspects)) == (48, 48, ["e2"])
        assert found.lessons["e2"].sums.lift == pytest.approx(-0.2, abs=0.05)
        report = make_report(plan, start.rollouts.journal, start.library, [], [])
        assert "under suspicion: e2" in report_text(report)
        values = report_json(report)
        assert isinstance(values, dict)
        assert isinstance(values["halves"], dict)
        assert values["halves"]["suspects"] == ["e2"]
        overview = await start.application.store.libraries.overview(start.library)
        assert overview.trajectories == 0
        assert await check(start.application.store.database) == []


async def test_a_pair_is_entered_once_whatever_ended_the_program(tmp_path: Path) -> None:
    left = iter([True] * 11)
    async with started(
        tmp_path, lambda rollout: harmed(rollout) if next(left, False) else None, plan_of(halves=32)
    ) as one:
        await one.learn(WEIGH, STAMP)
        with pytest.raises(Exception, match="ended"):
            await halved(one)
        assert (await one.application.store.evidence.totals(one.library)).rewards == 5
    async with started(tmp_path, harmed, plan_of(halves=32)) as other:
        await halved(other)
        assert len(other.engine.made) == 32 - 11
        await halved(other)
        assert (await other.application.store.evidence.totals(other.library)).rewards == 16


async def test_a_rollout_without_a_reward_takes_its_pair_out(tmp_path: Path) -> None:
    broken = iter([None])
    plan = plan_of(halves=16)
    async with started(tmp_path, lambda rollout: made_by(rollout, next(broken, 0.5)), plan) as start:
        await start.learn(WEIGH)
        await halved(start)
        found = found_of(plan, start.rollouts.journal, start.library.settings)
        assert found is not None
        assert (found.planned, found.pairs, found.suspects) == (8, 7, {})


async def test_one_lesson_is_proved_where_it_fits_and_its_evidence_is_that_of_the_pairs(tmp_path: Path) -> None:
    plan = plan_of(lesson="e2", rollouts=6)
    async with started(tmp_path, harmed, plan) as start:
        await start.learn(WEIGH, STAMP)
        await prove(start.application, start.rollouts, "default")
        await enter_lesson(start.application, start.rollouts, "default")
        proof = proof_of(plan, start.rollouts.journal, start.library.settings)
        assert proof is not None
        assert (proof.sides.names, proof.planned, proof.verdict) == (("with e2", "without e2"), 48, "harm shown")
        assert proof.gain.mean == pytest.approx(-0.2)
        assert all("weigh" in lessons for both in proof.sides.lessons.values() for lessons in both)
        assert await start.lessons() == {WEIGH: "active", STAMP: "retired"}


async def test_a_lesson_that_fits_no_task_cannot_be_proved(tmp_path: Path) -> None:
    async with started(tmp_path, works(), plan_of(lesson="e7")) as start:
        await start.learn(WEIGH)
        with pytest.raises(InvalidInput, match="e7 is served for none of these tasks"):
            await prove(start.application, start.rollouts, "default")


async def test_a_control_asks_what_rewards_taught_so_cures_stand_on_both_sides(tmp_path: Path) -> None:
    plan = plan_of(control=True)
    cure = Decision("d1", "cure", "grammar", "before sending", (Option("a", "weigh"),), speaks_for_itself=True)
    async with started(tmp_path, harmed, plan) as start:
        update = CodebookUpdate((CodebookEntry(cure),))
        operations = (
            Operation("ADD", "a cure", content=WEIGH, status="active", decision_id="d1", option="a"),
            Operation("ADD", "rewards", content=STAMP, status="active"),
        )
        await start.application.store.revisions.commit(
            Proposal(start.library, "learned", LEARNER, "contrast", operations, codebook=update)
        )
        await prove(start.application, start.rollouts, "default")
        proof = proof_of(plan, start.rollouts.journal, start.library.settings)
        assert proof is not None
        assert proof.sides.names == ("all lessons", "those that need no rewards")
        assert all(WEIGH in all_ and STAMP in all_ for all_, _ in proof.sides.lessons.values())
        assert all(WEIGH in own and STAMP not in own for _, own in proof.sides.lessons.values())


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"halves": 3}, "an even number"),
        ({"halves": 4, "prove": False}, "name them by --held-out"),
        ({"halves": 4, "lesson": "e1"}, "compare different things"),
        ({"control": True, "lesson": "e1"}, "compare different things"),
    ],
)
def test_what_does_not_go_together_is_refused(options: dict[str, object], why: str) -> None:
    with pytest.raises(InvalidInput, match=why):
        plan_of(**options)
