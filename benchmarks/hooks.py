"""A recall hook at a prompt, next to the same interpreter with an empty body: what a prompt of a person waits longer.

    .venv/bin/python benchmarks/hooks.py [--rounds 40] [--size 100]

A B A B, against a running service over a library of `--size` lessons; each prompt is another one. Prints the machine's
load: the promise (p95 at most 60 ms more) is for an idle machine.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from measuring import Spread, keep, parser, show
from seeding import seed, sqlite_url

from explib_server.service.connection import ask

HOOK = (str(Path(sys.executable).with_name("explib")), "hook", "prompt", "--client", "claude-code")
EMPTY = (sys.executable, "-c", "pass")
WARM_SECONDS = 60.0


@contextmanager
def service(folder: Path, size: int) -> Iterator[None]:
    """A service of its own with a seeded library, warm; ended at the end."""
    os.environ |= {"EXPLIB_DATABASE_URL": sqlite_url(folder / "library.db"), "EXPLIB_LIBRARY": "default"}
    os.environ |= {f"XDG_{kind}": str(folder / kind.lower()) for kind in ("DATA_HOME", "STATE_HOME", "RUNTIME_DIR")}
    asyncio.run(seed(os.environ["EXPLIB_DATABASE_URL"], size))
    warm: dict[str, object] = {"event": "prompt", "session": "warm", "library": "default", "cwd": str(folder)}
    if ask("hook", {**warm, "prompt": "the first task of all"}, WARM_SECONDS, start=True) is None:
        raise SystemExit("the service does not answer")
    try:
        yield
    finally:
        ask("control", {"act": "stop"}, WARM_SECONDS, start=False)


def once(command: Sequence[str], number: int) -> tuple[float, bytes]:
    """Seconds that one process takes, and what it prints."""
    prompt = f"Handle order number {number} of the desk."
    fields = {"session_id": f"s{number}", "prompt": prompt, "cwd": str(Path.cwd())}
    began = time.perf_counter()
    done = subprocess.run(command, input=json.dumps(fields).encode(), capture_output=True, check=True)
    return time.perf_counter() - began, done.stdout


def measure(rounds: int) -> tuple[dict[str, list[float]], int]:
    """In turns; the first round, which may read files from the disk, doesn't count; and how many hooks said lessons."""
    found: dict[str, list[float]] = {"empty": [], "hook": []}
    answered = 0
    for number in range(rounds + 1):
        for name, command in (("empty", EMPTY), ("hook", HOOK)):
            seconds, said = once(command, number)
            if number:
                found[name].append(seconds)
                answered += b"explib-lessons" in said
    return found, answered


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--rounds", type=int, default=40)
    options.add_argument("--size", type=int, default=100)
    chosen: argparse.Namespace = options.parse_args()
    with tempfile.TemporaryDirectory() as folder, service(Path(folder), chosen.size):
        found, answered = measure(chosen.rounds)
    spreads = {name: Spread.of(seconds) for name, seconds in found.items()}
    rows: list[list[str | int | float]] = [[name, each.p50, each.p95] for name, each in spreads.items()]
    added = [1000 * (hook - empty) for empty, hook in zip(found["empty"], found["hook"], strict=True)]
    rows.append(["added", statistics.median(added), spreads["hook"].p95 - spreads["empty"].p95])
    load = os.getloadavg()[0]
    title = f"a prompt's hook, {chosen.rounds} pairs, {answered} with lessons, load {load:.1f}; milliseconds"
    show(title, ("command", "p50", "p95"), rows)
    keep(chosen.json, {"milliseconds": {name: [1000 * each for each in seconds] for name, seconds in found.items()}})


if __name__ == "__main__":
    main()
