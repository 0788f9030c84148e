"""How long get_experiences takes, next to a tool that does nothing, in one run.

    .venv/bin/python benchmarks/serving.py [--sizes 100,1000,10000,100000] [--transports stdio,http]
                                           [--clients 1,20] [--calls 300] [--seconds 1.5] [--client raw|sdk]

Three servers take turns: `floor` has the same tool and answers nothing, `carried` answers 40 made-up lessons without
looking for them (what it costs only to carry an answer of that size), `explib` serves a library. One client: the
latencies of `--calls` calls, A B C A B C. Several: calls per second in windows of `--seconds`, in turns; over stdio
each client has a server process of its own, over HTTP they share one. Every call asks for another task. `cpu` is the
processor time that the servers used for a call, background work included: what a busy machine can't blur.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from lessons import tasks
from measuring import Spread, keep, numbers, parser, show
from seeding import seed, sqlite_url
from wire import FLOOR, OURS, Caller, connection, listening, pipe, processor_seconds, sdk_pipe

WARM_UP = 30
WINDOWS = 4
SETTLING = 1.0
"""Seconds after which what goes on behind the answers has ended."""
CARRIED = (*FLOOR, "--lessons", "40")
EXPLIB = (*OURS, "--learner", "off")


@dataclass(frozen=True, slots=True)
class Served:
    """What one kind of server did: latencies, calls per second of all its clients, processor time."""

    spread: Spread
    rate: float
    cpu: float
    """Milliseconds of the servers' processor time for a call."""


@dataclass(slots=True)
class Party:
    """The callers of one kind of server, the ids of its processes, and how long its calls took."""

    callers: list[Caller]
    processes: list[int]
    times: list[float] = field(default_factory=list)

    def cpu(self) -> float:
        """Seconds, until now."""
        return sum(processor_seconds(pid) for pid in self.processes)

    def served(self, seconds: float, cpu: float) -> Served:
        """What came of `seconds` of calling, in which the processes used `cpu`."""
        return Served(Spread.of(self.times), len(self.times) / seconds, 1000 * cpu / len(self.times))


@dataclass(frozen=True, slots=True)
class Compared:
    """One row of the table. `ratio`: of the medians for one client, of the calls per second for several."""

    size: int
    transport: str
    clients: int
    floor: Served
    carried: Served
    explib: Served
    ratio: float


async def measure(chosen: argparse.Namespace, size: int, folder: Path) -> list[Compared]:
    """Every transport and number of clients at one size."""
    url = sqlite_url(folder / f"{size}.db")
    await seed(url, size)
    found = []
    for transport in chosen.transports.split(","):
        for clients in numbers(chosen.clients):
            async with AsyncExitStack() as opened:
                parties = [
                    await opened.enter_async_context(party(command, url, transport, clients, chosen.client))
                    for command in (FLOOR, CARRIED, EXPLIB)
                ]
                measured = await (latencies if clients == 1 else rates)(parties, chosen)
            floor, carried, ours = measured
            ratio = ours.spread.p50 / floor.spread.p50 if clients == 1 else ours.rate / floor.rate
            found.append(Compared(size, transport, clients, floor, carried, ours, ratio))
    return found


@asynccontextmanager
async def party(command: Sequence[str], url: str, transport: str, clients: int, kind: str) -> AsyncIterator[Party]:
    """One kind of server, each of whose callers has been answered once."""
    env = {"EXPLIB_DATABASE_URL": url}
    async with AsyncExitStack() as opened:
        made = Party([], [])
        if transport == "stdio" and kind == "sdk":
            made.callers += [await opened.enter_async_context(sdk_pipe(command, env)) for _ in range(clients)]
        elif transport == "stdio":
            pipes = [await opened.enter_async_context(pipe(command, env)) for _ in range(clients)]
            made = Party([*pipes], [each.process.pid for each in pipes])
        else:
            served = (*command, "--transport", "http") if command is EXPLIB else command
            port, pid = await opened.enter_async_context(listening(served, env))
            made.processes.append(pid)
            made.callers += [await opened.enter_async_context(connection(port)) for _ in range(clients)]
        for caller in made.callers:
            await caller.call("warm up")
        yield made


async def latencies(parties: list[Party], chosen: argparse.Namespace) -> list[Served]:
    """In turns, call by call."""
    asked = tasks(1)
    for _ in range(WARM_UP):
        for each in parties:
            await each.callers[0].call(next(asked))
    used = [each.cpu() for each in parties]
    for _ in range(chosen.calls):
        for each in parties:
            task = next(asked)
            began = time.perf_counter()
            await each.callers[0].call(task)
            each.times.append(time.perf_counter() - began)
    await asyncio.sleep(SETTLING)
    return [each.served(sum(each.times), each.cpu() - before) for each, before in zip(parties, used, strict=True)]


async def rates(parties: list[Party], chosen: argparse.Namespace) -> list[Served]:
    """In turns, window by window: every caller of a party calls without a pause."""
    used = [each.cpu() for each in parties]
    for window in range(WINDOWS):
        for each in parties:
            ends = time.perf_counter() + chosen.seconds
            async with asyncio.TaskGroup() as calling:
                for number, caller in enumerate(each.callers):
                    calling.create_task(_calling(caller, tasks(1000 * window + number), ends, each.times))
    await asyncio.sleep(SETTLING)
    seconds = WINDOWS * chosen.seconds
    return [each.served(seconds, each.cpu() - before) for each, before in zip(parties, used, strict=True)]


async def _calling(caller: Caller, asked: Iterator[str], ends: float, times: list[float]) -> None:
    while (began := time.perf_counter()) < ends:
        await caller.call(next(asked))
        times.append(time.perf_counter() - began)


HEADS = ("size", "over", "clients", "floor p50", "carried p50", "explib p50", "p95", "p99", "floor/s", "explib/s",
         "ratio", "floor cpu", "carried cpu", "explib cpu")  # fmt: skip


def row(found: Compared) -> list[str | int | float]:
    """Milliseconds, and calls per second."""
    floor, carried, ours = found.floor, found.carried, found.explib
    times = [floor.spread.p50, carried.spread.p50, ours.spread.p50, ours.spread.p95, ours.spread.p99]
    rest = [floor.rate, ours.rate, found.ratio, floor.cpu, carried.cpu, ours.cpu]
    return [found.size, found.transport, found.clients, *times, *rest]


async def run(chosen: argparse.Namespace) -> list[Compared]:
    """Every size, in a folder that is removed at the end."""
    with tempfile.TemporaryDirectory() as folder:
        return [each for size in numbers(chosen.sizes) for each in await measure(chosen, size, Path(folder))]


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--sizes", default="100,1000,10000,100000")
    options.add_argument("--transports", default="stdio,http")
    options.add_argument("--clients", default="1,20")
    options.add_argument("--calls", type=int, default=300)
    options.add_argument("--seconds", type=float, default=1.5)
    options.add_argument("--client", choices=["raw", "sdk"], default="raw", help="over stdio; sdk: the SDK's own")
    chosen = options.parse_args()
    found = asyncio.run(run(chosen))
    show("get_experiences in ms; ratio: p50 of one client, calls/s of several", HEADS, [row(each) for each in found])
    keep(chosen.json, [asdict(each) for each in found])


if __name__ == "__main__":
    main()
