"""One lesson that costs .10 among 20: found by halves and complements? And how often is another one suspected?

    python benchmarks/practice_halves.py [RUNS] [--rollouts 400] [--helps 0.03] [--first SEED]

The other 19 help by .03 each, or by what is named. A reward is the share of five checks that are passed; tasks differ
in difficulty. The real storage, loop, evidence and life cycle, over an agent in this process.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import re
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from practising import Agent, rollouts_of

from explib.models.revisions import Operation
from explib.storage.revisions.proposal import Proposal
from explib_server.practice.halves import found_of, make_halves
from explib_server.practice.plan import Options, make_plan
from explib_server.practice.protocol import Finished, Rollout
from explib_server.practice.tasks import PracticeTask

LESSONS, CHECKS, TASKS = 20, 5, 40
COSTS = 0.1
EASIEST, HARDEST = 0.4, 0.2
"""Chance of each check without any lesson."""


def agent_of(seed: int, helps: float) -> Agent:
    """An agent that passes each check with a chance that its lessons move."""
    dice = random.Random(seed)

    def does(rollout: Rollout) -> Finished:
        told = re.findall(r"^\[(e\d+)\]", rollout.lessons, re.MULTILINE)
        number = int(rollout.task.id[1:])
        easy = HARDEST + (EASIEST - HARDEST) * number / (TASKS - 1)
        chance = min(max(easy + sum(-COSTS if each == "e1" else helps for each in told), 0.0), 1.0)
        passed = sum(dice.random() < chance for _ in range(CHECKS))
        return Finished(rollout.key, rollout.task.id, [], "done", passed / CHECKS)

    return does


async def run(seed: int, rollouts: int, helps: float) -> tuple[bool, int, int]:
    """Whether the lesson that costs is suspected; how many others are; which of these are retired."""
    tasks = [PracticeTask(f"t{number}", f"Send parcel {number} to Graz.", "done") for number in range(TASKS)]
    options = Options("x.py", prove=True, model="m/x", scorer="exact", halves=rollouts, batch=100, run=f"seed{seed}")
    plan = make_plan(options, "default", tasks)
    with TemporaryDirectory(prefix="explib-halves-") as folder:
        async with rollouts_of(Path(folder), plan, agent_of(seed, helps)) as (application, made):
            library = await application.store.libraries.get(plan.library)
            operations = tuple(
                Operation("ADD", "by hand", content=f"When you send a parcel, do step {number}.", status="active")
                for number in range(LESSONS)
            )
            await application.store.revisions.commit(Proposal(library, "by hand", "bench", "person", operations))
            await make_halves(application, made, plan.library)
            library = await application.store.libraries.get(plan.library)
            found = found_of(plan, made.journal, library.settings)
            kept = {each.id for each in await application.store.revisions.experiences(library)}
    suspects = set(found.suspects) if found is not None else set()
    others = {f"e{number}" for number in range(2, LESSONS + 1)}
    return "e1" in suspects and "e1" not in kept, len(suspects & others), len(others - kept)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("runs", type=int, nargs="?", default=20)
    options.add_argument("--rollouts", type=int, default=400)
    options.add_argument("--helps", type=float, default=0.03, help="what each of the others is worth")
    options.add_argument("--first", type=int, default=1, help="the first seed")
    chosen = options.parse_args()
    started = time.monotonic()
    seeds = range(chosen.first, chosen.first + chosen.runs)
    found = [asyncio.run(run(seed, chosen.rollouts, chosen.helps)) for seed in seeds]
    caught, suspected, retired = (sum(part) for part in zip(*found, strict=True))
    print(
        f"{chosen.rollouts} rollouts: the lesson that costs {COSTS:.2f} is under suspicion and retired in {caught} of "
        f"{chosen.runs} runs; of {chosen.runs * (LESSONS - 1)} that help by {chosen.helps:.2f}, {suspected} are "
        f"suspected and {retired} retired ({time.monotonic() - started:.0f} s)"
    )


if __name__ == "__main__":
    main()
