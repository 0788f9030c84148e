"""Kill `explib practice` (SIGKILL) in the middle, again and again; the same command goes on. What was bought twice?

    .venv/bin/python benchmarks/practice_kills.py [KILLS] [--seed 1]

The order desk with the demo's scripted agent under Inspect, learned from by a scripted model over HTTP. Each start is
killed after a random number of lines more in its journal (rollouts finished, stored, learning paid), then a random part
of a second later; the run has an epoch for each kill, and one more where it ends before. What was under way at a kill
(an agent's rollout, a request to the model) may be made again; what was finished may not.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import sys
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from end_to_end.served_rounds import reply
from learner.scripted_endpoint import Asked, Reply, endpoint

from explib.settings.program import Settings
from explib.storage.maintenance.check import check
from explib_server.compose import open_application

DESK = Path(__file__).parents[1] / "examples" / "tools" / "desk.py"
MOST_LINES, LONGEST_WAIT = 80, 0.6
"""Lines and seconds after which a start is killed, at most."""
UNDER_WAY_SECONDS = 0.5
"""A request so shortly before a kill may not have been stored."""


@dataclass(slots=True)
class Asking:
    """What the model was asked, and when."""

    first: dict[str, float] = field(default_factory=dict)
    kills: list[float] = field(default_factory=list)
    asked: int = 0
    again: int = 0
    """Requests that had been asked before, and not just before a kill."""
    under_way: int = 0

    def script(self, asked: Asked) -> Reply:
        """The scripted model's answer, counted."""
        body, now = json.dumps(asked, sort_keys=True), time.monotonic()
        self.asked += 1
        before = self.first.get(body)
        if before is not None:
            cut = any(0 <= kill - before < UNDER_WAY_SECONDS for kill in self.kills)
            self.under_way += cut
            self.again += not cut
        self.first[body] = now
        return reply(asked)


async def one_start(folder: Path, model: str, epochs: int, dice: random.Random) -> bool:
    """Start the command and kill it in the middle; False where it ended before."""
    journal = folder / "practice" / "kills" / "journal.jsonl"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "explib_server", "practice", f"{DESK}@practice", "--run", "kills", "--yes", "--json"),
        *("--epochs", str(epochs)),
        env={
            **os.environ,
            "EXPLIB_DATABASE_URL": f"sqlite+aiosqlite:///{folder}/library.db",
            "EXPLIB_LIBRARY": "kills",
            "EXPLIB_ANALYST": "model",
            "EXPLIB_MODEL": "scripted",
            "EXPLIB_MODEL_BASE_URL": model,
            "EXPLIB_MODEL_API_KEY": "none",
            "EXPLIB_LEASE_SECONDS": "1",
        },
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    ended = asyncio.create_task(process.wait())
    wanted = lines(journal) + dice.randint(1, MOST_LINES)
    while not ended.done() and lines(journal) < wanted:
        await asyncio.wait([ended], timeout=0.02)
    await asyncio.wait([ended], timeout=dice.random() * LONGEST_WAIT)
    killed = not ended.done()
    with suppress(ProcessLookupError):
        process.kill()
    await ended
    return killed


def lines(journal: Path) -> int:
    """Whole lines of the journal."""
    return journal.read_bytes().count(b"\n") if journal.exists() else 0


async def play(kills: int, seed: int, folder: Path) -> None:
    dice, asking, epochs, started = random.Random(seed), Asking(), kills, time.monotonic()
    async with endpoint(asking.script) as model:
        while len(asking.kills) < kills:
            if await one_start(folder, model.url, epochs, dice):
                asking.kills.append(time.monotonic())
            else:
                epochs += 1
            print(f"{len(asking.kills)} kills, epoch {epochs}, {asking.asked} model calls", file=sys.stderr, flush=True)
    written = (folder / "practice" / "kills" / "journal.jsonl").read_text().splitlines()
    finished = Counter(line["finished"]["key"] for line in map(json.loads, written) if "finished" in line)
    async with open_application(
        Settings(database_url=f"sqlite+aiosqlite:///{folder}/library.db", embedder="none"), "read"
    ) as application:
        overview = await application.store.libraries.overview(await application.library("kills"))
        defects = await check(application.store.database)
    print(
        f"{kills} kills in {time.monotonic() - started:.0f} s: {len(finished)} rollouts finished, "
        f"{finished.total() - len(finished)} of them made twice; {overview.trajectories} attempts stored; "
        f"{asking.asked} model calls, {asking.again} answered ones asked again ({asking.under_way} under way at a "
        f"kill were); defects: {defects or 'none'}"
    )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("kills", type=int, nargs="?", default=50)
    options.add_argument("--seed", type=int, default=1)
    chosen = options.parse_args()
    with TemporaryDirectory(prefix="explib-kills-") as folder:
        asyncio.run(play(chosen.kills, chosen.seed, Path(folder)))


if __name__ == "__main__":
    main()
