"""Model calls that learning takes for 100 rollouts of practice, epoch by epoch.

    python benchmarks/practice_calls.py [--tasks 20] [--rollouts 5] [--epochs 3] [--batch 20] [--seeds 1] [--names 6]

The order desk's scripted agent attempts the tasks; the learner's model is the scripted endpoint of `learner_cost.py`,
which names so many decisions (`--names`), and then nothing new. A large number is the worst case: each new decision is
also looked for in the attempts of old.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
from collections import Counter
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import learner_cost
from practising import Agent, InProcess, desk_agent, desk_tasks
from pydantic import SecretStr

from explib.settings.program import Settings
from explib_learner.pipeline import Run
from explib_server.compose import open_application
from explib_server.demo.tasks import practice_tasks
from explib_server.practice.journal import Journal
from explib_server.practice.loop import Practice, Progress, Rollouts
from explib_server.practice.plan import Batch, Options, Plan, make_plan

NOTHING = {"contrast": json.dumps({"decisions": []}), "points": json.dumps({"points": []})}
"""What a model says that finds nothing new."""


class Naming(learner_cost.Endpoint):
    """Names so many decisions, and then nothing new."""

    def __init__(self, names: int) -> None:
        super().__init__()
        self._left = names

    def _answer(self, step: str | None, said: str) -> str:
        if step in NOTHING and self._left <= 0:
            return NOTHING[step]
        self._left -= {"contrast": 1, "points": learner_cost.NAMED_AT_ONCE}.get(step or "", 0)
        return super()._answer(step, said)


async def calls_by_epoch(plan: Plan, agent: Agent, folder: Path, names: int) -> Counter[int]:
    """Calls of the learner's model after each epoch's batches."""
    calls, now = Counter[int](), [0]

    def batch(begun: Batch) -> None:
        now[0] = begun.epoch

    def learned(run: Run) -> None:
        calls[now[0]] += run.cost.calls

    async with learner_cost.served(Naming(names)) as url:
        settings = Settings(
            database_url=f"sqlite+aiosqlite:///{folder}/library.db",
            model="m",
            model_base_url=url,
            model_api_key=SecretStr("none"),
            token_budget_per_day=None,
        )
        async with open_application(settings) as application:
            await application.store.libraries.ensure(plan.library, settings.library_defaults())
            with closing(Journal(folder / plan.run)) as journal:

                async def begin() -> InProcess:
                    return InProcess(agent)

                progress = Progress(learned=learned, batch=batch)
                await Practice(application, Rollouts(plan, journal, begin, progress), progress).practise(plan.library)
    return calls


def main() -> None:
    """Practise with each seed and print the calls for 100 rollouts."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    for name, default in (("tasks", 20), ("rollouts", 5), ("epochs", 3), ("batch", 20), ("seeds", 1), ("names", 6)):
        parser.add_argument(f"--{name}", type=int, default=default)
    chosen = parser.parse_args()
    learner_cost.LATENCY_SECONDS = 0.0
    logging.disable(logging.INFO)
    for seed in range(1, chosen.seeds + 1):
        desk = practice_tasks(seed, chosen.tasks)
        options = Options(
            "desk.py@practice", rollouts=chosen.rollouts, epochs=chosen.epochs, batch=chosen.batch, run=f"seed{seed}"
        )
        with TemporaryDirectory(prefix="explib-practice-") as folder:
            calls = asyncio.run(
                calls_by_epoch(
                    make_plan(options, "default", desk_tasks(desk)), desk_agent(desk), Path(folder), chosen.names
                )
            )
        made = chosen.tasks * chosen.rollouts
        told = ", ".join(f"epoch {epoch} {100 * calls[epoch] / made:.0f}" for epoch in range(1, chosen.epochs + 1))
        print(f"seed {seed}: calls for 100 rollouts: {told}", flush=True)


if __name__ == "__main__":
    main()
