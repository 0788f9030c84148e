"""What a change by a person costs in a small and in a large library: add_experience through the tool.

    .venv/bin/python benchmarks/adding.py [--sizes 100,10000] [--engine postgresql] [--adds 60] [--json FILE]

A client of the SDK, in the server's process, adds one lesson after the other; the first tenth isn't counted. The floor
is an empty tool of the same SDK. `growth` is the median against that of the smallest library.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import time
from itertools import islice

from empty_server import empty_server
from engines import ENGINES, databases
from lessons import lessons
from mcp import Client
from measuring import Spread, keep, numbers, parser, show
from seeding import seed

from explib.settings.library import LibraryChanges
from explib.settings.program import Settings
from explib.storage.store import open_store
from explib_server.mcp.server import build_server

COLUMNS = ("lessons", "p50 ms", "p95 ms", "growth")


async def timed(client: Client, tool: str, arguments: list[dict[str, object]]) -> Spread:
    """How long the calls took, without the first tenth of them."""
    seconds = []
    for each in arguments:
        started = time.perf_counter()
        answer = await client.call_tool(tool, each)
        seconds.append(time.perf_counter() - started)
        if answer.is_error:
            raise SystemExit(f"{tool} failed: {answer.content}")
    return Spread.of(seconds[len(seconds) // 10 :])


async def adding(url: str, size: int, adds: int) -> Spread:
    """Lessons are added to a library of that size."""
    await seed(url, size)
    async with open_store(url) as store:
        library = await store.libraries.get("default")
        await store.libraries.change(library, LibraryChanges(max_experiences=size + adds), "benchmark")
    os.environ["EXPLIB_DATABASE_URL"] = url
    contents = [
        f"{lesson} Then note it as number {number}." for number, lesson in enumerate(islice(lessons(adds), adds))
    ]
    async with Client(build_server(Settings(), "off", "all")) as client:
        await client.call_tool("get_experiences", {"task": contents[0]})
        return await timed(client, "add_experience", [{"content": each} for each in contents])


async def floor(calls: int) -> Spread:
    """The empty tool."""
    async with Client(empty_server()) as client:
        return await timed(client, "get_experiences", [{"task": str(number)} for number in range(calls)])


def run(chosen: argparse.Namespace) -> list[list[str | float]]:
    """A row for each size, the floor first."""
    empty = asyncio.run(floor(chosen.adds))
    rows: list[list[str | float]] = [["empty tool", empty.p50, empty.p95, 0.0]]
    with databases(chosen.engine) as opened:
        for size in numbers(chosen.sizes):
            with opened(size) as url:
                spread = asyncio.run(adding(url, size, chosen.adds))
            smallest = rows[1][1] if len(rows) > 1 else spread.p50
            rows.append([str(size), spread.p50, spread.p95, spread.p50 / float(smallest)])
    return rows


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--sizes", default="100,10000")
    options.add_argument("--engine", choices=ENGINES, default="sqlite")
    options.add_argument("--adds", type=int, default=60)
    chosen = options.parse_args()
    rows = run(chosen)
    show(f"add_experience on {chosen.engine}", COLUMNS, rows)
    keep(chosen.json, rows)


if __name__ == "__main__":
    main()
