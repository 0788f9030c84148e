"""Practice on the order desk, run by run: the gain on its held-out tasks, and that of the control on shuffled rewards.

    python benchmarks/practice.py [RUNS] [--first SEED] [--inspect]

Each run is 20 tasks × 5 with the demo's scripted agent and other orders, then 40 × 5 pairs; by the loop itself, or with
`--inspect` as the command `explib practice` with everything around it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from practising import desk_agent, desk_tasks, rollouts_of

from explib_server.demo.tasks import held_out_tasks, practice_tasks
from explib_server.practice.loop import Practice, Progress
from explib_server.practice.plan import Options, make_plan
from explib_server.practice.proof import proof_of, prove

DESK = Path(__file__).parents[1] / "examples" / "tools" / "desk.py"
Result = tuple[str, float, float, float]
"""The verdict, the gain and its interval."""


def by_command(seed: int, folder: str, *, control: bool) -> Result:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "explib_server", "practice", f"{DESK}@practice"),
            *("--held-out", f"{DESK}@held_out", "--run", f"seed{seed}{control}", "--yes", "--json"),
            *(["--control"] if control else []),
        ],
        env={
            **os.environ,
            "DESK_SEED": str(seed),
            "EXPLIB_DATABASE_URL": f"sqlite+aiosqlite:///{folder}/library.db",
            "EXPLIB_LIBRARY": f"seed{seed}",
        },
        capture_output=True,
        check=True,
    )
    proof = json.loads(done.stdout)["proof"]
    return proof["verdict"], proof["gain"], proof["low"], proof["high"]


async def by_loop(seed: int, folder: str, *, control: bool) -> Result:
    practised, held_out = practice_tasks(seed, 20), held_out_tasks(seed, 40)
    options = Options(f"{DESK}@practice", held_out=f"{DESK}@held_out", control=control, run=f"seed{seed}")
    plan = make_plan(options, "default", desk_tasks(practised), desk_tasks(held_out))
    async with rollouts_of(Path(folder), plan, desk_agent([*practised, *held_out])) as (application, rollouts):
        await Practice(application, rollouts, Progress()).practise(plan.library)
        await prove(application, rollouts, plan.library)
        library = await application.store.libraries.get(plan.library)
        proof = proof_of(plan, rollouts.journal, library.settings)
    if proof is None:
        raise SystemExit("no pair was made")
    return proof.verdict, proof.gain.mean, proof.gain.low, proof.gain.high


def run(seed: int, *, control: bool, inspect: bool) -> Result:
    started = time.monotonic()
    with TemporaryDirectory(prefix="explib-practice-") as folder:
        found = (
            by_command(seed, folder, control=control)
            if inspect
            else asyncio.run(by_loop(seed, folder, control=control))
        )
    verdict, gain, low, high = found
    print(
        f"seed {seed}{' control' if control else ''}: {verdict}, {gain:+.3f} ({low:+.3f} to {high:+.3f}), "
        f"{time.monotonic() - started:.0f} s",
        flush=True,
    )
    return found


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("runs", type=int, nargs="?", default=3)
    options.add_argument("--first", type=int, default=1, help="the first seed")
    options.add_argument("--inspect", action="store_true")
    chosen = options.parse_args()
    seeds = range(chosen.first, chosen.first + chosen.runs)
    found = [[run(seed, control=control, inspect=chosen.inspect) for control in (False, True)] for seed in seeds]
    shown = [sum(verdict == "gain shown" for verdict, *_ in each) for each in zip(*found, strict=True)]
    print(f"a gain is shown in {shown[0]} of {chosen.runs} runs, of the controls in {shown[1]} of {chosen.runs}")


if __name__ == "__main__":
    main()
