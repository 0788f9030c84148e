from __future__ import annotations

from pathlib import Path

import pytest
from server.practice_cases import WORKS, made_by, planned, started, works

from explib.errors import BudgetExceeded, Conflict, InvalidInput, ModelUnavailable, StorageError
from explib.models.json_value import Json
from explib.models.practice import PracticeRun
from explib.models.revisions import LEARNER, Operation
from explib.storage.revisions.proposal import Proposal
from explib_server.practice.journal import Journal
from explib_server.practice.plan import Options, make_plan
from explib_server.practice.prices import Budget, Spent
from explib_server.practice.proof import Arm, proof_of, prove, t_quantile
from explib_server.practice.protocol import Broken, Finished, Rollout
from explib_server.practice.report import make_report, report_json, report_text
from explib_server.practice.tasks import PracticeTask
from explib_server.render.evidence import library_evidence
from explib_server.render.practice import practice_line
from explib_server.render.practice_plot import draw_practice, mean_interval


async def test_every_rollout_is_a_graded_attempt_of_one_group_under_its_own_retrieval(tmp_path: Path) -> None:
    async with started(tmp_path, works(0.5)) as start:
        await start.practise()
        groups = await start.application.store.groups.all(start.library)
        assert {(group.size, group.graded) for group in groups} == {(3, 3)}
        assert len(groups) == 4
        journal = start.rollouts.journal
        retrievals = {retrieval for retrieval, _ in journal.retrievals.values()}
        assert len(retrievals) == len(journal.stored) == 12
        sources = {(each.reward_source, each.reward) for each in await start.attempts()}
        assert sources == {("environment", 0.5)}


async def test_what_was_finished_when_the_program_ended_is_stored_and_not_made_again(tmp_path: Path) -> None:
    left = iter([True] * 4)
    async with started(tmp_path, lambda rollout: made_by(rollout, 1.0) if next(left, False) else None) as first:
        with pytest.raises(StorageError):
            await first.practise()
        assert len(first.rollouts.journal.stored) == 4
    journal = tmp_path / planned().run / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:-1]))  # as if it had ended before it noted that the last one is stored
    with journal.open("ab") as file:
        file.write(b'{"finished": {"key": "half a li')
    async with started(tmp_path, works()) as second:
        await second.practise()
        assert len(second.engine.made) == 12 - 4
        assert not set(first.engine.made) & set(second.engine.made)
        overview = await second.application.store.libraries.overview(second.library)
        assert (overview.trajectories, overview.graded) == (12, 12)
    async with started(tmp_path, works()) as third:
        await third.practise()
        assert third.engine.made == []


async def test_more_epochs_of_the_same_command_only_add_to_it(tmp_path: Path) -> None:
    async with started(tmp_path, works()) as first:
        await first.practise()
    async with started(tmp_path, works(), planned(epochs=2)) as second:
        await second.practise()
        assert len(second.engine.made) == 12
        assert len(await second.application.store.groups.all(second.library)) == 8


async def test_a_provider_that_is_down_stops_the_run_and_nothing_is_invented(tmp_path: Path) -> None:
    async with started(tmp_path, lambda rollout: Broken(rollout.key, "503"), planned(batch=4)) as first:
        with pytest.raises(ModelUnavailable, match="7 rollouts in a row broke, the last by: 503"):
            await first.practise()
        assert (await first.application.store.libraries.overview(first.library)).trajectories == 0
    async with started(tmp_path, works(), planned(batch=4)) as second:
        await second.practise()
        assert len(second.engine.made) == 12


async def test_a_task_that_always_breaks_does_not_hold_up_the_others(tmp_path: Path) -> None:
    def breaks(rollout: Rollout) -> Finished | Broken:
        return Broken(rollout.key, "no such file") if rollout.task.id == "t0" else made_by(rollout, 1.0)

    async with started(tmp_path, breaks, planned(rollouts=6)) as start:
        await start.practise()
        report = make_report(start.rollouts.plan, start.rollouts.journal, start.library, [], start.rollouts.broken)
        assert not report.finished
        assert "6 rollouts broke and have no reward (the last: no such file)" in report_text(report)


async def test_a_rollout_without_a_reward_is_kept_ungraded_with_its_reason(tmp_path: Path) -> None:
    async with started(tmp_path, lambda rollout: made_by(rollout, None)) as start:
        await start.practise()
        overview = await start.application.store.libraries.overview(start.library)
        assert (overview.trajectories, overview.graded) == (12, 0)
        report = make_report(start.rollouts.plan, start.rollouts.journal, start.library, [], [])
        assert report.ungraded == {"the scorer gave none": 12}


async def test_a_budget_that_does_not_do_for_a_batch_buys_nothing(tmp_path: Path) -> None:
    plan = planned(budget=Budget(tokens=500), agent=None, what="x.py", model="m/x")
    async with started(tmp_path, works(), plan, Spent(100, None)) as start:
        with pytest.raises(BudgetExceeded, match="does not do for the next 6 rollouts"):
            await start.practise()
        assert start.engine.made == []


async def test_a_budget_ends_the_run_in_the_middle_and_a_larger_one_goes_on(tmp_path: Path) -> None:
    async with started(tmp_path, works(), planned(budget=Budget(tokens=350))) as first:
        with pytest.raises(BudgetExceeded, match="is spent"):
            await first.practise()
        assert len(first.rollouts.journal.stored) == 4
    async with started(tmp_path, works(), planned(budget=Budget(tokens=5_000))) as second:
        await second.practise()
        assert len(second.engine.made) == 8


async def test_an_agent_whose_cost_cannot_be_counted_has_no_budget(tmp_path: Path) -> None:
    def free(rollout: Rollout) -> Finished:
        return Finished(rollout.key, rollout.task.id, WORKS.messages, "done", 1.0)

    async with started(tmp_path, free, planned(budget=Budget(tokens=500))) as start:
        with pytest.raises(InvalidInput, match="cannot be counted"):
            await start.practise()


async def test_a_control_gives_rollouts_the_rewards_of_others(tmp_path: Path) -> None:
    rewards = iter([0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 0.55])
    plan = planned(control=True, batch=4)
    async with started(tmp_path, lambda rollout: made_by(rollout, next(rewards)), plan) as start:
        await start.practise()
        attempts = await start.attempts()
        given = [each.reward for each in attempts]
        assert {each.ground_truth for each in attempts} == {None}
        true = [rollout.reward for rollout in start.rollouts.journal.finished.values()]
        assert given != true
        assert sorted(map(float, filter(None, given))) == sorted(filter(None, true))


async def test_a_revision_that_costs_reward_on_the_next_batch_is_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXPLIB_EXPLORATION", "on")

    def harmed(rollout: Rollout) -> Finished:
        return made_by(rollout, 0.1 if "stamp" in rollout.lessons else 0.9)

    async with started(tmp_path, harmed, planned(rollouts=25, batch=4)) as start:
        lesson = "When you send a parcel of Ada, stamp it twice."
        operation = Operation("ADD", "seen once", content=lesson, status="candidate")
        await start.application.store.revisions.commit(
            Proposal(start.library, "one batch", LEARNER, "contrast", (operation,))
        )
        await start.practise()
        [planted] = [
            each
            for each in await start.application.store.revisions.experiences(start.library, retired=True)
            if each.content == lesson
        ]
        assert planted.status == "retired"


async def test_pairs_show_a_gain_or_that_there_is_none(tmp_path: Path) -> None:
    tasks = [PracticeTask(f"h{number}", f"Send parcel {number} of Bo to Graz.", "done") for number in range(8)]
    plan = make_plan(Options("x.py", prove=True, rollouts=2, batch=3, model="m/x", scorer="exact"), "default", tasks)
    helped = "When you send a parcel, weigh it."

    def helps(rollout: Rollout) -> Finished:
        number = int(rollout.task.id[1:])
        return made_by(rollout, 0.5 + 0.05 * number * ("weigh" in rollout.lessons))

    async with started(tmp_path, helps, plan) as start:
        operation = Operation("ADD", "by hand", content=helped, status="active")
        await start.application.store.revisions.commit(Proposal(start.library, "by hand", "me", "person", (operation,)))
        await prove(start.application, start.rollouts, "default")
        assert len(start.engine.made) == 8 * 2 * 2
        library = await start.application.store.libraries.get("default")
        proof = proof_of(plan, start.rollouts.journal, library.settings)
        assert proof is not None
        assert (proof.pairs, proof.complete, proof.sides.revision, proof.verdict) == (16, True, 1, "gain shown")
        assert proof.gain.mean == pytest.approx(0.175)
        assert (await start.application.store.libraries.overview(library)).trajectories == 0
        report = make_report(plan, start.rollouts.journal, library, [], [])
        assert "gain shown: +0.175 (95 % interval" in report_text(report)
        assert report.finished
        await prove(start.application, start.rollouts, "default")
        assert len(start.engine.made) == 32

    async with started(tmp_path, works(0.5), planned(prove=True, run="none")) as start:
        await prove(start.application, start.rollouts, "default")
        found = report_json(make_report(start.rollouts.plan, start.rollouts.journal, start.library, [], []))
        assert isinstance(found, dict)
        assert isinstance(found["proof"], dict)
        assert (found["proof"]["verdict"], found["proof"]["gain"]) == ("no gain shown", 0.0)


def test_pass_at_k_and_pass_all_k_are_without_bias() -> None:
    arm = Arm({"a": [1.0, 0.0, 0.0, 0.0], "b": [1.0, 1.0, 1.0, 1.0]})
    assert arm.mean == pytest.approx(0.625)
    assert arm.pass_at(2) == pytest.approx((0.5 + 1) / 2)
    assert arm.pass_all(2) == pytest.approx((0 + 1) / 2)


@pytest.mark.parametrize(("freedom", "quantile"), [(5, 2.571), (10, 2.228), (19, 2.093), (60, 2.000)])
def test_the_quantiles_are_those_of_the_tables(freedom: int, quantile: float) -> None:
    assert t_quantile(freedom) == pytest.approx(quantile, abs=0.01)


async def test_one_process_at_a_time_goes_on_with_a_run(tmp_path: Path) -> None:
    async with started(tmp_path, works()):
        with pytest.raises(Conflict, match="going on in another process"):
            Journal(tmp_path / planned().run)
    Journal(tmp_path / planned().run).close()


async def test_a_run_is_drawn_and_stands_in_the_history(tmp_path: Path) -> None:
    async with started(tmp_path, works(0.5)) as start:
        await start.practise()
        store, journal = start.application.store, start.rollouts.journal
        report = make_report(start.rollouts.plan, journal, start.library, [], [])
        draw_practice(report, await library_evidence(store, start.library), tmp_path / "run.svg")
        assert "<svg" in (tmp_path / "run.svg").read_text()
        await store.practice.begin(start.library, "run", {})
        [begun] = await store.practice.all(start.library)
        assert practice_line(begun).endswith("practice  not ended")
        await store.practice.end(start.library, "run", report_json(report))
        [ended] = await store.practice.all(start.library)
        assert practice_line(ended).endswith("practice  Mean@3 0.500  1,200 tokens")


def test_a_runs_line_tells_before_and_after_and_the_proof() -> None:
    arm: dict[str, Json] = {"mean": 0.4}
    summary: dict[str, Json] = {
        "rollouts": 5,
        "revisions": [2, 3],
        "batches": [arm, {"mean": 0.7}],
        "proof": {"with": {"mean": 0.9}, "without": arm, "verdict": "gain shown"},
        "cost": {"tokens": 1_000, "usd": 0.5},
        "finished": False,
    }
    line = practice_line(PracticeRun("r", 1, {}, summary, 0.0, 1.0))
    said = (
        "revisions 2 to 3  Mean@5 0.400 → 0.700  held out 0.400 → 0.900 (gain shown)  1,000 tokens, $0.50  not finished"
    )
    assert line.endswith(said)


def test_the_interval_of_a_batch_is_over_its_tasks() -> None:
    share = mean_interval(Arm({str(number): [number / 10] for number in range(8)}))
    assert (share.low, share.mean, share.high) == pytest.approx((0.145, 0.35, 0.555), abs=0.005)
    assert mean_interval(Arm({"a": [0.5]})).low == 0.5
