"""From the start of `explib serve` to the first tools/list and the first get_experiences, next to an empty MCPServer.

    .venv/bin/python benchmarks/starting.py [--rounds 10] [--size 1000] [--killed 30]

In turns: `floor`; `alone` (EXPLIB_SERVICE=off); `cold` (no service runs, and the answers to the opening requests are
kept from an earlier one); `running` (a service runs). All are asked as the SDK's client does it: server/discover, then
tools/list, then get_experiences, for which ours opens the database, loads the embedder and reads a library of `--size`
lessons. Then the memory of a further client, and what `--killed` clients that are killed together leave.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

from measuring import keep, parser, show
from memory import resident
from seeding import seed, sqlite_url
from wire import FLOOR, OURS, pipe

from explib_server.service.connection import ask

KINDS = ("floor", "alone", "cold", "running")
PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Start:
    """Seconds from the start of the process."""

    listed: float
    called: float


async def start(command: Sequence[str], env: Mapping[str, str]) -> Start:
    """One process, started, asked and ended."""
    began = time.perf_counter()
    async with pipe(command, env) as server:
        await server.discover()
        await server.list_tools()
        listed = time.perf_counter() - began
        await server.call("the first task")
        return Start(listed, time.perf_counter() - began)


async def one(kind: str) -> Start:
    """One start of a kind. Afterwards a service runs only where it was to run."""
    if kind == "floor":
        return await start(FLOOR, {})
    if kind == "alone":
        return await start(OURS, {"EXPLIB_SERVICE": "off"})
    if kind == "cold":
        await stopped()
    return await start(OURS, {})


async def stopped() -> None:
    """No service runs any more."""
    until = time.monotonic() + PATIENCE
    while await asyncio.to_thread(ask, "control", {"act": "stop"}, PATIENCE, start=False) is not None:
        if time.monotonic() > until:
            raise TimeoutError("the service does not stop")
        await asyncio.sleep(0.05)


async def compared(rounds: int) -> dict[str, list[Start]]:
    """In turns; the first round, which reads files from the disk and has the answers kept, doesn't count."""
    found: dict[str, list[Start]] = {kind: [] for kind in KINDS}
    for counted in [False, *[True] * rounds]:
        for kind in KINDS:
            measured = await one(kind)
            if counted:
                found[kind].append(measured)
        if not counted:
            await asyncio.sleep(2)  # until the answers are kept
    return found


async def together(clients: int) -> tuple[float, int]:
    """Megabytes of a further client's process, and how many clients the service still has once all were killed."""
    async with AsyncExitStack() as opened:
        pipes = [await opened.enter_async_context(pipe(OURS, {})) for _ in range(clients)]
        for each in pipes:
            await each.call("a task")
        memory = statistics.median(resident(each.process.pid, "VmRSS") for each in pipes)
        for each in pipes:
            os.kill(each.process.pid, signal.SIGKILL)
            await each.process.wait()
    left, until = clients, time.monotonic() + PATIENCE
    while left and time.monotonic() < until:
        standing = await asyncio.to_thread(ask, "control", {}, PATIENCE, start=False)
        attached = [] if standing is None else standing["clients"]
        left = len(attached) if isinstance(attached, list) else 0
    return memory, left


async def run(chosen: argparse.Namespace) -> tuple[dict[str, list[Start]], tuple[float, int]]:
    """Everything, with a database, a cache and a service of its own, which has ended at the end."""
    with tempfile.TemporaryDirectory() as folder:
        url = sqlite_url(Path(folder) / "library.db")
        for name in ("XDG_RUNTIME_DIR", "XDG_CACHE_HOME", "XDG_STATE_HOME"):
            os.environ[name] = folder
        os.environ["EXPLIB_DATABASE_URL"] = url
        await seed(url, chosen.size)
        try:
            return await compared(chosen.rounds), await together(chosen.killed)
        finally:
            await stopped()


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--rounds", type=int, default=10)
    options.add_argument("--size", type=int, default=1000)
    options.add_argument("--killed", type=int, default=30)
    chosen = options.parse_args()
    found, (memory, left) = asyncio.run(run(chosen))
    rows: list[list[str | int | float]] = []
    for what, title in (("listed", "first tools/list"), ("called", "first call")):
        floor = [getattr(each, what) for each in found["floor"]]
        for kind in KINDS:
            times = [getattr(each, what) for each in found[kind]]
            ratio = statistics.median(b / a for a, b in zip(floor, times, strict=True))
            rows.append([title, kind, statistics.median(times), min(times), ratio])
    show(f"start, {chosen.rounds} rounds", ("seconds to the", "server", "p50", "min", "ratio to the floor"), rows)
    print(f"a further client: {memory:.1f} MB; {left} of {chosen.killed} killed clients are left")
    keep(chosen.json, {name: [asdict(each) for each in starts] for name, starts in found.items()})


if __name__ == "__main__":
    main()
