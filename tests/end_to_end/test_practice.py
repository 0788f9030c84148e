"""Practice with its real engine: Inspect in a process of its own, agents as programs, kills between."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import TypedDict

from explib.settings.program import Settings
from explib_server.compose import open_application

AGENT = """
import os, sys, time
home = os.environ["COUNTED"]
with open(f"{home}/begun", "a") as file:
    file.write(os.environ["EXPLIB_TASK_ID"] + "\\n")
task = os.environ["EXPLIB_TASK_ID"]
if task == "dies":
    sys.exit("no key")
if task == "hangs" :
    time.sleep(60)
if os.path.exists("check.sh"):
    sys.exit("the check is in reach")
open("answer", "w").write(task)
print("It is done.")
"""
CHECK = """#!/bin/sh
test "$EXPLIB_TASK_ID" = odd && echo 7 && exit 0
test "$(cat answer)" = "$EXPLIB_TASK_ID"
"""
TASK = """
from inspect_ai import Task, task
from inspect_ai.dataset import Sample
from inspect_ai.model import ModelOutput, ModelUsage, get_model
from inspect_ai.scorer import Score, mean, scorer
from inspect_ai.solver import generate

def said(messages, tools, choice, config):
    if "outage" in messages[-1].text:
        raise RuntimeError("503 for ever")
    output = ModelOutput.from_content("m", "good" if "greet" in messages[-1].text.lower() else "bad")
    output.usage = ModelUsage(input_tokens=9, output_tokens=1, total_tokens=10)
    return output

@scorer(metrics=[mean()])
def half():
    async def score(state, target):
        if "scorer" in state.input_text:
            raise ValueError("no such file")
        return Score(value="C" if state.output.completion == "good" else "I")
    return score

@task
def tried():
    texts = ["Greet Ada.", "Curse Ada.", "Break the scorer.", "Have an outage."]
    samples = [Sample(id=f"s{number}", input=text, target="x") for number, text in enumerate(texts)]
    model = get_model("mockllm/model", custom_outputs=said)
    return Task(samples, solver=generate(), scorer=half(), model=model)
"""

THOUGHT = """
from collections import Counter
from inspect_ai import Task, task
from inspect_ai.dataset import Sample
from inspect_ai.model import ModelOutput, ModelUsage, get_model
from inspect_ai.solver import generate

asked = Counter()

def said(messages, tools, choice, config):
    output = ModelOutput.from_content("m", answer(messages))
    output.usage = ModelUsage(input_tokens=9, output_tokens=1, total_tokens=10)
    return output

def answer(messages):
    text = messages[-1].text
    right = "Answer: 7" in text
    if "points of a rubric" in messages[0].text:
        return f"1: {'yes' if right else 'no'}\\n2: yes, it is short"
    if "Check the answer" in text:
        return "Verdict: " + ("right" if right else "wrong")
    asked[text] += 1
    first_and_wrong = len(messages) == 1 and asked[text] % 3 != 1
    return f"It is so.\\nAnswer: {7 + asked[text] if first_and_wrong else 7}"

@task
def thought():
    samples = [Sample(id="s", input="3 + 4?", metadata={"rubric": "- it says 7\\n- it is short"})]
    return Task(samples, solver=generate(), model=get_model("mockllm/model", custom_outputs=said))
"""


class Batch(TypedDict):
    finished: int
    graded: int
    mean: float


class Report(TypedDict):
    batches: list[Batch]
    broken: int
    ungraded: dict[str, int]


async def practise(folder: Path, *arguments: str) -> tuple[int, Report, str]:
    process = await started(folder, *arguments)
    out, err = await process.communicate()
    return process.returncode or 0, json.loads(out or "null"), err.decode()


async def started(folder: Path, *arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "explib_server", "practice", *arguments, "--yes", "--json"),
        env={**os.environ, "COUNTED": str(folder), "EXPLIB_EMBEDDER": "none"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


def finished(folder: Path) -> list[str]:
    """Keys of the rollouts that are written down."""
    text = "".join(path.read_text() for path in folder.glob("practice/*/journal.jsonl"))
    lines = [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]
    return [line["finished"]["key"] for line in lines if "finished" in line]


async def test_agents_that_hang_or_die_get_no_reward_and_a_kill_makes_nothing_twice(tmp_path: Path) -> None:
    place = tmp_path / "folder"
    place.mkdir()
    (tmp_path / "agent.py").write_text(AGENT)
    (place / "check.sh").write_text(CHECK)
    (place / "check.sh").chmod(0o755)
    tasks = ["one", "two", "odd", "dies", "hangs"]
    lines = (json.dumps({"id": name, "input": f"Write the answer of {name}."}) for name in tasks)
    (place / "tasks.jsonl").write_text("\n".join(lines))
    given = (
        *(str(place), "--agent", f"{sys.executable} {tmp_path / 'agent.py'} {{prompt}}", "--grade", "./check.sh"),
        *("--rollouts", "2", "--concurrency", "1", "--timeout", "1"),
    )
    first = await started(tmp_path, *given)
    async with asyncio.timeout(60):
        while len(finished(tmp_path)) < 2:
            await asyncio.sleep(0.05)
    first.send_signal(signal.SIGKILL)
    await first.wait()
    code, report, err = await practise(tmp_path, *given)
    assert code == 0, err
    keys = finished(tmp_path)
    assert len(keys) == len(set(keys)) == 8  # of ten, two died
    begun = (tmp_path / "begun").read_text().split()
    assert begun.count("one") + begun.count("two") <= 4 + 1  # at most the one under way when it was killed
    assert report["broken"] == 2
    assert report["ungraded"] == {
        "the check printed 7, which is not in the range 0 to 1": 2,
        "the agent: it was not done after 1 s and was stopped": 2,
    }
    assert "it ended with exit code 1: no key" in err
    async with open_application(Settings(embedder="none"), "read") as application:
        overview = await application.store.libraries.overview(await application.library())
        assert (overview.trajectories, overview.graded) == (8, 4)
    assert not any((tmp_path / "practice").rglob("answer")), "no copy of the folder is left"


async def test_an_inspect_task_is_practised_and_its_failures_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "tried.py").write_text(TASK)
    code, report, err = await practise(tmp_path, f"{tmp_path / 'tried.py'}@tried", "--rollouts", "2")
    assert code == 0, err
    [batch] = report["batches"]
    assert (batch["finished"], batch["graded"], batch["mean"]) == (6, 4, 0.5)
    assert report["broken"] == 2
    assert "503 for ever" in err
    [why] = report["ungraded"]
    assert "no such file" in why
    assert len(list((tmp_path / "practice").rglob("logs/*.eval"))) == 1


async def test_chains_refine_to_an_answer_that_a_judge_grades(tmp_path: Path) -> None:
    (tmp_path / "thought.py").write_text(THOUGHT)
    code, report, err = await practise(
        tmp_path, f"{tmp_path / 'thought.py'}@thought", "--rollouts", "2", "--solver", "deep", "--scorer", "rubric"
    )
    assert code == 0, err
    [batch] = report["batches"]
    assert (batch["finished"], batch["graded"], batch["mean"]) == (2, 2, 1.0)
    async with open_application(Settings(embedder="none"), "read") as application:
        library = await application.library()
        [group] = await application.store.groups.with_attempts(library, await application.store.groups.all(library))
    assert {attempt.trajectory.reward_source for attempt in group.attempts} == {"judge"}
    assert {attempt.trajectory.answer for attempt in group.attempts} == {"It is so.\nAnswer: 7"}
