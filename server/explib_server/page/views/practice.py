"""Runs of practice as their folders tell of them: the mean reward batch by batch, what they cost, what a proof showed.

They may go on in another process meanwhile: they are read without their lock, but for a line that is not whole yet.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import sqrt
from pathlib import Path
from statistics import fmean, stdev
from typing import TypedDict

from explib.models.libraries import Library, LibrarySettings
from explib_server.application import Application
from explib_server.page.ask import Fields

SHOWN_RUNS = 5
FEWEST_TASKS = 6
"""Graded tasks of a batch from which on its mean has an interval."""
PRACTICE, PROOF = "practice:", "proof:"
"""How the names of rollouts begin that are learned from, and of those that prove."""
WHOLE = ["with", "without"]
"""The sides of a proof of the whole library; other proofs name a lesson, or another library."""


class Plan(TypedDict):
    """What `run.json` says of a run, as far as it is shown."""

    run: str
    library: str
    what: str
    tasks: list[str]
    agent: str | None
    model: str | None
    control: bool
    rollouts: int
    epochs: int
    batch: int


@dataclass(frozen=True, slots=True)
class Made:
    """What the journal of a run says, as far as it is shown."""

    rewards: Mapping[tuple[int, str], Sequence[float]]
    """Epoch and task → rewards of its rollouts."""
    proved: int
    """Finished rollouts of a proof."""
    tokens: int
    usd: float | None
    """None: some of it has no known price."""


async def runs(application: Application, library: Library) -> list[Fields]:
    """The newest runs in this library, newest first."""
    from explib_server.practice.journal import runs_folder

    folder = runs_folder(application.settings.database_url)
    return await asyncio.to_thread(_runs, folder, library.name, library.settings)


async def newest_proof(application: Application, library: Library) -> object:
    """The newest of what the library does as a whole; None where there is none."""
    found = (run["proof"] for run in await runs(application, library) if not run["control"])
    return next((proof for proof in found if isinstance(proof, dict) and proof["sides"] == WHOLE), None)


def _runs(folder: Path, library: str, settings: LibrarySettings) -> list[Fields]:
    plans = sorted(folder.glob("*/run.json"), key=lambda file: file.stat().st_mtime, reverse=True)
    read = ((file, json.loads(file.read_text(encoding="utf-8"))) for file in plans)
    mine = [(file, plan) for file, plan in read if plan["library"] == library]
    return [_run(file.parent, file.stat().st_mtime, plan, settings) for file, plan in mine[:SHOWN_RUNS]]


def _run(folder: Path, at: float, plan: Plan, settings: LibrarySettings) -> Fields:
    journal, report = folder / "journal.jsonl", folder / "report.json"
    made = _made(journal, journal.stat().st_size)
    told = json.loads(report.read_text(encoding="utf-8")) if report.exists() else {}
    proof = told.get("proof")
    return {
        "run": plan["run"],
        "at": at,
        "what": plan["what"],
        "by": plan["agent"] or plan["model"] or "",
        "control": plan["control"],
        "batches": list(_batches(made, plan, settings)),
        "proved": made.proved,
        "proof": proof and {"sides": WHOLE, **proof, "effect": _effect(proof, settings)},
        "finished": bool(told.get("finished")),
        "tokens": made.tokens,
        "usd": made.usd,
    }


def _effect(proof: Mapping[str, float], settings: LibrarySettings) -> Fields:
    """What a proof shows, as a share of the reward's range."""
    mean, low, high = (proof[name] / settings.reward_width for name in ("gain", "low", "high"))
    return {"mean": mean, "low": low, "high": high, "source": "measured"}


def _batches(made: Made, plan: Plan, settings: LibrarySettings) -> Iterator[Fields]:
    """The begun ones, in order; each task counts alike, however often it was attempted."""
    tasks, size = plan["tasks"], plan["batch"]
    for epoch in range(1, plan["epochs"] + 1):
        for number, start in enumerate(range(0, len(tasks), size), 1):
            batch = tasks[start : start + size]
            found = [made.rewards[epoch, task] for task in batch if (epoch, task) in made.rewards]
            if found:
                means = [fmean(rewards) for rewards in found]
                yield {
                    "epoch": epoch,
                    "batch": number,
                    "graded": sum(map(len, found)),
                    "planned": len(batch) * plan["rollouts"],
                    **_interval(means, settings),
                }


def _interval(means: Sequence[float], settings: LibrarySettings) -> Fields:
    """Mean and 95 % interval over tasks; without one where they are few."""
    from explib_server.practice.proof import t_quantile

    mean = fmean(means)
    if len(means) < FEWEST_TASKS:
        return {"mean": mean, "low": None, "high": None}
    half = t_quantile(len(means) - 1) * stdev(means) / sqrt(len(means))
    return {"mean": mean, "low": max(mean - half, settings.reward_min), "high": min(mean + half, settings.reward_max)}


@lru_cache(maxsize=2 * SHOWN_RUNS)
def _made(journal: Path, size: int) -> Made:
    """The journal's first `size` bytes, without a last line that is not whole."""
    with journal.open("rb") as file:
        lines = [json.loads(line) for line in file.read(size).splitlines(keepends=True) if line.endswith(b"\n")]
    rollouts = [line["finished"] for line in lines if "finished" in line]
    learned = [line for line in lines if "learned" in line]
    rewards: dict[tuple[int, str], list[float]] = {}
    for rollout in rollouts:
        if rollout["key"].startswith(PRACTICE) and rollout["reward"] is not None:
            epoch = int(rollout["key"].rsplit(":", 2)[1])
            rewards.setdefault((epoch, rollout["task_id"]), []).append(rollout["reward"])
    prices = [each["usd"] for each in (*rollouts, *learned)]
    return Made(
        rewards,
        sum(rollout["key"].startswith(PROOF) for rollout in rollouts),
        sum(each["tokens_in"] + each["tokens_out"] for each in rollouts) + sum(each["learned"] for each in learned),
        None if None in prices else sum(prices),
    )
