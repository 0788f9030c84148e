from __future__ import annotations

from pathlib import Path

import pytest

from explib.errors import InvalidInput
from explib_server.practice.announcement import detectable_gain, guess, plan_text
from explib_server.practice.plan import Options, Plan, make_plan
from explib_server.practice.prices import Budget, Spent, read_budget, usd_of
from explib_server.practice.tasks import PracticeTask, held_out_share, kind_of, read_tasks

SUMS = [PracticeTask(f"t{number}", f"What is {number} + 1?", str(number + 1)) for number in range(8)]


def written(folder: Path, text: str, name: str = "tasks.jsonl") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def planned(**options: object) -> Plan:
    options.setdefault("what", str(Path(__file__).parent))
    options.setdefault("agent", "true")
    options.setdefault("scorer", "exact")
    return make_plan(Options(**options), "default", SUMS)  # type: ignore[arg-type]


def test_lines_and_tables_give_the_same_tasks(tmp_path: Path) -> None:
    lines = written(tmp_path, '{"input": "2 + 2?", "target": 4, "id": "a"}\n\n{"input": "3 + 3?"}\n')
    table = written(tmp_path, "id,input,target\na,2 + 2?,4\n,3 + 3?,\n", "tasks.csv")
    assert read_tasks(lines) == read_tasks(table)
    first = read_tasks(lines)[0]
    assert (first.id, first.target) == ("a", "4")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no tasks"),
        ("{", "tasks.jsonl:1: this is no JSON"),
        ('"word"', "each line is an object"),
        ('{"prompt": "2 + 2?"}', "`input` must be the text"),
        ('{"input": "x y", "target": [1]}', "`target` must be one text"),
        ('{"input": "x y", "files": {"../up": "tasks.jsonl"}}', "inside the folder"),
        ('{"input": "x y", "files": {"a": "missing"}}', "a file that exists"),
        ('{"input": "x y", "id": "a"}\n{"input": "z", "id": "a"}', "two tasks have the id a"),
    ],
)
def test_what_is_wrong_with_a_file_of_tasks_is_said(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        read_tasks(written(tmp_path, text))


def test_what_is_named_is_told_by_its_shape(tmp_path: Path) -> None:
    assert kind_of(str(tmp_path)) == "folder"
    assert kind_of(str(written(tmp_path, "{}"))) == "tasks"
    assert kind_of("desk.py@practice") == "inspect"
    with pytest.raises(InvalidInput, match="nothing to practise on"):
        kind_of(str(tmp_path / "missing.txt"))


def test_a_share_is_held_out_the_same_way_each_time() -> None:
    kept, out = held_out_share(SUMS, 0.25)
    assert (len(kept), len(out)) == (6, 2)
    assert held_out_share(list(reversed(SUMS)), 0.25)[1] == list(reversed(out))
    with pytest.raises(InvalidInput, match="leaves one side empty"):
        held_out_share(SUMS[:1], 0.5)


def test_held_out_tasks_that_are_practised_are_refused_unless_forced(tmp_path: Path) -> None:
    same = written(
        tmp_path, '{"input": "what is 1 + 1?  ", "target": "2"}\n{"input": "What is 9 + 9?", "target": "18"}'
    )
    with pytest.raises(InvalidInput, match="1 held-out task are practised too"):
        planned(held_out=str(same))
    assert len(planned(held_out=str(same), force=True).held_out) == 2


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"agent": None}, "is a folder: name the agent"),
        ({"scorer": None}, "Nothing grades"),
        ({"scorer": "guess"}, "no scorer 'guess'"),
        ({"scorer": "python"}, "needs its file"),
        ({"scorer": "exact x"}, "takes nothing more"),
        ({"grade": "./check.sh"}, "name one of them"),
        ({"scorer": "rubric"}, "needs a model that judges"),
        ({"judge": "m/x"}, "is the model of --scorer rubric"),
        ({"scorer": "agreement"}, "name --solver deep too"),
        ({"solver": "deep"}, "a program of its own"),
        ({"solver": "slow", "agent": None, "what": "x.py"}, "There is no solver 'slow'"),
        ({"scorer": "majority", "held_out": "0.5"}, "tells no right from wrong"),
    ],
)
def test_options_that_do_not_go_together_are_refused(options: dict[str, object], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        planned(**options)


def test_who_says_the_rewards_is_told_by_the_scorer() -> None:
    rubric = [PracticeTask("a", "Sing.", rubric="- loud")]
    options = Options("x.py", scorer="rubric", model="m/x")
    assert make_plan(options, "default", rubric).reward_source == "judge"
    assert planned(scorer="agreement", agent=None, what="x.py", solver="deep").reward_source == "inferred"
    assert planned().reward_source == "environment"


def test_tasks_without_targets_need_a_scorer(tmp_path: Path) -> None:
    path = written(tmp_path, "{}")
    with pytest.raises(InvalidInput, match="1 of 1 tasks have no `target`"):
        make_plan(Options(str(path), model="m/x"), "default", [PracticeTask("a", "Sing.")])


def test_the_same_command_is_the_same_run_and_another_is_not() -> None:
    assert planned().run == planned(epochs=3, concurrency=2, budget=Budget(tokens=5)).run
    assert len({planned().run, planned(rollouts=6).run, planned(tasks=3).run, planned(temperature=0.3).run}) == 4
    assert planned(run="again").run == "again"


def test_the_plan_is_said_with_its_cost(tmp_path: Path) -> None:
    options = Options(str(written(tmp_path, "{}")), model="openai/gpt-4o", budget=read_budget("5usd"), held_out="0.5")
    plan = make_plan(options, "default", SUMS)
    text = plan_text(plan, guess(plan, SUMS), done=3)
    for part in ("4 tasks × 5 rollouts", "20 pairs", "graded by number", "3 of 60", "$0.", "at most $5"):
        assert part in text
    assert "not known before" in plan_text(planned(), None, 0)


def test_chains_and_a_judge_are_guessed_too() -> None:
    tasks = [PracticeTask("a", "Sing.", rubric="- loud")]

    def tokens(**options: str) -> int:
        found = guess(make_plan(Options("x.py", model="m/x", **options), "default", tasks), tasks)  # type: ignore[arg-type]
        return found.tokens if found else 0

    assert tokens(solver="deep chains=2 rounds=1") == 6 * tokens()
    assert tokens() < tokens(scorer="rubric") < 3 * tokens()


def test_pairs_show_the_gains_that_were_worked_out_by_simulation() -> None:
    assert detectable_gain(85, 0.5) == pytest.approx(0.2, abs=0.02)
    assert detectable_gain(20, 0.23) == pytest.approx(0.2, abs=0.01)


@pytest.mark.parametrize(
    ("text", "budget"), [("5usd", Budget(usd=5)), ("2 Mtok", Budget(2_000_000)), ("9tok", Budget(9))]
)
def test_a_budget_is_read(text: str, budget: Budget) -> None:
    assert read_budget(text) == budget


@pytest.mark.parametrize("text", ["5", "-1usd", "0tok", "1.2.3usd", "many"])
def test_what_is_no_budget_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="is no budget"):
        read_budget(text)


def test_money_of_unknown_price_is_covered_by_no_budget_in_money() -> None:
    assert usd_of("mockllm/model", 10, 10) is None
    assert usd_of("openai/gpt-4o", 1_000, 100) == pytest.approx(0.0035)
    assert not Budget(usd=5).covers(Spent(10, None))
    assert Budget(tokens=10).covers(Spent(10, None))
    assert (Spent(1, 0.5) + Spent(1, None)).usd is None
