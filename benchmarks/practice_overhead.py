"""The loop against Inspect alone: the same rollouts of a second and more, wall clock from start to end of the process.

    .venv/bin/python benchmarks/practice_overhead.py [--tasks 40] [--rollouts 5] [--seconds 1]

The order desk with the demo's scripted agent, which waits a second in each rollout. Learning is told apart. On a busy
machine wall clock says little: the seconds of processor time stand beside it.
"""

from __future__ import annotations

import argparse
import os
import resource
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
    seconds = used = 0.0
    async def _learn(self, library):
        started, used = time.monotonic(), time.process_time()
        await super()._learn(library)
        Timed.seconds += time.monotonic() - started
        Timed.used += time.process_time() - used

session.Practice = Timed
from explib_server.cli import app
app(sys.argv[1:], standalone_mode=False)
print(f"learning {{Timed.seconds:.1f}} {{Timed.used:.1f}}")
"""


def processor() -> float:
    """Seconds that the processes started from here have used, once they have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def timed(script: str, *words: str, folder: str) -> tuple[float, float, str]:
    started, used = time.monotonic(), processor()
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
    return time.monotonic() - started, processor() - used, done.stdout


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
        alone, alone_used, _ = timed(ALONE.format(rollouts=chosen.rollouts), task.name, "logs", folder=folder)
        given = ("practice", f"{task}@slow", "--rollouts", str(chosen.rollouts), "--yes")
        ours, ours_used, said = timed(OURS.format(), *given, folder=folder)
    learning, learning_used = map(float, said.rsplit("learning ", 1)[1].split())
    loop, loop_used = ours - learning, ours_used - learning_used
    print(
        f"{chosen.tasks * chosen.rollouts} rollouts of {chosen.seconds:g} s, 10 at a time (processor): "
        f"Inspect alone {alone:.1f} s ({alone_used:.1f}), the loop {loop:.1f} s ({loop_used:.1f}), "
        f"{loop / alone - 1:+.0%}, and {learning:.1f} s ({learning_used:.1f}) of learning"
    )


if __name__ == "__main__":
    main()
