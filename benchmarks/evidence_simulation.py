"""What the statistics of evidence reach, measured on simulated tasks with the code that the server runs.

    .venv/bin/python benchmarks/evidence_simulation.py [--quick] [--json FILE] [--only NAME …]

The worlds are described in `simulated/`. Full, it takes about six minutes on one core; `--quick` a minute, with
wider errors. The exit code is 1 where a figure is not reached.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table
from simulated import costs, forgery, libraries, policy, single, through_tools
from simulated.figures import Figure

PARTS: dict[str, tuple[Callable[[int], list[Figure]], int, int]] = {
    "nothing": (single.nothing_helps, 1_000, 200),
    "accuracy": (single.accuracy, 60, 20),
    "trials": (single.trials, 500, 100),
    "settled": (libraries.settled, 20, 4),
    "arriving": (libraries.arriving, 20, 4),
    "forgery": (forgery.forgers, 200, 20),
    "policy": (policy.regimes, 40, 8),
    "turning": (policy.turning, 40, 8),
    "memory": (costs.in_memory, 2_000, 300),
    "costs": (lambda rewards: asyncio.run(costs.through_the_store(rewards)), 1_000, 200),
    "records": (lambda retrievals: asyncio.run(costs.of_records(retrievals)), 8_000, 2_000),
    "tools": (lambda tasks: asyncio.run(through_tools.library_over_mcp(tasks)), 1_000, 150),
}
"""Name → what measures it, and how many runs (rewards, tasks) in full and quick."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of the runs")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), metavar="NAME", help=", ".join(PARTS))
    arguments = parser.parse_args()
    figures: list[Figure] = []
    for name in arguments.only:
        measure, full, quick = PARTS[name]
        started = time.perf_counter()
        figures += measure(quick if arguments.quick else full)
        print(f"{name}: {time.perf_counter() - started:.0f} s", file=sys.stderr)
    Console().print(_table(figures))
    if arguments.json:
        told = [{**asdict(each), "reached": each.reached} for each in figures]
        arguments.json.write_text(json.dumps(told, indent=2) + "\n")
    sys.exit(any(each.reached is False for each in figures))


def _table(figures: list[Figure]) -> Table:
    table = Table(title="Evidence, simulated", title_justify="left")
    table.add_column("figure", ratio=1)
    table.add_column("measured", justify="right")
    table.add_column("bound", justify="right")
    table.add_column("")
    for each in figures:
        mark = {True: "reached", False: "NOT REACHED", None: ""}[each.reached]
        named = f"{each.name} [dim]({each.note})[/dim]" if each.note else each.name
        table.add_row(named, f"{each.measured:.4g}", each.bound, mark)
    return table


if __name__ == "__main__":
    main()
