"""Memory of `explib import` while it stores many attempts, over that of a command that imports none.

    .venv/bin/python benchmarks/import_memory.py [--sizes 1000,100000] [--kills 12]

The most resident memory (VmHWM) of each process as Linux tells it, and attempts a second. The logs are made under the
folder for temporary files: conversations of four messages, about 0.9 kB each, five to a group. With `--kills`, the
import of the last size is killed (SIGKILL) that often at random places, started again each time, and what was lost or
doubled is counted, in the attempts and in the groups that count them.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

from measuring import keep, numbers, parser, show
from seeding import sqlite_url

EXPLIB = Path(sys.executable).with_name("explib")
ATTEMPTS = "count(*) FROM trajectories"


@dataclass(frozen=True, slots=True)
class Import:
    """One import: attempts, megabytes at the most, those over the empty process, attempts a second."""

    attempts: int
    most: float
    over: float
    per_second: float


def attempts(number: int) -> Iterator[str]:
    """Lines of a log."""
    for place in range(number):
        crate = place // 5
        call = {
            "id": "c1",
            "type": "function",
            "function": {"name": "weigh", "arguments": json.dumps({"crate": crate})},
        }
        messages = [
            {"role": "user", "content": f"Weigh crate {crate} and say how heavy it is, in kg. " + "detail " * 20},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c1", "content": f"{crate % 97} kg " + "noise " * 50},
            {"role": "assistant", "content": f"It weighs {crate % 97} kg, attempt {place}."},
        ]
        yield json.dumps({"group": f"g{crate}", "messages": messages, "reward": float(place % 2)}) + "\n"


def started(database: Path, number: int) -> subprocess.Popen[bytes]:
    """An import of so many attempts into a database; for none the command that makes a library."""
    log = database.with_suffix(".jsonl")
    if not log.exists():
        with log.open("w", encoding="utf-8") as file:
            file.writelines(attempts(number))
    environment = {**os.environ, "EXPLIB_DATABASE_URL": sqlite_url(database)}
    command = [EXPLIB, "import", str(log)] if number else [EXPLIB, "libraries", "create", "empty"]
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)


def measure(folder: Path, number: int) -> tuple[float, float]:
    """Megabytes at the most, and seconds, of an import of so many attempts."""
    began, most = time.monotonic(), 0
    with started(folder / f"{number}.db", number) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        most = usage.ru_maxrss
    if process.returncode:
        raise SystemExit(f"the import of {number:,} attempts failed")
    return most / 1024, time.monotonic() - began


def run(chosen: argparse.Namespace) -> list[Import]:
    """The empty process, then an import of each size."""
    with tempfile.TemporaryDirectory() as folder:
        floor, _ = measure(Path(folder), 0)
        found = [Import(0, floor, 0.0, 0.0)]
        for number in numbers(chosen.sizes):
            most, seconds = measure(Path(folder), number)
            found.append(Import(number, most, most - floor, number / seconds))
    return found


def counted(database: Path, what: str) -> int:
    """A count in the database; 0 while there is no table."""
    try:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
            return int(connection.execute(f"SELECT {what}").fetchone()[0] or 0)
    except sqlite3.OperationalError:
        return 0


def killed(number: int, kills: int) -> tuple[int, int, int]:
    """Attempts lost, stored twice, and miscounted in their groups, after an import that was killed so often."""
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "killed.db"
        for place in sorted(random.Random(kills).sample(range(number), kills)):
            with started(database, number) as process:
                while process.poll() is None and counted(database, ATTEMPTS) <= place:
                    time.sleep(0.01)
                process.kill()
        with started(database, number) as process:
            if process.wait():
                raise SystemExit("the last import failed")
        attempts, distinct = counted(database, ATTEMPTS), counted(database, "count(DISTINCT answer) FROM trajectories")
        return number - distinct, attempts - distinct, counted(database, "sum(size) FROM groups") - attempts


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--sizes", default="1000,100000")
    arguments.add_argument("--kills", type=int, default=0)
    chosen = arguments.parse_args()
    if chosen.kills:
        number = numbers(chosen.sizes)[-1]
        outcome = killed(number, chosen.kills)
        show(f"{number:,} attempts, {chosen.kills} kills", ("lost", "doubled", "miscounted"), [outcome])
        keep(chosen.json, dict(zip(("lost", "doubled", "miscounted"), outcome, strict=True)))
        sys.exit(any(outcome))
    found = run(chosen)
    heads = ("attempts", "MB at most", "MB over the empty process", "attempts a second")
    show("explib import", heads, [(each.attempts, each.most, each.over, each.per_second) for each in found])
    keep(chosen.json, [asdict(each) for each in found])


if __name__ == "__main__":
    main()
