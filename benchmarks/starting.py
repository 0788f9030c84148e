"""From the start of the process to the first tools/list, next to an empty MCPServer; and to the first get_experiences.

    .venv/bin/python benchmarks/starting.py [--rounds 10] [--size 1000]

A B A B. Both are asked as the SDK's client does it: server/discover, then tools/list. `first call` goes on from there
with get_experiences, for which ours opens the database, loads the embedder and reads a library of `--size` lessons.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from measuring import keep, parser, show
from seeding import seed, sqlite_url
from wire import FLOOR, OURS, pipe


@dataclass(frozen=True, slots=True)
class Start:
    """Seconds from the start of the process."""

    listed: float
    called: float


async def start(command: Sequence[str], url: str) -> Start:
    """One process, started, asked and ended."""
    began = time.perf_counter()
    async with pipe(command, {"EXPLIB_DATABASE_URL": url}) as server:
        await server.discover()
        await server.list_tools()
        listed = time.perf_counter() - began
        await server.call("the first task")
        return Start(listed, time.perf_counter() - began)


async def run(chosen: argparse.Namespace) -> dict[str, list[Start]]:
    """In turns; the first round, which may read files from the disk, doesn't count."""
    with tempfile.TemporaryDirectory() as folder:
        url = sqlite_url(Path(folder) / "library.db")
        await seed(url, chosen.size)
        found: dict[str, list[Start]] = {"floor": [], "explib": []}
        for counted in [False, *[True] * chosen.rounds]:
            for name, command in (("floor", FLOOR), ("explib", OURS)):
                one = await start(command, url)
                if counted:
                    found[name].append(one)
    return found


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--rounds", type=int, default=10)
    options.add_argument("--size", type=int, default=1000)
    chosen = options.parse_args()
    found = asyncio.run(run(chosen))
    rows: list[list[str | int | float]] = []
    for what in ("listed", "called"):
        floor, ours = ([getattr(each, what) for each in found[name]] for name in ("floor", "explib"))
        ratio = statistics.median(b / a for a, b in zip(floor, ours, strict=True))
        title = "first tools/list" if what == "listed" else "first call"
        rows.append([title, statistics.median(floor), min(floor), statistics.median(ours), min(ours), ratio])
    heads = ("seconds to the", "floor p50", "floor min", "explib p50", "explib min", "ratio of pairs")
    show(f"start, {chosen.rounds} pairs", heads, rows)
    keep(chosen.json, {name: [asdict(each) for each in starts] for name, starts in found.items()})


if __name__ == "__main__":
    main()
