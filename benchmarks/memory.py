"""Memory of a server over stdio: at rest, and with a library of 10^5 lessons, next to an empty MCPServer.

    .venv/bin/python benchmarks/memory.py [--sizes 0,1000,10000,100000] [--calls 50]

Resident memory in MB as Linux tells it: after tools/list, after `--calls` calls of get_experiences, and the most that
it ever was (the library is read and embedded at the first call).
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from lessons import tasks
from measuring import keep, numbers, parser, show
from seeding import seed, sqlite_url
from wire import FLOOR, OURS, pipe


@dataclass(frozen=True, slots=True)
class Memory:
    """Megabytes."""

    server: str
    listed: float
    called: float
    most: float


async def measure(name: str, command: Sequence[str], url: str, calls: int) -> Memory:
    """One process, from its start."""
    asked = tasks(1)
    async with pipe(command, {"EXPLIB_DATABASE_URL": url, "EXPLIB_SERVICE": "off"}) as server:
        await server.list_tools()
        listed = resident(server.process.pid, "VmRSS")
        for _ in range(calls):
            await server.call(next(asked))
        called, most = (resident(server.process.pid, field) for field in ("VmRSS", "VmHWM"))
    return Memory(name, listed, called, most)


def resident(pid: int | str, field: str) -> float:
    """A field of /proc/PID/status, which is in kB."""
    text = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(text.partition(f"{field}:")[2].split()[0]) / 1024


async def run(chosen: argparse.Namespace) -> list[Memory]:
    """The floor, then a server for each size."""
    with tempfile.TemporaryDirectory() as folder:
        found = [await measure("floor", FLOOR, "", chosen.calls)]
        for size in numbers(chosen.sizes):
            url = sqlite_url(Path(folder) / f"{size}.db")
            await seed(url, size)
            found.append(await measure(f"explib, {size:,} lessons", OURS, url, chosen.calls))
    return found


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--sizes", default="0,1000,10000,100000")
    options.add_argument("--calls", type=int, default=50)
    chosen = options.parse_args()
    found = asyncio.run(run(chosen))
    rows: list[list[str | int | float]] = [[each.server, each.listed, each.called, each.most] for each in found]
    show("resident MB", ("server", "after tools/list", f"after {chosen.calls} calls", "at most"), rows)
    keep(chosen.json, [asdict(each) for each in found])


if __name__ == "__main__":
    main()
