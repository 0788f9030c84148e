"""The loop against Inspect alone: the same rollouts of a second and more, wall clock from start to end of the process.

    .venv/bin/python benchmarks/practice_overhead.py [--tasks 40] [--rollouts 5] [--seconds 1]

The order desk with the demo's scripted agent, which waits a second in each rollout. Learning is told apart.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

TASK = """
import asyncio, os, sys
sys.path.insert(0, {examples!r})
from desk import _sample, points, practice_tasks, scripted_agent
from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset
from inspect_ai.solver import solver

@solver
def waiting():
    async def solve(state, generate):
        await asyncio.sleep({seconds})
        return state
    return solve

@task
def slow():
    samples = [_sample(each) for each in practice_tasks(1, {tasks})]
    return Task(MemoryDataset(samples), solver=[waiting(), scripted_agent()], scorer=points())
"""
ALONE = """
import sys
from inspect_ai import eval
eval(sys.argv[1], model=None, epochs={rollouts}, max_samples=10, log_dir=sys.argv[2], log_realtime=False)
"""
OURS = """
import sys, time
from explib_server.practice import session
from explib_server.practice.loop import Practice

class Timed(Practice):
    seconds = 0.0
    async def _learn(self, library):
        started = time.monotonic()
        await super()._learn(library)
        Timed.seconds += time.monotonic() - started

session.Practice = Timed
from explib_server.cli import app
app(sys.argv[1:], standalone_mode=False)
print(f"learning {{Timed.seconds:.1f}} s")
"""


def timed(script: str, *words: str, folder: str) -> tuple[float, str]:
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", script, *words],
        env={
            **os.environ,
            "INSPECT_DISPLAY": "none",
            "EXPLIB_DATABASE_URL": f"sqlite+aiosqlite:///{folder}/library.db",
            "EXPLIB_LIBRARY": "overhead",
        },
        cwd=folder,
        capture_output=True,
        check=True,
        text=True,
    )
    return time.monotonic() - started, done.stdout


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--tasks", type=int, default=40)
    options.add_argument("--rollouts", type=int, default=5)
    options.add_argument("--seconds", type=float, default=1.0)
    chosen = options.parse_args()
    examples = str(Path(__file__).parents[1] / "examples" / "tools")
    with TemporaryDirectory(prefix="explib-overhead-") as folder:
        task = Path(folder) / "slow.py"
        task.write_text(TASK.format(examples=examples, seconds=chosen.seconds, tasks=chosen.tasks))
        alone, _ = timed(ALONE.format(rollouts=chosen.rollouts), task.name, "logs", folder=folder)
        given = ("practice", f"{task}@slow", "--rollouts", str(chosen.rollouts), "--yes")
        ours, said = timed(OURS.format(), *given, folder=folder)
    learning = float(said.rsplit("learning ", 1)[1].split()[0])
    number = chosen.tasks * chosen.rollouts
    print(
        f"{number} rollouts of {chosen.seconds:g} s, 10 at a time: Inspect alone {alone:.1f} s, the loop "
        f"{ours - learning:.1f} s ({(ours - learning) / alone - 1:+.0%}) and {learning:.1f} s of learning"
    )


if __name__ == "__main__":
    main()
